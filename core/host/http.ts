/**
 * A small HTTP server for what machines read: a few fixed pages, GET and HEAD only.
 *
 * On `node:http`, since the runtime's own server has no limits: it keeps a connection that says nothing, or half a request, for
 * ever, and any number of them (measured with Deno 2.9).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { HTTP_BYTES_MAX, HTTP_CONNECTIONS_MAX } from "@/core/bounds.ts";
import { MachineRefusal } from "./endings.ts";
import { addressText, type SocketAddress } from "./listen_address.ts";
import { mayListen } from "./listen_permission.ts";
import type { Log } from "./log.ts";

/** An answer. */
export interface HttpPage {
  readonly status: number;
  /** Media type; text is UTF-8. */
  readonly type: string;
  readonly body: string;
}

export interface HttpOptions {
  readonly address: SocketAddress;
  /** The page at a path (without its query), or undefined. Made anew for every request; what it throws is our bug: 500. */
  readonly pageAt: (path: string) => HttpPage | undefined | Promise<HttpPage | undefined>;
  readonly log: Log;
  /** Milliseconds for the header of a request; HEADERS_MS_MAX except in tests. */
  readonly headersMsMax?: number;
}

export interface HttpServing {
  readonly port: number;
  /** Accepts nothing more and cuts what is left. */
  stop(): void;
}

/** Milliseconds for the header of a request, for all of it, until the next on the same connection, and without any progress. */
const HEADERS_MS_MAX = 5_000;
const REQUEST_MS_MAX = 10_000;
const IDLE_MS_MAX = 75_000; // longer than the minute between two scrapes
const SILENT_MS_MAX = 80_000;
/** Bytes of the header of a request. */
const HEADER_BYTES_MAX = 8 * 1024;

/** Serves until stopped. Throws MachineRefusal when it cannot listen. */
export async function serveHttp(options: HttpOptions): Promise<HttpServing> {
  const { address, pageAt, log, headersMsMax = HEADERS_MS_MAX } = options;
  const limits = { headersTimeout: headersMsMax, requestTimeout: REQUEST_MS_MAX, keepAliveTimeout: IDLE_MS_MAX };
  const pages = new UnreadPages();
  const server = createServer(
    { ...limits, maxHeaderSize: HEADER_BYTES_MAX, connectionsCheckingInterval: headersMsMax / 5 },
    (request, response) => void answer(request, response, pages, () => pageFor(request, pageAt, log)),
  );
  server.maxConnections = HTTP_CONNECTIONS_MAX;
  server.setTimeout(SILENT_MS_MAX, (socket) => void socket.destroy());
  const port = await bind(server, address);
  server.on("error", (error) => log.error("cannot accept HTTP connections", { why: error.message }));
  return {
    port,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Bytes of a page that is answered whoever reads what: there are no more of these than connections. */
const SMALL_BYTES_MAX = 64 * 1024;

/** What has been written and not been read yet, so that it does not become too much. */
class UnreadPages {
  #bytes = 0;

  /** Whether there is room for this answer, which is counted until its connection has taken it or is gone. */
  admit(bytes: number, response: ServerResponse): boolean {
    if (bytes > SMALL_BYTES_MAX && this.#bytes + bytes > HTTP_BYTES_MAX) return false;
    this.#bytes += bytes;
    response.once("close", () => this.#bytes -= bytes);
    return true;
  }
}

const TOO_MANY_READERS = plain(503, "too many pages wait to be read; try again\n");

/** Never rejects, since `make` does not. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: UnreadPages,
  make: () => Promise<HttpPage>,
): Promise<void> {
  let page = await make(), bytes = new TextEncoder().encode(page.body);
  if (!pages.admit(bytes.length, response)) {
    page = TOO_MANY_READERS;
    bytes = new TextEncoder().encode(page.body);
  }
  const { status, type } = page;
  response.writeHead(status, {
    "content-type": type,
    "content-length": bytes.length,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...status === 405 && { allow: "GET, HEAD" },
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

async function pageFor(
  { method, url = "" }: IncomingMessage,
  pageAt: HttpOptions["pageAt"],
  log: Log,
): Promise<HttpPage> {
  if (method !== "GET" && method !== "HEAD") return plain(405, "only GET and HEAD are answered here\n");
  try {
    return await pageAt(url.split("?", 1)[0]) ?? plain(404, "there is no such page\n");
  } catch (error) {
    log.error("cannot answer an HTTP request; this is a bug", {
      why: error instanceof Error ? error.message : `${error}`,
    });
    return plain(500, "this is a bug; please report it\n");
  }
}

/** A page of plain text. */
export function plain(status: number, body: string): HttpPage {
  return { status, type: "text/plain; charset=utf-8", body };
}

async function bind(server: Server, { hostname, port }: SocketAddress): Promise<number> {
  const where = `Cannot listen on TCP ${addressText({ hostname, port })}`;
  if (!mayListen({ hostname, port })) {
    const grant = addressText({ hostname, port });
    throw new MachineRefusal(`${where}: the runtime was not given this address; start it with --allow-net=${grant}`);
  }
  try {
    return await bindOnce(server, hostname, port);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (hostname === "::" && (code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL")) {
      return await bind(server, { hostname: "0.0.0.0", port });
    }
    throw new MachineRefusal(`${where}: ${REFUSALS[code] ?? (error instanceof Error ? error.message : `${error}`)}`);
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there; stop it or choose another port",
  EACCES: "permission denied; use a port above 1023 or grant CAP_NET_BIND_SERVICE",
  EADDRNOTAVAIL: "this machine has no such address; use one that it has, or leave the host out",
  ENOTFOUND: "the host name has no address; use an address of this machine, or leave the host out",
};

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
