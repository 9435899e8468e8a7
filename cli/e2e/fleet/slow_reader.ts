/**
 * A subscriber to all buckets that takes one byte a second, over a connection of its own. It allows the other side to send two
 * gigabytes (RFC 9113, section 6.9), so that nothing but the socket holds that back.
 */

/** RFC 9113, section 3.4. */
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA = 0, HEADERS = 1, SETTINGS = 4, WINDOW_UPDATE = 8;
const END_STREAM = 1, END_HEADERS = 4;
const INITIAL_WINDOW_SIZE = 4, WINDOW_BYTES_MAX = 2 ** 31 - 1, WINDOW_BYTES_AT_FIRST = 65_535;

export interface SlowReader extends Disposable {
  /** Bytes that it has taken. */
  readonly taken: number;
}

export async function startSlowReader(address: string): Promise<SlowReader> {
  const [hostname, port] = address.split(":");
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const request = bytesOf(
    PREFACE,
    frame(SETTINGS, 0, 0, [0, INITIAL_WINDOW_SIZE, ...be32(WINDOW_BYTES_MAX)]),
    frame(WINDOW_UPDATE, 0, 0, be32(WINDOW_BYTES_MAX - WINDOW_BYTES_AT_FIRST)),
    frame(HEADERS, END_HEADERS, 1, headers()),
    // A message without any field: all deltas that are retained, and those to come.
    frame(DATA, END_STREAM, 1, [0, 0, 0, 0, 0]),
  );
  for (let sent = 0; sent < request.length;) sent += await connection.write(request.subarray(sent));
  let taken = 0;
  const one = new Uint8Array(1);
  const timer = setInterval(async () => {
    try {
      taken += await connection.read(one) ?? 0;
    } catch {
      clearInterval(timer); // hung up on, or closed below
    }
  }, 1000);
  return {
    get taken(): number {
      return taken;
    },
    [Symbol.dispose]: (): void => {
      clearInterval(timer);
      connection.close();
    },
  };
}

/** RFC 7541: fields of the static table, and literals that are not to be indexed. */
function headers(): number[] {
  const text = (value: string): number[] => [value.length, ...new TextEncoder().encode(value)];
  return [
    0x83, // :method: POST
    0x86, // :scheme: http
    ...[0x04, ...text("/logtail.LogtailService/StreamBuckets")],
    ...[0x01, ...text("localhost")],
    ...[0x00, ...text("te"), ...text("trailers")],
    ...[0x0f, 0x10, ...text("application/grpc")],
  ];
}

function frame(type: number, flags: number, stream: number, payload: readonly number[]): number[] {
  const { length } = payload;
  return [length >> 16, length >> 8 & 255, length & 255, type, flags, ...be32(stream), ...payload];
}

function be32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}

function bytesOf(preface: string, ...frames: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([...new TextEncoder().encode(preface), ...frames.flat()]);
}
