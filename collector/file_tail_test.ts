/** Lines of files are handed over: whole, once, from where they should be. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { CHUNK_BYTES, LINE_BYTES_MAX, SUPERSEDED_FILES_MAX } from "@/core/bounds.ts";
import { systemFiles } from "@/core/host/files.ts";
import { DELETED_QUIET_SECONDS_MIN } from "./open_files.ts";
import { Follower, following, LOG } from "./test_follower.ts";

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
