/** Positions: a follower goes on exactly where another stopped, whatever rotation did meanwhile. */
import { gzipSync } from "node:zlib";
import { assertEquals, assertMatch } from "@std/assert";
import { LINE_BYTES_MAX } from "@/core/bounds.ts";
import { SimulatedFiles } from "@/core/host/files_simulated.ts";
import type { LineConsumer } from "./file_tail.ts";
import { compress, Follower, following, LOG, readLog, restarted, rotate } from "./test_follower.ts";

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
