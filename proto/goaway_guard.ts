/**
 * Keeps a peer's polite goodbye from killing this process: https://github.com/denoland/deno/issues/36788
 *
 * On Deno 2.9.4 to 2.9.6 a `node:http2` session that receives a GOAWAY frame after about 100 streams frees memory
 * twice and the process aborts; nothing can be caught. Any client that closes politely can so kill a server, and any
 * server that stops can kill its clients. So GOAWAY frames are taken out of the bytes before http2 sees them, in a
 * duplex stream between the socket and the session. A GOAWAY announces that the connection is about to be closed;
 * what follows, the close itself, still arrives.
 *
 * When the runtime is fixed (the second test in `goaway_guard_test.ts` will say so), delete this file and hand over the
 * sockets as they are.
 *
 *     +-----------------------------------------------+
 *     | length (24)                                   |      RFC 9113, section 4.1
 *     +---------------+---------------+---------------+
 *     | type (8)      | flags (8)     |
 *     +-+-------------+---------------+-------------------------------+
 *     |R| stream identifier (31)                                      |
 *     +=+=============================================================+
 *     | payload (length bytes) …                                      |
 */
import type { ChannelCredentials } from "@grpc/grpc-js";
import type { Socket } from "node:net";
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";

/** Milliseconds that a server may keep a connection open after its GOAWAY. Beyond it we close: calls made on such a
 * connection would wait for nothing. */
const GOAWAY_LINGER_MS_MAX = 5_000;

/** Bytes before the first frame: `PRI * HTTP/2.0` … from a client, nothing from a server (RFC 9113, section 3.4). */
const PREFACE_BYTES = 24;

const HEADER_BYTES = 9;
const GOAWAY = 0x07;

/** What an HTTP/2 server shall read instead of `socket`. Owns the socket from now on. */
export function guardServerSocket(socket: Socket): Duplex {
  return guard(socket, new GoawayFilter(PREFACE_BYTES), () => {});
}

/** What an HTTP/2 client shall read instead of `socket`. Owns the socket from now on. */
export function guardClientSocket(socket: Socket): Duplex {
  return guard(socket, new GoawayFilter(0), () => {
    const timer = setTimeout(() => socket.destroy(), GOAWAY_LINGER_MS_MAX);
    timer.unref?.();
    socket.once("close", () => clearTimeout(timer));
  });
}

/**
 * Makes channels with these credentials read through the guard. gRPC asks its credentials to turn a connected socket
 * into the one that http2 reads (for TLS they wrap it), which is where the guard fits without patching `node:http2`.
 * `_createSecureConnector` is declared but not documented: the pinned version and the tests stand for it.
 */
export function guardCredentials(credentials: ChannelCredentials): ChannelCredentials {
  const createConnector = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...args): ReturnType<typeof createConnector> => {
    const connector = createConnector(...args);
    return {
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
      connect: async (tcp) => {
        const { socket, secure } = await connector.connect(tcp);
        // http2 wants a Duplex; only this interface says Socket.
        return { socket: guardClientSocket(socket) as unknown as Socket, secure };
      },
    };
  };
  return credentials;
}

/** Takes GOAWAY frames out of a stream of HTTP/2 frames that arrives in pieces of any size. */
export class GoawayFilter {
  /** GOAWAY frames taken out so far. */
  dropped = 0;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #payloadLeft = 0;
  #dropping = false;
  #prefaceLeft: number;

  /** @param prefaceBytes bytes to let through before the first frame. */
  constructor(prefaceBytes: number) {
    this.#prefaceLeft = prefaceBytes;
  }

  /**
   * Passes on what of `chunk` is not part of a GOAWAY frame, as few subarrays as possible, in order. A header that
   * ends in a later chunk is held back until then: its type decides.
   */
  pass(chunk: Uint8Array, out: (bytes: Uint8Array) => void): void {
    let at = 0;
    let kept = 0; // chunk[kept … at) will be passed on
    const flush = (): void => {
      if (kept < at) out(chunk.subarray(kept, at));
    };
    while (at < chunk.length) {
      const left = chunk.length - at;
      if (this.#prefaceLeft > 0) {
        const bytes = Math.min(this.#prefaceLeft, left);
        this.#prefaceLeft -= bytes;
        at += bytes;
      } else if (this.#payloadLeft > 0) {
        const bytes = Math.min(this.#payloadLeft, left);
        this.#payloadLeft -= bytes;
        at += bytes;
        if (this.#dropping) kept = at;
      } else {
        const held = this.#headerBytes;
        const bytes = Math.min(HEADER_BYTES - held, left);
        this.#header.set(chunk.subarray(at, at + bytes), held);
        const whole = this.#readHeader(bytes);
        if (!whole || this.#dropping || held > 0) {
          flush();
          if (whole && !this.#dropping) out(this.#header.slice());
          kept = at + bytes;
        }
        at += bytes;
      }
    }
    flush();
  }

  /** Counts `bytes` more of the header; true when it is whole. */
  #readHeader(bytes: number): boolean {
    this.#headerBytes += bytes;
    if (this.#headerBytes < HEADER_BYTES) return false;
    const header = this.#header;
    this.#headerBytes = 0;
    this.#payloadLeft = header[0] << 16 | header[1] << 8 | header[2];
    this.#dropping = header[3] === GOAWAY;
    if (this.#dropping) this.dropped++;
    return true;
  }
}

/** A duplex stream over `socket` whose reading side goes through `filter`. Back-pressure and errors pass both ways. */
function guard(socket: Socket, filter: GoawayFilter, onGoaway: () => void): Duplex {
  const duplex = new Duplex({
    allowHalfOpen: true,
    read: () => void socket.resume(),
    write: (chunk, _encoding, done) => void socket.write(chunk, done),
    writev: (chunks, done) => {
      // One write for the many small frames of a response.
      socket.cork();
      chunks.forEach(({ chunk }, i) => void socket.write(chunk, i === chunks.length - 1 ? done : undefined));
      socket.uncork();
    },
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk: Uint8Array) => {
    const before = filter.dropped;
    filter.pass(chunk, (bytes) => {
      if (!duplex.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) socket.pause();
    });
    if (filter.dropped !== before) onGoaway();
  });
  socket.on("end", () => void duplex.push(null));
  socket.on("close", () => void duplex.destroy());
  socket.on("error", (error) => void duplex.destroy(error));
  return Object.assign(duplex, socketFacts(socket));
}

/** What http2 and gRPC ask of a socket besides being a stream. */
function socketFacts(socket: Socket): Record<string, unknown> {
  return {
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort,
    localAddress: socket.localAddress,
    localPort: socket.localPort,
    setNoDelay: (on?: boolean) => socket.setNoDelay(on),
    setKeepAlive: (on?: boolean, delayMs?: number) => socket.setKeepAlive(on, delayMs),
    // http2 has no business timing out a connection; keepalive pings find the dead ones.
    setTimeout: () => socket,
    ref: () => socket.ref(),
    unref: () => socket.unref(),
  };
}
