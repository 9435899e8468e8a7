import { assertEquals } from "@std/assert";
import { emptyLedger } from "./ledger.ts";
import { REQUESTS } from "./measures.ts";
import { sliceStart, tierHolding, TIERS } from "./slices.ts";
import { CounterTable } from "./counter_table.ts";
import type { Delta } from "./bucket.ts";
import { seal } from "./seal.ts";
import { type MergedSlot, Store } from "./store.ts";
import { countRequest, randomFrom } from "./test_lines.ts";

const START = 1_700_006_400; // a multiple of 300

Deno.test("a store that is restored from slots and deltas answers as the former one, then and later", () => {
  for (let seed = 1; seed <= 25; seed++) restoreOnce(seed);
});

/** Runs a store for some hours, keeps slots of it at random times, restores, and lets both go on. */
function restoreOnce(seed: number): void {
  const random = randomFrom(seed), former = new Store(1), deltas: Delta[] = [];
  const kept = new Map<string, MergedSlot>();
  let nowS = START, sequence = 0;
  const step = (stores: readonly Store[]): void => {
    // Mostly ten seconds pass; sometimes the machine slept.
    nowS += random() < 0.01 ? 10 * Math.floor(300 * random()) : 10;
    for (const store of stores) store.advance(nowS);
    const ageS = random() < 0.8 ? 10 : Math.floor(random() * (random() < 0.5 ? 600 : 80_000));
    const tier = tierHolding(nowS - ageS, nowS - 10), { sliceS } = TIERS[tier];
    const delta = deltaOf(sliceStart(nowS - ageS, sliceS), sliceS, ++sequence, 1 + Math.floor(5 * random()));
    for (const store of stores) store.add(delta);
    deltas.push(delta);
  };
  for (let i = 0, steps = 50 + 900 * random(); i < steps; i++) {
    step([former]);
    if (random() < 0.2) keepSome(former, kept, random);
  }
  const restored = new Store(2);
  const coarseFirst = [...kept.values()].sort((a, b) => b.tier - a.tier);
  restored.restoreSlots(former.endS, coarseFirst);
  const lacking = deltas.filter(({ identity, bucket }) => restored.lacks(identity, bucket.startS, bucket.lengthS));
  for (const delta of lacking) restored.restoreDelta(delta);
  for (const delta of lacking.slice(0, 5)) restored.restoreDelta(delta); // twice is once
  restored.endRestore();
  compare(former, restored, `seed ${seed}, restored`);
  for (const delta of deltas.slice(-90)) assertEquals(restored.add(delta), former.add(delta), `seed ${seed}: known`);
  for (let i = 0, steps = 200 * random(); i < steps; i++) step([former, restored]);
  compare(former, restored, `seed ${seed}, later`);
}

function keepSome(store: Store, kept: Map<string, MergedSlot>, random: () => number): void {
  for (const ring of store.rings) {
    for (const slot of ring.slots()) {
      const { tier, startS } = slot;
      if (random() < 0.9 || slot.knownS === 0 || !store.isMade(tier, startS)) continue;
      const identities = structuredClone(slot.identities.ranges());
      kept.set(`${tier} ${startS}`, { tier, startS, known: slot.known, identities, bucket: slot.bucket() });
    }
  }
}

function compare(former: Store, restored: Store, where: string): void {
  assertEquals(restored.endS, former.endS, where);
  const toS = former.endS, ends = [60, 300, 900, 3600, 21_600, 86_400];
  for (const lengthS of ends) {
    for (const tier of [0, 1, 2]) {
      for (const stepS of [60, 300, Infinity]) {
        const span = { fromS: sliceStart(toS - lengthS, 300), toS };
        const [a, b] = [former, restored].map((store) => {
          const { slots, secondsCovered } = store.resolve(span, tier, stepS);
          return { secondsCovered, counts: slots.map((slot) => [slot.startS, slot.bucket().totals[REQUESTS]]) };
        });
        assertEquals(b, a, `${where}, ${lengthS} s, tier ${tier}`);
      }
    }
  }
}

function deltaOf(startS: number, lengthS: number, sequence: number, requests: number): Delta {
  const table = new CounterTable(3), values = ["w", "", `/${sequence % 7}`, "200", "GET", "", "", "", "a"];
  for (let i = 0; i < requests; i++) countRequest(table, { values, measures: [1, 0, 0, 0] });
  const bucket = seal(table, startS, lengthS, emptyLedger(), { rowsMax: 10, entriesMax: 10, entryBytesMax: 1000 });
  return { identity: { source: "a", instance: "i", sequence, checksum: 0 }, bucket };
}

Deno.test("a slot that is made after a restart knows the deltas of the finer slots that were restored", () => {
  const former = new Store(1), deltas = [0, 10, 20].map((s, i) => deltaOf(START + s, 10, 1 + i, 2));
  former.advance(START + 30);
  for (const delta of deltas) former.add(delta);
  const slots = former.rings[0].slots().map((slot): MergedSlot => ({
    tier: 0,
    startS: slot.startS,
    known: slot.known,
    identities: slot.identities.ranges(),
    bucket: slot.bucket(),
  }));
  const restored = new Store(2);
  restored.restoreSlots(former.endS, slots);
  restored.endRestore();
  restored.advance(START + 400);
  for (const [tier, ring] of restored.rings.entries()) {
    const [slot] = ring.slots(), sequences = slot.identities.ranges().map(({ ranges }) => ranges);
    const all = tier === 0 ? [[[1, 1]]] : [[[1, 3]]];
    assertEquals([sequences, slot.bucket().totals[REQUESTS]], [all, tier === 0 ? 2 : 6], `tier ${tier}`);
  }
  // So it comes from nowhere a second time, one by one or merged.
  const again = { tier: 1, startS: START, known: 7, identities: restored.rings[1].slots()[0].identities.ranges() };
  const { bucket } = deltaOf(START, 60, 9, 6);
  assertEquals([restored.addSlot({ ...again, bucket }), restored.add(deltas[1])], ["duplicate", "duplicate"]);
});

Deno.test("a minute with gaps that is restored into five minutes leaves the gaps in them", () => {
  const restored = new Store(2), known = 0b000101, { bucket } = deltaOf(START, 60, 1, 6);
  // So late that minutes do not hold it any more.
  restored.restoreSlots(START + 3 * 3600, [{ tier: 1, startS: START, known, identities: [], bucket }]);
  restored.endRestore();
  const { slots, secondsCovered } = restored.resolve({ fromS: START, toS: START + 300 }, 2, Infinity);
  assertEquals([slots.map((slot) => slot.bucket().totals[REQUESTS]), secondsCovered], [[6], 20]);
});
