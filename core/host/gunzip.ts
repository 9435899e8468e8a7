/**
 * gzip, as logs are rotated: one member or several, one after the other (logrotate appends, pigz cuts). The runtime's
 * `DecompressionStream` refuses what follows the first member, hence zlib of `node:`.
 */
import { createGunzip } from "node:zlib";

/** Bytes of content at once. When data is damaged, what precedes the damage in the same piece is lost with it. */
const PIECE_BYTES = 64 * 1024;

/** The data is not whole: `message` says how, for people. */
export class GzipDamage extends Error {
  override readonly name = "GzipDamage";
}

/**
 * The content of all members. `compressed` is asked for one piece after the other; each is ours. What one piece holds is in
 * memory at once, and that can be a thousand times as much: pieces should be small.
 *
 * @throws GzipDamage after the content up to there; and what `compressed` throws
 */
export async function* gunzip(compressed: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unzipped = createGunzip({ chunkSize: PIECE_BYTES });
  // Not by iterating over the stream: at an error that forgets what it has not handed out yet.
  const content: Uint8Array[] = [];
  let trouble: unknown, over = false;
  unzipped.on("data", (piece: Uint8Array) => content.push(piece));
  // It can be over while there is more: zeros behind the last member are nothing.
  const ended = new Promise<void>((resolve) => {
    function end(error?: unknown): void {
      trouble ??= error;
      over = true;
      resolve();
    }
    unzipped.on("error", end).on("end", end).on("close", () => end());
  });
  try {
    for (const piece of compressed) {
      await Promise.race([ended, new Promise<void>((resolve) => unzipped.write(piece, () => resolve()))]);
      yield* content.splice(0);
      if (over) break;
    }
    if (!over) unzipped.end();
    await ended;
    yield* content;
  } finally {
    unzipped.destroy();
  }
  if (trouble !== undefined) throw damageOf(trouble) ?? trouble;
}

function damageOf(error: unknown): GzipDamage | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "Z_BUF_ERROR") return new GzipDamage("it ends in the middle: it was cut, or is still being written");
  if (code === "Z_DATA_ERROR" && error instanceof Error) return new GzipDamage(`its data is damaged: ${error.message}`);
  return undefined;
}
