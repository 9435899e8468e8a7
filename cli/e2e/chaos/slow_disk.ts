/**
 * Loaded before a collector: its disk becomes slow, so that a kill can land in the middle of a record. It says on stderr
 * when something is being written and when that is durable.
 */
const PIECE_BYTES = 256, PIECE_MS = 4, SYNC_MS = 10;

const { write, syncData } = Deno.FsFile.prototype;
let pending = false;

Deno.FsFile.prototype.write = async function (this: Deno.FsFile, bytes: Uint8Array): Promise<number> {
  if (!pending) say("slow disk: writing");
  pending = true;
  let done = 0;
  while (done < bytes.length) {
    done += await write.call(this, bytes.subarray(done, done + PIECE_BYTES));
    await new Promise((resolve) => setTimeout(resolve, PIECE_MS));
  }
  return done;
};

Deno.FsFile.prototype.syncData = async function (this: Deno.FsFile): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SYNC_MS));
  await syncData.call(this);
  say("slow disk: durable");
  pending = false;
};

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}
