/** Logs are rotated, renamed, truncated, deleted and made anew while they are followed. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { SUPERSEDED_FILES_MAX, SUPERSEDED_QUIET_SECONDS_MIN, UNREAD_FILES_MAX } from "@/core/bounds.ts";
import { SimulatedFiles } from "@/core/host/files_simulated.ts";
import { DELETED_QUIET_SECONDS_MIN } from "./open_files.ts";
import { Follower, following, LOG, rotate, rotating } from "./test_follower.ts";

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
