import { assertEquals, assertRejects } from "@std/assert";
import { emptyBucket } from "@/core/bucket.ts";
import { DeltaLog } from "@/core/delta_log.ts";
import { MachineRefusal } from "@/core/host/endings.ts";
import { openLog } from "@/core/host/log.ts";
import { SimulatedStateFiles } from "@/core/host/state_files_simulated.ts";
import { type Outgoing, StateLog } from "@/core/host/state_log.ts";
import { emptyLedger, LEDGER_REASONS } from "@/core/ledger.ts";
import { REQUESTS } from "@/core/measures.ts";
import { Store } from "@/core/store.ts";
import { type LoadedState, loadState } from "./state_load.ts";
import { BEGIN, beginRecord, type BeginText, SEALED, sealedRecord } from "./state_record.ts";
import { changeText, firstStanding } from "./state_standing.ts";

const START = 1_700_006_400, INSTANCE = "0123456789abcdef";

Deno.test("what was saved is found again: buckets, deltas that can be asked for, numbers, positions, ledger", async () => {
  const { loaded, store, deltaLog } = await written((records) => records);
  assertEquals(store.rings[0].at(START)?.bucket().totals[REQUESTS], 5);
  assertEquals(deltaLog.at(0)?.identity, { source: "s", instance: INSTANCE, sequence: 1, checksum: 77 });
  const { sequence, endS, ledger, scanned, instance } = loaded.standing;
  assertEquals({ sequence, endS, ledger, scanned, instance }, {
    sequence: 1,
    endS: START + 10,
    ledger: { read: 5, counted: 4 },
    scanned: ["/a*.log"],
    instance: INSTANCE,
  });
});

Deno.test("buckets of a program whose ledger knew other reasons are read, with a checksum of what they are now", async () => {
  const { store, deltaLog } = await written((records) =>
    records.map((record) => withLedger(record, ["read", "unheard of", "counted"]))
  );
  const ledger = store.rings[0].at(START)!.bucket().ledger;
  assertEquals([ledger[0], ledger[1], ledger.slice(2).every((count) => count === 0)], [5, 4, true]);
  assertEquals(deltaLog.at(0)?.identity.checksum === 77, false);
});

Deno.test("buckets of an unknown layout are left out with a word, and positions and numbers go on", async () => {
  const { loaded, store, said } = await written((records) =>
    records.map((record) => withShape(record, { dimensions: ["colour"] }))
  );
  assertEquals(store.rings[0].at(START)?.knownS ?? 0, 0);
  assertEquals([loaded.standing.sequence, loaded.standing.scanned], [1, ["/a*.log"]]);
  assertEquals(said.filter((line) => line.includes("have another layout")).length, 1);
});

Deno.test("state of another source, and of a newer program, is refused with what would work", async () => {
  const other = await assertRejects(() => written((records) => records, "t"), MachineRefusal);
  assertEquals(
    other.message,
    "Cannot use the state in /state: it is of source s, and this collector is t; start it with --source=s, or give another --state-dir",
  );
  const newer = (records: readonly Outgoing[]): Outgoing[] => records.map((record) => ({ ...record, version: 2 }));
  await assertRejects(() => written(newer), MachineRefusal, "a record has version 2, as of a newer program");
});

Deno.test("records of a kind that this program does not know are kept", async () => {
  const strange = { kind: 99, version: 7, text: "whatever", blocks: [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)] };
  const { loaded } = await written((records) => [...records, strange]);
  assertEquals([...loaded.unknown.values()], [[strange]]);
});

interface Found {
  readonly loaded: LoadedState;
  readonly store: Store;
  readonly deltaLog: DeltaLog;
  readonly said: readonly string[];
}

/** One bucket, saved by a program that is as `change` makes its records, and loaded by this one. */
async function written(change: (records: readonly Outgoing[]) => readonly Outgoing[], source = "s"): Promise<Found> {
  const options = { files: new SimulatedStateFiles(() => 0), directory: "/state", random: () => 5 };
  const ledger = emptyLedger();
  ledger.set([5, 4]);
  const bucket = { ...emptyBucket(START, 10, ledger), totals: Float64Array.of(5, 0, 0, 0) };
  const delta = { identity: { source: "s", instance: INSTANCE, sequence: 1, checksum: 77 }, bucket };
  const standing = firstStanding("s", INSTANCE);
  const text = changeText(standing, {
    endS: START + 10,
    nowS: START + 11,
    deltas: [delta],
    positions: [],
    scanned: ["/a*.log"],
  });
  const records = change([beginRecord(standing, true), sealedRecord(text, [bucket])]);
  const former = await StateLog.open(options);
  await former.append(records.slice(1), () => records[0]);
  const log = await StateLog.open(options), store = new Store(1), deltaLog = new DeltaLog(), said: string[] = [];
  const messages = openLog("collector", (line) => void said.push(line), () => 0);
  const loaded = await loadState({
    log,
    directory: "/state",
    source,
    instance: "f".repeat(16),
    store,
    deltaLog,
    messages,
  });
  return { loaded, store, deltaLog, said };
}

/** The record as a program with these reasons writes it. */
function withLedger(record: Outgoing, reasons: readonly string[]): Outgoing {
  if (record.kind !== SEALED) return withShape(record, { ledger: reasons });
  const [block] = record.blocks, own = new Float64Array(block.buffer), at = own.indexOf(5, 5);
  const counts = reasons.map((reason) => reason === "read" ? 5 : reason === "counted" ? 4 : 3);
  const other = Float64Array.of(...own.subarray(0, at), ...counts, ...own.subarray(at + LEDGER_REASONS.length));
  const bytes = new Uint8Array(other.buffer), text = JSON.parse(record.text);
  return {
    ...record,
    text: JSON.stringify({ ...text, buckets: [{ ...text.buckets[0], bytes: bytes.length }] }),
    blocks: [bytes],
  };
}

function withShape(record: Outgoing, shape: Readonly<Record<string, readonly string[]>>): Outgoing {
  if (record.kind !== BEGIN) return record;
  const text: BeginText = JSON.parse(record.text);
  return { ...record, text: JSON.stringify({ ...text, shape: { ...text.shape, ...shape } }) };
}
