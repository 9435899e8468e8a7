/**
 * Where gRPC connections come in. The socket is accepted here and not by gRPC, because only so can the GOAWAY guard
 * stand between the two (`goaway_guard.ts`), and because connections need a limit.
 */
import { createServer, type Server, type Socket } from "node:net";
import { CONNECTIONS_MAX } from "@/core/bounds.ts";
import { MachineRefusal } from "@/core/host/exit.ts";
import { addressText, parseListenAddress, type SocketAddress } from "@/core/host/listen_address.ts";
import { mayListen } from "@/core/host/listen_permission.ts";
import { type Log, OncePerMinute } from "@/core/host/log.ts";

export interface Listener {
  /** As listened on, with the port that the system chose for port 0. */
  readonly address: SocketAddress;
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
 * @param accept owns the socket it is given.
 * @throws MachineRefusal
 */
export async function listen(text: string, accept: (socket: Socket) => void, log: Log): Promise<Listener> {
  const parsed = parseListenAddress(text);
  if ("mistake" in parsed) throw new MachineRefusal(`Cannot listen on ${JSON.stringify(text)}: ${parsed.mistake}`);
  const sockets = new Set<Socket>();
  const refusals = new OncePerMinute(log);
  let onQuiet = (): void => {};
  const server = createServer({ noDelay: true }, (socket) => {
    if (sockets.size >= CONNECTIONS_MAX) {
      refusals.warn("connections", performance.now() / 1000, "refused a gRPC connection: too many are open", () => ({
        connections_max: CONNECTIONS_MAX,
      }));
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) onQuiet();
    });
    accept(socket);
  });
  const address = await bind(server, parsed.address);
  server.on("error", (error) => log.error("cannot accept gRPC connections", { reason: error.message }));
  return {
    address,
    close: () => void server.close(),
    quiet: () => new Promise((resolve) => sockets.size === 0 ? resolve() : onQuiet = resolve),
    cut: () => sockets.forEach((socket) => socket.destroy()),
  };
}

async function bind(server: Server, { hostname, port }: SocketAddress): Promise<SocketAddress> {
  const text = addressText({ hostname, port });
  if (!mayListen({ hostname, port })) {
    throw new MachineRefusal(
      `Cannot listen on ${text}: the runtime was not given this address; start it with --allow-net=${text}`,
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
