/** Fixtures of the tests of `file_tail.ts`: a follower of simulated files that keeps what it is handed. */
import { gzipSync } from "node:zlib";
import { SUPERSEDED_QUIET_SECONDS_MIN } from "@/core/bounds.ts";
import { simulatedClock } from "@/core/host/clock.ts";
import type { Files } from "@/core/host/files.ts";
import { SimulatedFiles } from "@/core/host/files_simulated.ts";
import { openLog } from "@/core/host/log.ts";
import { FileTail, type FileTailOptions, type LineConsumer, type Origin, type Position } from "./file_tail.ts";

/** Follows files and keeps what it was handed as text. */
export class Follower<Backing extends Files = SimulatedFiles> implements LineConsumer {
  readonly clock = simulatedClock();
  readonly got: string[] = [];
  readonly origins: Origin[] = [];
  readonly logged: string[] = [];
  readonly tail: FileTail;
  tooLongAt: number[] = [];
  /** Path, offset and unread bytes of each log that was cut off. */
  readonly cuts: [string, number, number][] = [];

  constructor(readonly files: Backing, patterns: readonly string[], options: Partial<FileTailOptions> = {}) {
    this.tail = new FileTail({
      files,
      patterns,
      from: "start",
      log: openLog("test", (line) => this.logged.push(line.slice(line.indexOf("test: ") + 6))),
      nowS: () => this.clock.nowS(),
      consumer: this,
      ...options,
    });
  }

  lines(bytes: Uint8Array, start: number, end: number, origin: Origin): void {
    this.got.push(...new TextDecoder().decode(bytes.subarray(start, end)).split("\n").slice(0, -1));
    const { pattern, path, device, inode, generation, offset } = origin;
    this.origins.push({ pattern, path, device, inode, generation, offset });
  }

  tooLong(origin: Origin): void {
    this.tooLongAt.push(origin.offset);
  }

  cut({ path, offset }: Origin, unreadBytes: number): void {
    this.cuts.push([path, offset, unreadBytes]);
  }

  /** Scans and reads everything; what was handed over since the last call. */
  catchUp(): readonly string[] {
    this.tail.rescan();
    while (this.tail.readSome(100));
    return this.got.splice(0);
  }

  /** Positions of what is open, without those of what was read to its end. */
  open(): readonly Position[] {
    return this.tail.positions().filter(({ done }) => !done);
  }

  get filesOpen(): number {
    return this.open().length;
  }

  /** Superseded files are quiet for long enough. */
  waitQuiet(): readonly string[] {
    this.clock.advanceMs(1000 * SUPERSEDED_QUIET_SECONDS_MIN);
    return this.catchUp();
  }
}

export const LOG = "/log/a.log";

/** A follower of a log with this content, which it has not read yet. */
export function following(content: string, patterns = [LOG], options: Partial<FileTailOptions> = {}): Follower {
  const files = new SimulatedFiles();
  files.create(LOG, content);
  return new Follower(files, patterns, options);
}

/** A follower of a log that was read, and rotated away once since. @param births whether the file system notes them */
export function rotating(births = true): Follower & { readonly files: SimulatedFiles } {
  let ms = 1;
  const files = new SimulatedFiles(Infinity, () => ms += 100, births);
  files.create(LOG, "one\n");
  const follower = new Follower(files, [LOG], { from: "end" });
  follower.catchUp();
  files.rename(LOG, `${LOG}.1`);
  files.create(LOG, "two\n");
  return follower;
}

/** The log is renamed as `name`, and its writer makes the next. */
export function rotate(files: SimulatedFiles, name: string, next: string): void {
  files.rename(LOG, name);
  files.create(LOG, next);
}

/** Another follower with the positions of the first, as a restart reads them. */
export function restarted(first: Follower, patterns: readonly string[] = [LOG]): Follower {
  const positions = JSON.parse(JSON.stringify(first.tail.positions()));
  first.tail.close();
  return new Follower(first.files, patterns, { positions, scanned: first.tail.scanned(), from: "end" });
}

/** A file system whose clock goes on with every look at it, and a log that was read. */
export function readLog(content: string): Follower {
  let ms = 1_000_000;
  const files = new SimulatedFiles(Infinity, () => ms += 10);
  files.create(LOG, content);
  const follower = new Follower(files, [LOG]);
  follower.catchUp();
  return follower;
}

/** As logrotate does it. */
export function compress(files: SimulatedFiles, path: string): void {
  const { modifiedMs } = files.stat(path) as { modifiedMs: number };
  files.create(`${path}.gz`, gzipSync(files.content(path)));
  files.touch(`${path}.gz`, modifiedMs);
  files.unlink(path);
}
