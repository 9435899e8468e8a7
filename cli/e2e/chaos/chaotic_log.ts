/**
 * A log as a busy nginx and logrotate make it, one step at a time, so that a collector can be killed between any two: in
 * the middle of a line, between two renames of a rotation, while a compressed file is half written.
 *
 * Times of lines lie up to 25 s back in any order, as buffered workers write them.
 */
import { gzipSync } from "node:zlib";
import { line } from "@/cli/e2e/lines.ts";
import { increment } from "@/cli/e2e/tally.ts";

/** Lines by URI, or by website: that says in which file of the rotation a line was written first. */
export type Written = Map<string, number>;

const PATHS = 60;

export class ChaoticLog {
  readonly byUri: Written = new Map();
  readonly byFile: Written = new Map();
  lines = 0;
  /** What the writer holds open: after a rotation it writes to the old file until it is told to reopen. */
  #file: Deno.FsFile;
  /** Rotated files that are compressed, oldest last: `.2.gz` and on. */
  #compressed = 0;
  #files = 0;
  #hasFirst = false;

  constructor(readonly path: string, readonly random: () => number) {
    this.#file = this.#opened();
  }

  append(lines: number): void {
    let text = "";
    for (let i = 0; i < lines; i++) text += this.#line();
    this.#write(text);
  }

  /** Writes the beginning of some lines, in the middle of one; call what it returns to write the rest. */
  appendHalf(): () => void {
    const text = this.#line() + this.#line() + this.#line(), at = 1 + Math.floor(this.random() * (text.length - 2));
    const cut = text[at - 1] === "\n" ? at + 1 : at;
    this.#write(text.slice(0, cut));
    return () => this.#write(text.slice(cut));
  }

  /**
   * Rotation, as by logrotate with `delaycompress`: each call of `next` is one change of the directory. What it yields
   * says where it stands.
   */
  *rotation(): Iterator<"renaming" | "compressing", undefined> {
    const { path } = this;
    if (this.#hasFirst) {
      for (let n = this.#compressed + 1; n >= 2; n--) {
        Deno.renameSync(`${path}.${n}.gz`, `${path}.${n + 1}.gz`);
        yield "renaming";
      }
      const compressed = gzipSync(Deno.readFileSync(`${path}.1`)), at = Math.floor(this.random() * compressed.length);
      const target = Deno.openSync(`${path}.2.gz`, { write: true, createNew: true });
      target.writeSync(compressed.subarray(0, at));
      yield "compressing";
      target.writeSync(compressed.subarray(at));
      target.close();
      yield "compressing";
      Deno.removeSync(`${path}.1`);
      this.#compressed++;
    }
    Deno.renameSync(path, `${path}.1`);
    this.#hasFirst = true;
    yield "renaming";
    // nginx has not been told yet.
    this.append(Math.floor(3 * this.random()));
    const former = this.#file;
    this.#file = this.#opened();
    former.close();
    return undefined;
  }

  rotate(): void {
    const rotation = this.rotation();
    while (rotation.next().done !== true);
  }

  close(): void {
    this.#file.close();
  }

  #opened(): Deno.FsFile {
    this.#files++;
    return Deno.openSync(this.path, { append: true, create: true });
  }

  #line(): string {
    const uri = `/p${Math.floor(PATHS * this.random() ** 2)}`, time = Date.now() / 1000 - 25 * this.random();
    const host = `file-${this.#files}`;
    increment(this.byUri, uri);
    increment(this.byFile, host);
    this.lines++;
    return line({ host, uri, time: time.toFixed(3) });
  }

  #write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
  }
}
