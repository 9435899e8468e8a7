/** What cannot be followed is named, and stops nothing else. */
import { assertEquals, assertMatch } from "@std/assert";
import { type Files, systemFiles } from "@/core/host/files.ts";
import { SimulatedFiles } from "@/core/host/files_simulated.ts";
import { Follower, following, LOG } from "./test_follower.ts";

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
