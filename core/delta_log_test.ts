import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Delta, emptyBucket } from "./bucket.ts";
import { BLOCK_OVERHEAD_BYTES, blockOf } from "./bucket_block.ts";
import { type DeltaCursor, DeltaLog } from "./delta_log.ts";
import { trafficBucket } from "./test_buckets.ts";
import { packerOfTests } from "./test_packer.ts";

const BUCKET = emptyBucket(100, 10);
const BYTES = blockOf(BUCKET).byteLength + BLOCK_OVERHEAD_BYTES;

function delta(sequence: number): Delta {
  return { identity: { source: "s", instance: "i", sequence, checksum: 0 }, bucket: BUCKET };
}

/** Everything a cursor has to say now: sequences, and what was dropped before them as a negative number. */
function read(cursor: DeltaCursor, deltasMax = Infinity): number[] {
  const said: number[] = [];
  for (let i = 0; i < deltasMax; i++) {
    const dropped = cursor.takeDropped();
    if (dropped > 0) said.push(-dropped);
    const next = cursor.take();
    if (next === undefined) break;
    said.push(next.identity.sequence);
  }
  return said;
}

Deno.test("a follower gets every delta held, however many, and then each new one, once", () => {
  const log = new DeltaLog();
  for (let i = 1; i <= 2000; i++) log.add(delta(i), 0);
  const cursor = log.follow();
  assertEquals(read(cursor, 5), [1, 2, 3, 4, 5]);
  log.add(delta(2001), 0);
  assertEquals(read(cursor), Array.from({ length: 1996 }, (_, i) => 6 + i));
  assertEquals(read(cursor), []);
  log.add(delta(2002), 0);
  assertEquals(read(cursor), [2002]);
});

Deno.test("a follower that was overtaken is told how many went unread, in the right place", () => {
  const log = new DeltaLog(3 * BYTES);
  const cursor = log.follow();
  for (let i = 1; i <= 2; i++) log.add(delta(i), 0);
  assertEquals(read(cursor, 1), [1]);
  for (let i = 3; i <= 6; i++) log.add(delta(i), 0);
  assertEquals(read(cursor), [-2, 4, 5, 6]);
  assertEquals(log.bytes, 3 * BYTES);
});

Deno.test("deltas are forgotten after their time, and what was forgotten before a follower came is not its loss", () => {
  const log = new DeltaLog(Infinity, 900);
  log.add(delta(1), 0);
  log.add(delta(2), 900);
  log.add(delta(3), 901);
  assertEquals(read(log.follow()), [2, 3]);
});

Deno.test("a delta larger than the whole log is dropped for everybody, and told with the next", () => {
  const log = new DeltaLog(BYTES - 1), cursor = log.follow();
  log.add(delta(1), 0);
  assertEquals([log.bytes, log.at(0), read(cursor)], [0, undefined, [-1]]);
});

Deno.test("a delta is the same after it lay in the log", () => {
  const bucket = trafficBucket(1, { rows: 50, sites: 3, prefixes: 40, uris: 40 }, 100, 10), log = new DeltaLog();
  log.add({ ...delta(7), bucket }, 0);
  const taken = log.follow().take();
  assertEquals([taken?.identity, taken?.bucket.totals], [delta(7).identity, bucket.totals]);
  assertEquals(taken && new Uint8Array(blockOf(taken.bucket)), new Uint8Array(blockOf(bucket)));
});

Deno.test("followers are told of each new delta, until they close", () => {
  const log = new DeltaLog(), cursor = log.follow();
  let told = 0;
  cursor.onReady = (): void => void told++;
  log.add(delta(1), 0);
  cursor.close();
  log.add(delta(2), 0);
  assertEquals([told, log.followers], [1, 0]);
});

Deno.test("whoever reads when, each delta is read once or counted as dropped, in order", () => {
  const steps = fc.array(fc.record({ add: fc.nat(9), reader: fc.nat(2), take: fc.nat(9) }), { maxLength: 60 });
  fc.assert(fc.property(steps, (steps) => {
    const log = new DeltaLog(7 * BYTES), cursors = [log.follow(), log.follow(), log.follow()];
    const seen = cursors.map(() => 0);
    let added = 0;
    const follow = (reader: number, deltasMax: number): void => {
      for (const said of read(cursors[reader], deltasMax)) {
        seen[reader] += said < 0 ? -said : 1;
        if (said > 0) assertEquals(said, seen[reader]);
      }
    };
    for (const { add, reader, take } of steps) {
      for (let i = 0; i < add; i++) log.add(delta(++added), 0);
      follow(reader, take);
    }
    cursors.forEach((_, reader) => follow(reader, Infinity));
    assertEquals(seen, cursors.map(() => added));
  }));
});

Deno.test("a delta that has been here for a minute is packed, takes less of the bound, and reads as it came", () => {
  const bucket = trafficBucket(1, { rows: 300, sites: 3, prefixes: 30, uris: 30 }, 60, 10), block = blockOf(bucket);
  const bytesMax = 3 * (block.byteLength + BLOCK_OVERHEAD_BYTES);
  const packed = new DeltaLog(bytesMax, 900, packerOfTests()), open = new DeltaLog(bytesMax, 900);
  const logs = [packed, open], cursors = logs.map((log) => log.follow());
  for (let i = 1; i <= 3; i++) for (const log of logs) log.add({ ...delta(i), bucket }, 10 * i);
  assertEquals(packed.bytes, open.bytes);
  for (const log of logs) log.add({ ...delta(4), bucket }, 85);
  assertEquals(new Uint8Array(blockOf(packed.at(0)!.bucket)), new Uint8Array(block));
  assertEquals(cursors.map((cursor) => read(cursor)), [[1, 2, 3, 4], [-1, 2, 3, 4]]);
  for (let i = 5; i <= 9; i++) packed.add({ ...delta(i), bucket }, 1000);
  assertEquals(packed.bytes, bytesMax, "what is forgotten is not counted");
});
