import { assertEquals, assertRejects } from "@std/assert";
import { MachineRefusal } from "./endings.ts";
import { Crash, SimulatedStateFiles } from "./state_files_simulated.ts";
import { type Outgoing, StateLog, StateTrouble, type StoredRecord } from "./state_log.ts";

const FIRST = 16, DATA = 17;
/** Small enough that a few records fill a segment. */
const SEGMENT_BYTES = 1500;

Deno.test("what was acknowledged is there after any crash, in order; what was not is there up to some record, or not at all", async () => {
  for (let seed = 1; seed <= 200; seed++) await crashAndRestart(seed);
});

/** One directory through some dozens of appends, faults and crashes, with a model beside it. */
async function crashAndRestart(seed: number): Promise<void> {
  const random = randomFrom(seed), chance = (p: number): boolean => random() < p;
  let files = new SimulatedStateFiles(random), nextId = 1, last = "";
  /** What was acknowledged, and what was tried since: the beginning of one of these may be there after a crash. */
  let acknowledged: number[] = [], tried: number[][] = [];
  let log = await open(files, random);
  const first = (): Outgoing => record(FIRST, acknowledged.length, random);
  for (let step = 0; step < 60; step++) {
    try {
      const ids = Array.from({ length: 1 + Math.floor(3 * random()) }, () => nextId++);
      tried.push(ids);
      files.bytesMax = chance(0.1) ? SEGMENT_BYTES + Math.floor(4 * SEGMENT_BYTES * random()) : Infinity;
      files.failSync = chance(0.05);
      files.failCut = !files.failSync && chance(0.3);
      files.crashAt = !files.failSync && chance(0.25) ? files.operations + 1 + Math.floor(8 * random()) : Infinity;
      await log.append(ids.map((id) => record(DATA, id, random)), first);
      acknowledged.push(...ids);
      tried = [];
      if (chance(0.1) && log.current > 1) {
        await log.forget(log.current, first);
      }
    } catch (error) {
      if (error instanceof StateTrouble) continue;
      if (!(error instanceof Crash)) throw error;
      last = chance(0.5) ? "kill" : "power";
      ({ log, files } = await restart(files, last as "kill" | "power", random));
      const found = idsIn(log.records), context = `seed ${seed}, step ${step}, after a loss by ${last}`;
      // The oldest may have been given up.
      const kept = found.length === 0 ? [] : acknowledged.slice(
        acknowledged.indexOf(found[0]) >= 0 ? acknowledged.indexOf(found[0]) : acknowledged.length,
      );
      assertEquals(found.slice(0, kept.length), kept, context);
      const more = found.slice(kept.length);
      const expected = tried.find((ids) => more.every((id, i) => id === ids[i])) ?? [];
      assertEquals(more, expected.slice(0, more.length), context);
      assertEquals(log.findings.filter(({ serious }) => serious), [], context);
      checkFirsts(log.records, acknowledged, context);
      acknowledged = [...acknowledged, ...more];
      tried = [];
      log.endReading();
    }
  }
}

/** Opening can be interrupted like anything else. */
async function restart(
  files: SimulatedStateFiles,
  how: "kill" | "power",
  random: () => number,
): Promise<{ log: StateLog; files: SimulatedStateFiles }> {
  let next = files.restarted(how);
  for (let attempt = 0;; attempt++) {
    if (attempt < 3 && random() < 0.3) next.crashAt = 1 + Math.floor(8 * random());
    try {
      return { log: await open(next, random), files: next };
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      next = next.restarted(random() < 0.5 ? "kill" : "power");
    }
  }
}

/** A segment begins with how many had been acknowledged before it. */
function checkFirsts(records: readonly StoredRecord[], acknowledged: readonly number[], context: string): void {
  for (const [i, { kind, text }] of records.entries()) {
    if (kind !== FIRST) continue;
    const next = records.slice(i).find((record) => record.kind === DATA);
    const before = acknowledged.indexOf(next === undefined ? -1 : idIn(next));
    if (before >= 0) assertEquals(JSON.parse(text).id, before, context);
  }
}

Deno.test("damage in the middle is set aside under a name of its own, and the rest is used", async () => {
  const files = new SimulatedStateFiles(randomFrom(1));
  await filled(files, [1, 2, 3, 4, 5]);
  const [name] = files.names(), content = files.content(name), damaged = content.slice();
  damaged[content.length - 300] ^= 0x10; // in the fourth
  files.put(name, damaged);
  const log = await open(files, randomFrom(2));
  assertEquals(idsIn(log.records), [1, 2, 3, 5]);
  assertEquals(log.findings.map(({ serious }) => serious), [true]);
  assertEquals(log.findings[0].facts.set_aside, name.replace("segment", "damaged"));
  assertEquals([...files.content(name.replace("segment", "damaged"))], [...damaged]);
  log.close();
  const again = await open(files, randomFrom(3));
  assertEquals([idsIn(again.records), again.findings], [[1, 2, 3, 5], []], "it is told once");
});

Deno.test("a segment that is gone or unreadable is named, and the rest is used", async () => {
  const files = new SimulatedStateFiles(randomFrom(1));
  await filled(files, Array.from({ length: 30 }, (_, i) => i + 1));
  const [, second] = files.names();
  await files.remove(second);
  const log = await open(files, randomFrom(2)), found = idsIn(log.records);
  assertEquals([found[0], found.at(-1)], [1, 30]);
  assertEquals(found.length < 30, true);
  assertEquals(log.findings.map(({ serious, facts }) => [serious, facts.before]), [[true, files.names()[1]]]);
});

Deno.test("the blocks of a record are read as they were written", async () => {
  const files = new SimulatedStateFiles(randomFrom(1)), log = await open(files, randomFrom(5));
  const block = Uint8Array.from({ length: 64 }, (_, i) => i);
  const first = (): Outgoing => record(FIRST, 0, randomFrom(1));
  await log.append([{ kind: DATA, version: 3, text: "{}", blocks: [block, block] }], first);
  const again = await open(files, randomFrom(6)), [, stored] = again.records;
  assertEquals([...await again.blocks(stored)], [...block, ...block]);
  assertEquals([stored.kind, stored.version], [DATA, 3]);
});

Deno.test("what is given up takes no space any more, and what is not stays", async () => {
  const files = new SimulatedStateFiles(randomFrom(1));
  const log = await filled(files, Array.from({ length: 40 }, (_, i) => i + 1));
  const before = log.bytes, first = (): Outgoing => record(FIRST, 0, randomFrom(1));
  await log.forget(log.current, first);
  assertEquals(log.bytes < before / 2, true);
  assertEquals(idsIn((await open(files, randomFrom(7))).records).at(-1), 40);
});

Deno.test("a directory of a newer layout, or of another collector that runs, is refused with what would work", async () => {
  const files = new SimulatedStateFiles(randomFrom(1));
  files.put("segment-000001-00000000.v2", new Uint8Array(8));
  const refused = await assertRejects(() => open(files, randomFrom(1)), MachineRefusal);
  assertEquals(
    refused.message,
    "Cannot use the state in /state: segment-000001-00000000.v2 has another layout, as of a newer program; " +
      "start that one, or give another --state-dir",
  );
  const busy = new SimulatedStateFiles(randomFrom(1));
  busy.lock = () => Promise.resolve(false);
  const taken = await assertRejects(() => open(busy, randomFrom(1)), MachineRefusal);
  assertEquals(
    taken.message,
    "Cannot use the state in /state: another process uses it; give each a directory of its own",
  );
});

async function filled(files: SimulatedStateFiles, ids: readonly number[]): Promise<StateLog> {
  const random = randomFrom(9), log = await open(files, random);
  for (const [i, id] of ids.entries()) await log.append([record(DATA, id, random)], () => record(FIRST, i, random));
  return log;
}

function open(files: SimulatedStateFiles, random: () => number): Promise<StateLog> {
  const options = { files, directory: "/state", random: () => 2 ** 32 * random(), segmentBytes: SEGMENT_BYTES };
  return StateLog.open(options);
}

function record(kind: number, id: number, random: () => number): Outgoing {
  const blocks = Array.from(
    { length: Math.floor(3 * random()) },
    () => new Uint8Array(8 * Math.floor(12 * random())).fill(id),
  );
  return { kind, version: 1, text: JSON.stringify({ id, padding: "x".repeat(60) }), blocks };
}

function idsIn(records: readonly StoredRecord[]): number[] {
  return records.filter(({ kind }) => kind === DATA).map(idIn);
}

function idIn({ text }: StoredRecord): number {
  return JSON.parse(text).id;
}

/** Numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6D2B79F5 >>> 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}
