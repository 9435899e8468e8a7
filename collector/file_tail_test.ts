import { gzipSync } from "node:zlib";
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  CHUNK_BYTES,
  LINE_BYTES_MAX,
  SUPERSEDED_FILES_MAX,
  SUPERSEDED_QUIET_SECONDS_MIN,
  UNREAD_FILES_MAX,
} from "@/core/bounds.ts";
import { simulatedClock } from "@/core/host/clock.ts";
import { type Files, systemFiles } from "@/core/host/files.ts";
import { SimulatedFiles } from "@/core/host/files_simulated.ts";
import { openLog } from "@/core/host/log.ts";
import { FileTail, type FileTailOptions, type LineConsumer, type Origin, type Position } from "./file_tail.ts";
import { DELETED_QUIET_SECONDS_MIN } from "./open_files.ts";

/** Follows files and keeps what it was handed as text. */
class Follower<Backing extends Files = SimulatedFiles> implements LineConsumer {
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

const LOG = "/log/a.log";

function following(content: string, patterns = [LOG], options: Partial<FileTailOptions> = {}): Follower {
  const files = new SimulatedFiles();
  files.create(LOG, content);
  return new Follower(files, patterns, options);
}

Deno.test("appended lines are handed over, an unfinished one only when it is finished", () => {
  const follower = following("one\ntwo\n");
  assertEquals(follower.catchUp(), ["one", "two"]);
  follower.files.append(LOG, "thr");
  assertEquals(follower.catchUp(), []);
  follower.files.append(LOG, "ee\nfo");
  assertEquals(follower.catchUp(), ["three"]);
  assertEquals(follower.tail.positions().map(({ path, offset }) => [path, offset]), [[LOG, 14]]);
  assertEquals(follower.origins.map((origin) => origin.offset), [0, 8]);
});

Deno.test("from the end: only lines completed after the start are handed over", () => {
  const follower = following("old\nhalf", [LOG], { from: "end" });
  assertEquals(follower.catchUp(), []);
  follower.files.append(LOG, " done\nnew\n");
  assertEquals(follower.catchUp(), ["half done", "new"]);
});

Deno.test("from the end, inside a line that is too long: the rest of it is skipped", () => {
  const follower = following("x".repeat(CHUNK_BYTES + 10), [LOG], { from: "end" });
  follower.catchUp();
  follower.files.append(LOG, "xx\nnew\n");
  assertEquals(follower.catchUp(), ["new"]);
});

Deno.test("a file that appears later is read from its start, whatever `from` says", () => {
  const follower = following("old\n", [LOG, "/log/later.log", "/glob/*.log"], { from: "end" });
  assertEquals(follower.catchUp(), []);
  assertEquals(follower.tail.waiting().map(({ path }) => path), ["/log/later.log", "/glob/*.log"]);
  follower.files.create("/log/later.log", "named\n");
  follower.files.create("/glob/b.log", "matched\n");
  assertEquals(follower.catchUp(), ["named", "matched"]);
  assertEquals(follower.origins.map((origin) => origin.pattern), [1, 2]);
  assertEquals(follower.tail.waiting(), []);
});

Deno.test("after a rename both files are read until the old one is superseded and quiet", () => {
  const follower = following("one\n");
  const { files } = follower;
  const writer = files.writer(LOG);
  follower.catchUp();
  files.rename(LOG, `${LOG}.1`);
  writer.append("two\n");
  assertEquals(follower.catchUp(), ["two"]);
  files.create(LOG, "new one\n");
  assertEquals(follower.catchUp(), ["new one"]);
  follower.clock.advanceMs(1000 * SUPERSEDED_QUIET_SECONDS_MIN - 1000);
  writer.append("three\n");
  assertEquals(follower.catchUp(), ["three"]);
  follower.clock.advanceMs(1000 * SUPERSEDED_QUIET_SECONDS_MIN - 1000);
  follower.catchUp();
  assertEquals(follower.filesOpen, 2, "writing started the quiet time anew");
  writer.append("four\nunfinished");
  follower.clock.advanceMs(1000 * SUPERSEDED_QUIET_SECONDS_MIN);
  assertEquals(follower.catchUp(), ["four"], "what is unread is not quiet");
  assertEquals(follower.waitQuiet(), ["unfinished"], "nobody will finish the last line");
  assertEquals(follower.filesOpen, 1);
});

Deno.test("a log that was renamed or deleted, and has no successor, stays open: its writer may not know yet", () => {
  const logs = [LOG, "/log/b.log", "/log/c.log"], follower = following("one\n", logs), { files } = follower;
  const writers = logs.map((path) => files.writer(path));
  follower.catchUp();
  files.rename(LOG, `${LOG}.1`);
  files.rename("/log/c.log", "/log/c.away");
  files.unlink("/log/b.log");
  follower.catchUp();
  for (let minutes = 0; minutes < 50; minutes++) follower.waitQuiet();
  for (const writer of writers) writer.append("late\n");
  assertEquals(follower.catchUp(), ["late", "late", "late"]);
  follower.files.create(LOG, "new\n");
  follower.catchUp();
  follower.waitQuiet();
  assertEquals(
    follower.open().map(({ path }) => path),
    ["/log/b.log", "/log/c.log", LOG],
    "it has a successor and is quiet",
  );
  follower.clock.advanceMs(1000 * DELETED_QUIET_SECONDS_MIN);
  follower.catchUp();
  assertEquals(follower.filesOpen, 2, "a deleted file takes up space for an hour at most");
  writers[2].append("later\n");
  assertEquals(follower.catchUp(), ["later"]);
});

Deno.test("of the files that have no successor, as many are kept of each path as of superseded ones", () => {
  const follower = following("1\n");
  for (let time = 0; time < SUPERSEDED_FILES_MAX + 2; time++) {
    follower.catchUp();
    follower.files.rename(LOG, `/away/${time}`);
    follower.catchUp();
    follower.files.create(LOG, "1\n");
  }
  follower.catchUp();
  assertEquals(follower.filesOpen, SUPERSEDED_FILES_MAX + 1);
});

Deno.test("a file that is renamed back is current again: its unfinished line may still be finished", () => {
  const follower = following("one\nunfin");
  follower.catchUp();
  follower.files.rename(LOG, "/log/away");
  follower.catchUp();
  follower.files.rename("/log/away", LOG);
  follower.catchUp();
  assertEquals(follower.waitQuiet(), []);
  follower.files.append(LOG, "ished\n");
  assertEquals(follower.catchUp(), ["unfinished"]);
});

Deno.test("a name that changes hands between looking and opening does not open a file twice", () => {
  const follower = following("one\n", ["/log/a.log*"]);
  const { files } = follower;
  follower.catchUp();
  files.rename(LOG, `${LOG}.1`);
  files.create(LOG, "two\n");
  const openRead = files.openRead.bind(files);
  files.openRead = (path) => {
    files.openRead = openRead;
    files.rename(LOG, `${LOG}.2`);
    files.rename(`${LOG}.1`, LOG);
    return openRead(path);
  };
  assertEquals(follower.catchUp(), []);
  assertEquals(follower.catchUp(), ["two"]);
});

Deno.test("two rotations while reading lags behind lose nothing", () => {
  const follower = following("1\n".repeat(1000), [LOG], { chunkBytes: 64, lineBytesMax: 40 });
  const { files, tail } = follower;
  tail.rescan();
  tail.readSome(1);
  for (const number of [2, 3]) {
    if (number === 3) files.rename(`${LOG}.1`, `${LOG}.2`);
    files.rename(LOG, `${LOG}.1`);
    files.create(LOG, `${number}\n`.repeat(1000));
    tail.rescan();
    tail.readSome(3);
  }
  follower.catchUp();
  assertEquals(tail.positions().map(({ offset }) => offset), [2000, 2000, 2000]);
});

/** A follower of a log that its writer has just reopened for the first time. */
function rotating(births = true): Follower & { readonly files: SimulatedFiles } {
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
function rotate(files: SimulatedFiles, name: string, next: string): void {
  files.rename(LOG, name);
  files.create(LOG, next);
}

Deno.test("a log that is made and rotated away between two scans is read from its start, and once", () => {
  const follower = rotating(), { files } = follower;
  rotate(files, `${LOG}-20261121`, "three\n");
  rotate(files, `${LOG}.old`, "four\n");
  assertEquals([...follower.catchUp()].sort(), ["four", "three", "two"]);
  assertMatch(follower.logged.join("\n"), /rotated before it was seen path=\/log\/a.log-20261121 offset=0/);
  files.append(`${LOG}.old`, "three and a half\n");
  assertEquals(follower.catchUp(), ["three and a half"]);
  for (let minute = 0; minute < 3; minute++) follower.waitQuiet();
  assertEquals(follower.filesOpen, 1, "they are superseded");
  files.rename(LOG, `${LOG}.2`);
  assertEquals(follower.catchUp(), []);
  files.create(LOG, "five\n");
  assertEquals(follower.catchUp(), ["five"], "what was closed is not read again");
});

Deno.test("a log that came and went while nothing stood at its name, before and after, is read as well", () => {
  const follower = following("", ["/log/named.log", LOG], {});
  let ms = 0;
  Object.defineProperty(follower.files, "nowMs", { value: () => ms += 100 });
  follower.files.rename(LOG, `${LOG}.1`);
  follower.catchUp();
  for (const log of [LOG, "/log/named.log"]) {
    follower.files.create(log, `${log}\n`);
    follower.files.rename(log, `${log}.2`);
  }
  assertEquals([...follower.catchUp()].sort(), [LOG, "/log/named.log"]);
});

Deno.test("what a rotation makes beside the log is not read: compressed, another log, what was there before, its copy", () => {
  const follower = rotating(), { files } = follower;
  files.create("/log/a.log.5", "old\n");
  follower.catchUp();
  files.create(`${LOG}.2.gz`, "\x1f\x8b\n");
  files.create(`${LOG}.json`, "{}\n");
  files.create(`${LOG}.3`, "", "directory");
  files.create("/log/other.log.1", "other\n");
  rotate(files, `${LOG}.2`, "three\n");
  files.rename("/log/a.log.5", "/log/a.log.6");
  assertEquals(follower.catchUp(), ["three"]);
  files.create(`${LOG}.1`, "three\n"); // as copytruncate does
  files.truncate(LOG);
  assertEquals(follower.catchUp(), []);
});

Deno.test("what was rotated in the tick of the last change that a scan saw is found, and not read again later", () => {
  let ms = 1000;
  const files = new SimulatedFiles(Infinity, () => ms);
  files.create(LOG, "one\n");
  const follower = new Follower(files, [LOG]);
  follower.catchUp();
  files.rename(LOG, `${LOG}.1`);
  follower.catchUp();
  files.create(LOG, "two\n");
  rotate(files, `${LOG}.2`, "three\n");
  assertEquals([...follower.catchUp()].sort(), ["three", "two"]);
  ms += 100;
  files.create(`${LOG}.5`, "a copy\n");
  ms += 100;
  follower.waitQuiet();
  follower.waitQuiet();
  assertEquals(follower.filesOpen, 1);
  rotate(files, `${LOG}.3`, "four\n");
  assertEquals(follower.catchUp(), ["four"]);
});

Deno.test("where the file system notes no births, what was rotated twice between two scans is left alone", () => {
  const follower = rotating(false);
  rotate(follower.files, `${LOG}.2`, "three\n");
  assertEquals(follower.catchUp(), ["three"]);
});

Deno.test("a rotated file that is renamed while it is looked for is found by the next scan", () => {
  const follower = rotating(), { files } = follower;
  rotate(files, `${LOG}.2`, "three\n");
  const openRead = files.openRead.bind(files);
  files.openRead = (path) => {
    if (path !== LOG) files.rename(path, `${LOG}.3`);
    files.openRead = path === LOG ? files.openRead : openRead;
    return openRead(path);
  };
  assertEquals(follower.catchUp(), ["three"]);
  assertEquals(follower.catchUp(), ["two"]);
});

Deno.test("a follower that is given positions also finds what was rotated since the scan they are of", () => {
  const first = rotating(), { files } = first;
  assertEquals(first.catchUp(), ["two"]);
  const positions = structuredClone(first.tail.positions());
  first.tail.close();
  rotate(files, `${LOG}.2`, "three\n");
  rotate(files, `${LOG}.3`, "four\n");
  const second = new Follower(files, [LOG], { positions, from: "end" });
  assertEquals([...second.catchUp()].sort(), ["four", "three"]);
});

Deno.test("rotated files beyond the bound are given up, oldest first, and what is lost is counted", () => {
  const follower = following("unread\n");
  for (let rotation = 0; rotation <= UNREAD_FILES_MAX; rotation++) {
    follower.tail.rescan();
    follower.files.rename(LOG, `${LOG}.${rotation}`);
    follower.files.create(LOG, "unread\n");
  }
  follower.tail.rescan();
  assertEquals(follower.catchUp().length, UNREAD_FILES_MAX + 1);
  assertEquals(follower.cuts, [[LOG, 0, 7]]);
  assertMatch(follower.logged.find((line) => line.startsWith(`Cannot read all of ${LOG}: `))!, / bytes=7$/);
});

Deno.test("a truncated file is read from its start in a new generation, and counted", () => {
  const follower = following("one\ntwo\n");
  follower.catchUp();
  follower.files.truncate(LOG);
  follower.files.append(LOG, "new\n");
  assertEquals(follower.catchUp(), ["new"]);
  follower.catchUp();
  assertEquals(follower.cuts, [[LOG, 8, 0]]);
  assertEquals(follower.origins.at(-1)!.generation, 1);
  assertMatch(follower.logged.at(-1)!, /^\/log\/a.log was truncated: lines written just before may be lost/);
});

Deno.test("a file that was truncated and has grown beyond the old position, or to it, is read from its start", () => {
  for (
    const [size, old] of [[200, "one\ntwo\n"], [200, `${"x".repeat(39)}\n`.repeat(100)], [4000, "x\n".repeat(2000)]]
  ) {
    let ms = 0;
    const files = new SimulatedFiles(Infinity, () => ms);
    files.create(LOG, `${old}`);
    const follower = new Follower(files, [LOG]);
    follower.catchUp();
    ms += 100;
    files.truncate(LOG);
    const lines = Array.from({ length: Number(size) }, (_, line) => `${line}`.padStart(19, "0"));
    files.append(LOG, `${lines.join("\n")}\n`);
    assertEquals(follower.catchUp(), lines);
    assertEquals(follower.origins.at(-1)!.generation, 1);
  }
});

Deno.test("a follower that is given positions tells a file that was written anew from the one it knew", () => {
  for (const [old, anew] of [["one\n", "two\nthree\n"], ["x\n".repeat(999), "y\n".repeat(1500)]]) {
    const first = following(old);
    first.catchUp();
    const positions = structuredClone(first.tail.positions());
    first.tail.close();
    first.files.truncate(LOG);
    first.files.append(LOG, anew);
    const second = new Follower(first.files, [LOG], { positions, from: "end" });
    assertEquals([...second.catchUp()].join("\n") + "\n", anew);
    assertMatch(second.logged.join("\n"), /a.log was truncated/);
  }
});

Deno.test("cutting an unfinished line off is no truncation: what was handed over is still there", () => {
  const follower = following("one\nhalf");
  follower.catchUp();
  follower.files.truncate(LOG, 4);
  assertEquals(follower.catchUp(), []);
  follower.files.append(LOG, "two\n");
  assertEquals(follower.catchUp(), ["two"]);
  assert(!follower.logged.some((line) => line.includes("truncated")));
});

Deno.test("a file that is deleted and made anew is read from its start, also when the inode number is the same", () => {
  const follower = following("one\n");
  follower.catchUp();
  const inode = follower.tail.positions()[0].inode;
  follower.files.unlink(LOG);
  assertEquals(follower.catchUp(), []);
  assertEquals(follower.tail.waiting().map(({ path }) => path), [LOG]);
  follower.clock.advanceMs(1000 * DELETED_QUIET_SECONDS_MIN);
  follower.catchUp();
  assertEquals(follower.files.handlesOpen, 0);
  follower.files.create(LOG, "two\n");
  assertEquals(follower.catchUp(), ["two"]);
  assertEquals(follower.tail.positions()[0].inode, inode);
});

Deno.test("while a deleted file is held open its number cannot be given away, so a new file is another", () => {
  const follower = following("one\n");
  follower.catchUp();
  follower.files.create(LOG, "two\n");
  assertEquals(follower.catchUp(), ["two"]);
  assertEquals(follower.filesOpen, 2);
});

Deno.test("a symlink that is re-pointed leads to the new file; the old one is read until quiet", () => {
  const follower = following("one\n", ["/log/current"]);
  const { files } = follower;
  files.symlink("/log/current", LOG);
  assertEquals(follower.catchUp(), ["one"]);
  files.create("/log/b.log", "three\n");
  files.symlink("/log/current", "/log/b.log");
  files.append(LOG, "two\n");
  assertEquals([...follower.catchUp()].sort(), ["three", "two"]);
  follower.waitQuiet();
  assertEquals(follower.filesOpen, 1);
});

Deno.test("a dangling symlink is waited for", () => {
  const follower = following("", ["/log/current"]);
  follower.files.symlink("/log/current", "/log/nothing");
  follower.catchUp();
  assertEquals(follower.tail.waiting(), [{ path: "/log/current", reason: "it does not exist" }]);
});

Deno.test("a file that two patterns, two names or a symlink lead to is read once, for the first of them", () => {
  const follower = following("one\n", ["/log/*.log", LOG, "/log/b.log", "/log/c.log"]);
  follower.files.link(LOG, "/log/b.log");
  follower.files.symlink("/log/c.log", LOG);
  assertEquals(follower.catchUp(), ["one"]);
  follower.files.append("/log/b.log", "two\n");
  assertEquals(follower.catchUp(), ["two"]);
  assertEquals(follower.origins.map(({ path, pattern }) => [path, pattern]), [[LOG, 0], [LOG, 0]]);
  follower.files.link(LOG, "/log/0.log");
  assertEquals(follower.catchUp(), []);
  assertEquals(follower.tail.positions().map(({ path }) => path), [LOG], "it keeps its name while that leads to it");
  follower.files.unlink("/log/0.log");
  follower.files.unlink(LOG);
  follower.files.append("/log/b.log", "three\n");
  assertEquals(follower.catchUp(), ["three"]);
  assertEquals(follower.tail.positions().map(({ path }) => path), ["/log/b.log"]);
});

Deno.test("a rotated sibling that matches the glob is neither read twice nor opened as new", () => {
  const follower = following("one\n", ["/log/a.log*"]);
  const { files } = follower;
  const writer = files.writer(LOG);
  assertEquals(follower.catchUp(), ["one"]);
  files.rename(LOG, `${LOG}.1`);
  files.create(LOG, "new\n");
  writer.append("two\n");
  assertEquals([...follower.catchUp()].sort(), ["new", "two"]);
  files.rename(`${LOG}.1`, `${LOG}.2`);
  files.rename(LOG, `${LOG}.1`);
  assertEquals(follower.catchUp(), []);
  assertEquals(follower.tail.positions().map(({ path }) => path), [`${LOG}.2`, `${LOG}.1`]);
  assertEquals(follower.waitQuiet(), []);
});

Deno.test("what a rotator compressed is not read as lines", () => {
  const follower = following("one\n", ["/log/a.log*"]);
  follower.files.create(`${LOG}.2.gz`, "\x1f\x8b\n");
  assertEquals(follower.catchUp(), ["one"]);
  assertEquals(follower.tail.waiting(), []);
});

Deno.test("a FIFO and a directory are named once and not followed", () => {
  const follower = following("one\n", ["/log/pipe", "/log/dir", LOG]);
  follower.files.create("/log/pipe", "", "fifo");
  follower.files.create("/log/dir", "", "directory");
  follower.catchUp();
  follower.catchUp();
  const cannot = follower.logged.filter((line) => line.startsWith("Cannot"));
  assertEquals(cannot, [
    "Cannot follow /log/pipe: it is a fifo, not a regular file; name a regular file",
    "Cannot follow /log/dir: it is a directory, not a regular file; use /log/dir/*.log",
  ]);
  assertEquals(follower.tail.waiting().map(({ path }) => path), ["/log/pipe", "/log/dir"]);
});

Deno.test("an unreadable log is named once with what would help, stops no other, and is read once it can be", () => {
  const follower = following("one\n", ["/log/secret.log", LOG]);
  follower.files.create("/log/secret.log", "two\n");
  follower.files.refuse("/log/secret.log");
  assertEquals(follower.catchUp(), ["one"]);
  follower.catchUp();
  const help = "add the collector's user to group adm or set the log's mode to 0640";
  assertEquals(
    follower.logged.filter((line) => line.startsWith("Cannot")),
    [`Cannot read /log/secret.log: permission denied; ${help}`],
  );
  follower.files.refuse("/log/secret.log", false);
  assertEquals(follower.catchUp(), ["two"]);
  assertEquals(follower.tail.waiting(), []);
});

Deno.test("a log that could not be read at first starts at `from` once it can be: its lines may be old", () => {
  const follower = following("old\n", ["/log/*.log"], { from: "end" });
  const { files } = follower;
  files.create("/shut/b.log", "old\n");
  files.refuse(LOG);
  files.refuse("/shut");
  const both = new Follower(files, ["/*/*.log"], { from: "end" });
  both.catchUp();
  assertEquals(both.tail.waiting().map(({ path }) => path), ["/shut", LOG]);
  files.refuse(LOG, false);
  files.refuse("/shut", false);
  assertEquals(both.catchUp(), []);
  files.append("/shut/b.log", "new\n");
  files.create("/shut/c.log", "appeared\n");
  assertEquals([...both.catchUp()].sort(), ["appeared", "new"]);
});

Deno.test("files beyond the bound are not followed, and the log says so once", () => {
  const files = new SimulatedFiles();
  for (const name of ["a", "b", "c", "d"]) files.create(`/log/${name}.log`, `${name}\n`);
  const follower = new Follower(files, ["/log/*.log"], { filesMax: 2 });
  assertEquals(follower.catchUp(), ["a", "b"]);
  follower.catchUp();
  const text = "Cannot follow every log: more than 2 files match; use narrower patterns";
  assertEquals(follower.logged.filter((line) => line.startsWith("Cannot")), [text]);
  files.unlink("/log/a.log");
  follower.catchUp();
  assertEquals(follower.waitQuiet(), ["c"]);
});

Deno.test("when no more files can be open, one that has no name any more and is quiet gives way to a new one", () => {
  for (const [handlesMax, filesMax] of [[1, 10], [1, 1]]) {
    const files = new SimulatedFiles(handlesMax);
    files.create("/log/a.log", "a\nunfinished");
    const follower = new Follower(files, ["/log/*.log"], { filesMax });
    follower.catchUp();
    files.rename("/log/a.log", "/log/a.away");
    follower.catchUp();
    files.create("/log/b.log", "b\n");
    assertEquals(follower.catchUp(), [], "it may still be written to");
    assertEquals(follower.waitQuiet(), ["unfinished", "b"]);
  }
});

Deno.test("as many files as are followed may have been rotated away and be read beside their successors", () => {
  const files = new SimulatedFiles();
  for (const name of ["a", "b", "c"]) files.create(`/log/${name}.log`, "one\n");
  const follower = new Follower(files, ["/log/*.log"], { filesMax: 3 });
  follower.catchUp();
  for (const name of ["a", "b", "c"]) {
    files.rename(`/log/${name}.log`, `/log/${name}.log.1`);
    files.create(`/log/${name}.log`, "two\n");
  }
  follower.catchUp();
  follower.catchUp();
  assertEquals([follower.origins.length, follower.filesOpen], [6, 6]);
  files.create("/log/d.log", "three\n");
  assertEquals([follower.catchUp(), follower.filesOpen], [[], 6]);
});

Deno.test("a directory that cannot be listed is named with what would help: mode, grant or a narrower pattern", () => {
  const follower = following("one\n", ["/shut/*.log"]);
  follower.files.create("/shut/b.log");
  follower.files.refuse("/shut");
  follower.catchUp();
  assertMatch(
    follower.logged[0],
    /^Cannot list \/shut: permission denied; add .* or set the directory's mode to 0750$/,
  );
  const real = new Follower(systemFiles(), ["/not/granted/*.log"]);
  real.catchUp();
  assertMatch(real.logged[0], /^Cannot list \/not\/granted: .*; start the collector with --allow-read=\/not\/granted$/);
});

Deno.test("an open file that cannot be read is named, and read on once it can be", () => {
  const follower = following("one\n");
  follower.catchUp();
  const readAt = follower.files.readAt.bind(follower.files);
  const files: Files = follower.files;
  files.readAt = () => ({ trouble: "other", reason: "input/output error" });
  follower.files.append(LOG, "two\n");
  assertEquals(follower.catchUp(), []);
  assertEquals(follower.logged.at(-1), `Cannot read ${LOG}: input/output error; it is tried again offset=4`);
  files.readAt = readAt;
  assertEquals(follower.catchUp(), ["two"]);
});

Deno.test("when no file descriptor is left the others go on", () => {
  const files = new SimulatedFiles(1);
  files.create("/log/a.log", "a\n");
  files.create("/log/b.log", "b\n");
  const follower = new Follower(files, ["/log/*.log"]);
  assertEquals(follower.catchUp(), ["a"]);
  assertMatch(follower.logged.at(-1)!, /too many open files; raise the limit of open files/);
});

Deno.test("one huge file starves no other", () => {
  const follower = following("h\n".repeat(10_000), ["/log/*.log"], { chunkBytes: 64, lineBytesMax: 40 });
  follower.files.create("/log/small.log", "small\n");
  follower.tail.rescan();
  assertEquals(follower.tail.readSome(2), true);
  assert(follower.got.includes("small"));
  follower.files.append("/log/small.log", "later\n");
  for (let chunk = 0; chunk < 20; chunk++) follower.tail.readSome(1);
  assert(follower.got.includes("later"), "a look at all files comes in between");
});

Deno.test("a line that is too long is reported once, at its offset, and the lines around it are whole", () => {
  const follower = following(`a\n${"x".repeat(2 * CHUNK_BYTES)}`);
  assertEquals(follower.catchUp(), ["a"]);
  follower.files.append(LOG, `xx\nb\n${"y".repeat(LINE_BYTES_MAX)}\n`);
  assertEquals(follower.catchUp(), ["b", "y".repeat(LINE_BYTES_MAX)]);
  assertEquals(follower.tooLongAt, [2]);
  assertEquals(follower.origins.map(({ offset }) => offset), [0, 2 * CHUNK_BYTES + 5]);
});

Deno.test("a follower that is given positions continues exactly there", () => {
  const before = following(`one\n${"x".repeat(LINE_BYTES_MAX + 1)}`);
  const { files } = before;
  files.create("/log/b.log", "b one\nb tw");
  const first = new Follower(files, ["/log/*.log"]);
  assertEquals(first.catchUp(), ["one", "b one"]);
  const positions = structuredClone(first.tail.positions());
  first.tail.close();

  files.append(LOG, "xx\ntwo\n");
  files.append("/log/b.log", "o\n");
  files.rename("/log/b.log", "/log/b.log.1");
  files.create("/log/b.log", "b three\n");
  const second = new Follower(files, ["/log/*.log"], { positions, from: "end" });
  assertEquals([...second.catchUp()].sort(), ["b three", "b two", "two"]);
  assertEquals(second.tooLongAt, [], "it was reported before");
});

Deno.test("positions of a file that is gone or was truncated meanwhile are said to be so", () => {
  const first = following("one\ntwo\n", [LOG, "/log/b.log"]);
  const { files } = first;
  files.create("/log/b.log", "gone\n");
  first.catchUp();
  const positions = first.tail.positions();
  first.tail.close();
  files.truncate(LOG);
  files.append(LOG, "new\n");
  files.unlink("/log/b.log");
  const second = new Follower(files, [LOG, "/log/b.log"], { positions });
  assertEquals(second.catchUp(), ["new"]);
  assertMatch(second.logged.join("\n"), /^Cannot continue \/log\/b.log: the file read before is gone/m);
  assertMatch(second.logged.join("\n"), /^\/log\/a.log was truncated/m);
});

Deno.test("a position is kept while its file cannot be opened", () => {
  const first = following("one\n");
  first.catchUp();
  const positions = first.tail.positions();
  first.tail.close();
  first.files.refuse(LOG);
  const second = new Follower(first.files, [LOG], { positions });
  assertEquals(second.catchUp(), []);
  assertEquals(second.tail.positions(), positions);
  first.files.refuse(LOG, false);
  first.files.append(LOG, "two\n");
  assertEquals(second.catchUp(), ["two"]);
});

Deno.test("while lines are handed over, positions stand at the first of them and can be moved on by the consumer", () => {
  const files = new SimulatedFiles();
  files.create(LOG, "one\ntwo\n");
  const seen: number[] = [];
  const consumer: LineConsumer = {
    lines: (_bytes, _start, _end, origin) => {
      for (const handed of [0, 4]) seen.push(tail.positions(origin, handed)[0].offset);
    },
    tooLong: () => {},
    cut: () => {},
  };
  const tail = new Follower(files, [LOG], { consumer }).tail;
  tail.rescan();
  tail.readSome(1);
  assertEquals(seen, [0, 4]);
  assertEquals(tail.positions()[0].offset, 8);
});

Deno.test("other patterns can be followed: what only a former one matched is let go of, a new one starts at `from`", () => {
  const follower = following("a\n", [LOG, "/log/b.log"], { from: "end" });
  follower.files.create("/log/b.log", "b\n");
  follower.files.create("/log/c.log", "old\n");
  follower.catchUp();
  follower.tail.follow(["/log/b.log", "/log/c.log"]);
  assertEquals(follower.catchUp(), []);
  for (const name of ["a", "b", "c"]) follower.files.append(`/log/${name}.log`, `${name} new\n`);
  assertEquals(follower.catchUp(), ["b new", "c new"]);
  assertEquals(follower.origins.map((origin) => origin.pattern), [0, 1]);
});

Deno.test("a file that is let go of while it waits for its turn is not read", () => {
  const follower = following("a\n", ["/log/*.log"]);
  follower.files.create("/log/b.log", "b\n");
  follower.tail.rescan();
  follower.tail.readSome(1);
  follower.tail.follow([LOG]);
  assertEquals(follower.catchUp(), ["a"]);
});

Deno.test("the directories to watch are those of the patterns and of what they matched", () => {
  const follower = following("", [LOG, "/sites/*/access.log", "relative.log"]);
  follower.files.create("/sites/one/access.log");
  follower.catchUp();
  assertEquals(follower.tail.directories(), [".", "/log", "/sites", "/sites/one"]);
});

Deno.test("closing leaves no handle open and hands nothing over", () => {
  const follower = following("one\nunfinished", ["/log/a.log*"]);
  follower.catchUp();
  follower.files.rename(LOG, "/log/other");
  follower.tail.rescan();
  follower.tail.close();
  assertEquals(follower.files.handlesOpen, 0);
  assertEquals(follower.got, []);
});

Deno.test("real files: appends, rename rotation, truncation, deletion and an unreadable directory entry", () => {
  const directory = Deno.makeTempDirSync();
  const log = `${directory}/a.log`;
  try {
    const follower = new Follower(systemFiles(), [`${directory}/*.log`, `${directory}/none/b.log`]);
    const writer = Deno.openSync(log, { append: true, create: true });
    const write = (text: string): number => writer.writeSync(new TextEncoder().encode(text));
    write("one\ntw");
    Deno.mkdirSync(`${directory}/dir.log`);
    assertEquals(follower.catchUp(), ["one"]);
    Deno.renameSync(log, `${log}.1`);
    write("o\nthree\n");
    Deno.writeTextFileSync(log, "new\n");
    assertEquals(follower.catchUp(), ["two", "three", "new"]);
    writer.close();
    follower.waitQuiet();
    assertEquals(follower.filesOpen, 1);
    Deno.truncateSync(log);
    Deno.writeTextFileSync(log, "n2\n", { append: true });
    assertEquals(follower.catchUp(), ["n2"]);
    Deno.removeSync(log);
    Deno.writeTextFileSync(log, "made anew\n");
    assertEquals(follower.catchUp(), ["made anew"]);
    assertEquals(follower.tail.waiting(), [{ path: `${directory}/none/b.log`, reason: "it does not exist" }]);
    follower.tail.close();
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("real files: logs that are made and rotated away between two scans are read, whatever the file system's ticks", () => {
  const directory = Deno.makeTempDirSync(), log = `${directory}/a.log`, got: string[] = [], expected: string[] = [];
  try {
    Deno.writeTextFileSync(log, "0\n");
    const follower = new Follower(systemFiles(), [log]);
    got.push(...follower.catchUp());
    for (let number = 1; number <= 60; number++) {
      if (number % 3 === 0) got.push(...follower.catchUp());
      Deno.renameSync(log, `${log}.${number}`);
      if (number % 3 === 1) got.push(...follower.catchUp());
      Deno.writeTextFileSync(log, `${number}\n`);
      expected.push(`${number}`);
      if (number % 6 === 5) got.push(...follower.waitQuiet());
    }
    got.push(...follower.catchUp());
    assertEquals([...got].sort(), ["0", ...expected].sort());
    follower.tail.close();
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("real files: without the runtime's permission the log says which flag would help", () => {
  const follower = new Follower(systemFiles(), ["/not/granted/a.log"]);
  follower.catchUp();
  assertMatch(
    follower.logged[0],
    /^Cannot read \/not\/granted\/a.log: .*; start the collector with --allow-read=\/not\/granted$/,
  );
});

/** As a restart after `seconds`: positions go through JSON, as in a state file. */
function restarted(first: Follower, patterns: readonly string[] = [LOG]): Follower {
  const positions = JSON.parse(JSON.stringify(first.tail.positions()));
  first.tail.close();
  return new Follower(first.files, patterns, { positions, scanned: first.tail.scanned(), from: "end" });
}

/** A file system whose clock goes on with every look at it, and a log that was read. */
function readLog(content: string): Follower {
  let ms = 1_000_000;
  const files = new SimulatedFiles(Infinity, () => ms += 10);
  files.create(LOG, content);
  const follower = new Follower(files, [LOG]);
  follower.catchUp();
  return follower;
}

/** As logrotate does it. */
function compress(files: SimulatedFiles, path: string): void {
  const { modifiedMs } = files.stat(path) as { modifiedMs: number };
  files.create(`${path}.gz`, gzipSync(files.content(path)));
  files.touch(`${path}.gz`, modifiedMs);
  files.unlink(path);
}

Deno.test("after a restart the rotation chain is read in order: the known log on from where we were, younger ones, the log", () => {
  const first = readLog("one\n"), { files } = first;
  files.append(LOG, "two\n");
  rotate(files, `${LOG}.3`, "three\n");
  compress(files, `${LOG}.3`);
  rotate(files, `${LOG}.2`, "four\n");
  compress(files, `${LOG}.2`);
  rotate(files, `${LOG}.1`, "five\n");
  const second = restarted(first);
  assertEquals(second.catchUp(), ["two", "three", "four", "five"]);
  second.catchUp();
  assertEquals([second.filesOpen, second.files.gunzipsOpen, second.cuts], [2, 0, []]);
  // Rotated once more; what was read is not read again under any name.
  files.append(LOG, "six\n");
  rotate(files, `${LOG}-20261121`, "seven\n");
  compress(files, `${LOG}.1`);
  assertEquals(restarted(second).catchUp(), ["six", "seven"]);
});

Deno.test("a compressed log is known again in the middle: a second restart goes on there", () => {
  const first = readLog("0\n"), { files } = first;
  const lines = Array.from({ length: 5000 }, (_, line) => `${line + 1}`);
  files.append(LOG, `${lines.join("\n")}\n`);
  rotate(files, `${LOG}.1`, "new\n");
  compress(files, `${LOG}.1`);
  const options = {
    chunkBytes: 1000,
    lineBytesMax: 100,
    positions: JSON.parse(JSON.stringify(first.tail.positions())),
  };
  first.tail.close();
  const second = new Follower(files, [LOG], options);
  second.tail.rescan();
  second.tail.readSome(5);
  const read = [...second.got];
  const third = restarted(second);
  assertEquals([...read, ...third.catchUp()], [...lines, "new"]);
});

Deno.test("a compressed log that is half written is waited for, without holding back what came after it, and given up at last", () => {
  for (const finished of [true, false]) {
    const first = readLog("one\n"), { files } = first, follower = (): Follower => restarted(first);
    files.append(LOG, Array.from({ length: 3000 }, (_, line) => `${line * line}\n`).join(""));
    const compressed = gzipSync(files.content(LOG));
    files.create(LOG, "new\n");
    files.create(`${LOG}.1.gz`, compressed.subarray(0, compressed.length / 2));
    const second = follower();
    const before = second.catchUp();
    assertEquals([before.at(-1), before.length > 100], ["new", true]);
    if (finished) files.append(`${LOG}.1.gz`, compressed.subarray(compressed.length / 2));
    let after: readonly string[] = [];
    for (let scan = 0; scan < 40; scan++) {
      second.clock.advanceMs(2000);
      after = [...after, ...second.catchUp()];
    }
    assertEquals([before.length + after.length, second.cuts.length], finished ? [3001, 0] : [before.length, 1]);
    assertEquals([second.filesOpen, second.files.gunzipsOpen], [1, 0]);
  }
});

Deno.test("what was compressed with anything but gzip is named, and counted as what may be lost", () => {
  const first = readLog("one\n"), { files } = first;
  rotate(files, `${LOG}.2`, "two\n");
  rotate(files, `${LOG}.1.xz`, "three\n");
  const second = restarted(first);
  assertEquals(second.catchUp(), ["three"]);
  assertMatch(
    second.logged.join("\n"),
    /^Cannot read \/log\/a.log.1.xz, which was rotated before .* only gzip is read/m,
  );
  assertEquals(second.cuts, [[`${LOG}.1.xz`, 0, 0]]);
});

Deno.test("a log that is copied and truncated while its last lines were unread is read on in the copy", () => {
  const first = readLog("one\n"), { files } = first;
  files.append(LOG, "two\n");
  files.create(`${LOG}.1`, files.content(LOG));
  files.truncate(LOG);
  files.append(LOG, "three\n");
  assertEquals(first.catchUp(), ["three"]);
  assertEquals(first.catchUp(), ["two"]);
  assertEquals(first.cuts, [[LOG, 4, 0]]);
});

Deno.test("a log that is replaced by a newer copy of itself goes on, as when it is copied from another machine", () => {
  const first = readLog("one\ntwo\n"), { files } = first;
  files.create("/log/.a.log.tmp", "one\ntwo\nthree\n");
  files.rename("/log/.a.log.tmp", LOG);
  assertEquals(first.catchUp(), ["three"]);
  files.create("/log/.a.log.tmp", "one\ntwo\nthree\nfour\n");
  files.rename("/log/.a.log.tmp", LOG);
  assertEquals(restarted(first).catchUp(), ["four"]);
});

Deno.test("a copy that rotation made of a followed log is not read as a new match of a glob", () => {
  const first = readLog("one\n"), { files } = first, second = restarted(first, ["/log/a.log*"]);
  second.catchUp();
  files.create(`${LOG}.1`, files.content(LOG));
  files.truncate(LOG);
  files.append(LOG, "two\n");
  assertEquals([...second.catchUp(), ...second.catchUp()], ["two"]);
});

Deno.test("an inode number that another log has by now is not taken for the log that was known", () => {
  const first = readLog("one\n"), { files } = first, positions = first.tail.positions();
  first.tail.close();
  files.unlink(LOG);
  files.create(LOG, "another\n");
  assertEquals((files.stat(LOG) as { inode: number }).inode, positions[0].inode);
  const second = new Follower(files, [LOG], { positions, from: "end" });
  assertEquals(second.catchUp(), ["another"]);
  assertMatch(second.logged.join("\n"), /^Cannot continue \/log\/a.log: the file read before is gone/m);
  assertEquals(second.cuts, [[LOG, 4, 0]]);
});

Deno.test("real files: a tree of directories that comes and goes leaves no descriptor open", () => {
  const directory = Deno.makeTempDirSync();
  try {
    const follower = new Follower(systemFiles(), [`${directory}/*/*.log`]);
    for (let round = 0; round < 30; round++) {
      for (const site of ["a", "b"]) {
        Deno.mkdirSync(`${directory}/${site}`);
        Deno.writeTextFileSync(`${directory}/${site}/x.log`, `${round}\n`);
      }
      assertEquals(follower.catchUp(), [`${round}`, `${round}`]);
      for (const site of ["a", "b"]) Deno.removeSync(`${directory}/${site}`, { recursive: true });
      follower.catchUp();
    }
    assert(follower.filesOpen <= 2 * SUPERSEDED_FILES_MAX, `${follower.filesOpen} files`);
    follower.clock.advanceMs(1000 * DELETED_QUIET_SECONDS_MIN);
    follower.catchUp();
    assertEquals(follower.filesOpen, 0);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
