/**
 * Where gRPC connections come in, in plain text or with TLS. The socket is accepted here and not by gRPC, because only so
 * can the GOAWAY guard stand between the two (`goaway_guard.ts`), because connections need a limit, and because a
 * certificate that was renewed shall be used for whoever comes next.
 */
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer, type TlsOptions } from "node:tls";
import { CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, TLS_HANDSHAKE_MS_MAX } from "@/core/bounds.ts";
import type { CredentialFiles } from "@/core/host/credential_files.ts";
import { MachineRefusal } from "@/core/host/exit.ts";
import { addressText, parseListenAddress, type SocketAddress } from "@/core/host/listen_address.ts";
import { askedToListen, mayListen } from "@/core/host/listen_permission.ts";
import { type Log, OncePerMinute } from "@/core/host/log.ts";
import type { ServerCertificates } from "@/core/host/security.ts";

export interface Listener {
  /** As listened on, with the port that the system chose for port 0. */
  readonly address: SocketAddress;
  /** How many are open, and how many were one too many. */
  connections(): { readonly open: number; readonly refused: number };
  /** Accepts no further connections; those there are go on. */
  close(): void;
  /** Resolves when no connection is left. */
  quiet(): Promise<void>;
  /** Cuts every connection that is left. */
  cut(): void;
}

/**
 * Listens on `host:port`; `:port` is `[::]:port` and serves IPv4 and IPv6, or IPv4 alone on a machine without IPv6.
 *
 * @param accept owns the socket it is given
 * @param tls absent for plain text
 * @throws MachineRefusal
 */
export async function listen(
  text: string,
  accept: (socket: Socket) => void,
  log: Log,
  tls?: CredentialFiles<ServerCertificates>,
): Promise<Listener> {
  const parsed = parseListenAddress(text);
  if ("mistake" in parsed) throw new MachineRefusal(`Cannot listen on ${JSON.stringify(text)}: ${parsed.mistake}`);
  const sockets = new Set<Socket>();
  const complaints = new OncePerMinute(log);
  let onQuiet = (): void => {}, refused = 0;
  /** Whether there is room for one more connection. */
  const admit = (socket: Socket): boolean => {
    const refusal = tooMany(socket, sockets);
    if (refusal !== undefined) {
      refused++;
      complain("connections", "refused a gRPC connection", { why: refusal });
      socket.destroy();
      return false;
    }
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) onQuiet();
    });
    return true;
  };
  const server = tls === undefined
    ? createServer({ noDelay: true }, (socket) => void (admit(socket) && accept(socket)))
    : tlsServer(tls, admit, accept, (why) => complain("tls", "a TLS connection did not come about", { why }));
  const address = await bind(server, parsed.address);
  server.on("error", (error) => log.error("cannot accept gRPC connections", { reason: error.message }));
  return {
    address,
    connections: () => ({ open: sockets.size, refused }),
    close: () => void server.close(),
    quiet: () => new Promise((resolve) => sockets.size === 0 ? resolve() : onQuiet = resolve),
    cut: () => sockets.forEach((socket) => socket.destroy()),
  };

  function complain(kind: string, what: string, facts: Readonly<Record<string, string>>): void {
    complaints.warn(kind, performance.now() / 1000, what, () => facts);
  }
}

/** Why a connection is one too many, or undefined. */
function tooMany({ remoteAddress }: Socket, open: ReadonlySet<Socket>): string | undefined {
  if (open.size >= CONNECTIONS_MAX) return `${CONNECTIONS_MAX} are open`;
  let ofPeer = 0;
  for (const socket of open) if (socket.remoteAddress === remoteAddress) ofPeer++;
  return ofPeer >= CONNECTIONS_PER_PEER_MAX ? `${CONNECTIONS_PER_PEER_MAX} of ${remoteAddress} are open` : undefined;
}

/** Certificates are looked at for every connection: one that was renewed is used for the next. */
function tlsServer(
  tls: CredentialFiles<ServerCertificates>,
  admit: (socket: Socket) => boolean,
  accept: (socket: Socket) => void,
  onTrouble: (why: string) => void,
): TlsServer {
  let certificates = tls.current();
  const server = createTlsServer({ ...tlsOptions(certificates), handshakeTimeout: TLS_HANDSHAKE_MS_MAX }, (socket) => {
    if (socket.alpnProtocol !== "h2") {
      onTrouble("the client does not speak HTTP/2");
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    accept(socket);
  });
  server.on("connection", (socket) => {
    if (!admit(socket)) return;
    const now = tls.current();
    if (now === certificates) return;
    certificates = now;
    server.setSecureContext(tlsOptions(now));
  });
  server.on("tlsClientError", (error) => onTrouble(error.message));
  return server;
}

function tlsOptions({ cert, key, clientCa }: ServerCertificates): TlsOptions {
  const mutual = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, ...mutual, minVersion: "TLSv1.2", ALPNProtocols: ["h2"] };
}

async function bind(server: Server, { hostname, port }: SocketAddress): Promise<SocketAddress> {
  const text = addressText({ hostname, port });
  if (!mayListen({ hostname, port })) {
    const asked = askedToListen({ hostname, port }).join(",");
    throw new MachineRefusal(
      `Cannot listen on ${text}: the runtime was not given this address; start it with --allow-net=${asked}`,
    );
  }
  try {
    return { hostname, port: await bindOnce(server, hostname, port) };
  } catch (error) {
    const code = codeOf(error);
    const noIpv6 = code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL";
    if (hostname === "::" && noIpv6) return await bind(server, { hostname: "0.0.0.0", port });
    throw new MachineRefusal(`Cannot listen on ${text}: ${refusal(error, code, port)}`);
  }
}

function bindOnce(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.removeListener("error", reject);
      const address = server.address();
      resolve(address !== null && typeof address === "object" ? address.port : port);
    });
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

function refusal(error: unknown, code: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return "another process listens there; stop it or choose another port with --listen";
    case "EACCES":
      return port < 1024
        ? "permission denied; use a port above 1023 or grant CAP_NET_BIND_SERVICE"
        : "permission denied; choose another port with --listen";
    case "EADDRNOTAVAIL":
      return "this machine has no such address; use one that it has, or leave the host out";
    case "ENOTFOUND":
      return "the host name has no address; use an address of this machine, or leave the host out";
    default:
      return `${error instanceof Error ? error.message : String(error)}; choose another address with --listen`;
  }
}
