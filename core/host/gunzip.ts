/**
 * gzip, as logs are rotated: one member or several, one after the other (logrotate appends, pigz cuts). The runtime's
 * `DecompressionStream` refuses what follows the first member, hence zlib of `node:`.
 */
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** Bytes of content at once. When data is damaged, what precedes the damage in the same piece is lost with it. */
const PIECE_BYTES = 64 * 1024;

/** The data is not whole: `message` says how, for people. */
export class GzipDamage extends Error {
  override readonly name = "GzipDamage";
}

/**
 * The content of all members. `compressed` is asked for more when more is needed; each of its pieces is ours.
 *
 * @throws GzipDamage after the content up to there; and what `compressed` throws
 */
export async function* gunzip(compressed: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unzipped = createGunzip({ chunkSize: PIECE_BYTES });
  const source = Readable.from(compressed, { objectMode: true, highWaterMark: 1 });
  source.on("error", (error) => unzipped.destroy(error));
  source.pipe(unzipped);
  try {
    for await (const piece of unzipped) yield piece;
  } catch (error) {
    throw damageOf(error) ?? error;
  } finally {
    source.destroy();
  }
}

function damageOf(error: unknown): GzipDamage | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "Z_BUF_ERROR") return new GzipDamage("it ends in the middle: it was cut, or is still being written");
  if (code === "Z_DATA_ERROR" && error instanceof Error) return new GzipDamage(`its data is damaged: ${error.message}`);
  return undefined;
}
