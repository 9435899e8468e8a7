import { assertEquals } from "@std/assert";
import { emptyLedger } from "./ledger.ts";
import { REQUESTS } from "./measures.ts";
import { CounterTable } from "./counter_table.ts";
import type { Delta } from "./bucket.ts";
import { seal } from "./seal.ts";
import { type MergedSlot, Store } from "./store.ts";
import { countRequest } from "./test_lines.ts";

const START = 1_700_006_400; // a multiple of 300
const VALUES = ["w", "", "/", "200", "GET", "", "", "", "a"];

let sequence = 0;

function delta(startS: number, requests: number): Delta {
  const table = new CounterTable(3);
  for (let i = 0; i < requests; i++) countRequest(table, { values: VALUES, measures: [1, 0, 0, 0] });
  const bucket = seal(table, startS, 10, emptyLedger(), { rowsMax: 10, entriesMax: 10, entryBytesMax: 1000 });
  return { identity: { source: "a", instance: "i", sequence: ++sequence, checksum: 0 }, bucket };
}

function countOf(store: Store, fromS: number, toS: number, coarsest: number): number {
  const { slots } = store.resolve({ fromS, toS }, coarsest, Infinity);
  return slots.reduce((sum, slot) => sum + slot.bucket().totals[REQUESTS], 0);
}

Deno.test("after the clock turns out to have been ahead, what lay after now is forgotten and time goes on", () => {
  const store = new Store(1);
  for (let i = 0; i < 400; i++) {
    store.advance(START + 10 * (i + 1));
    store.add(delta(START + 10 * i, 1));
  }
  const backS = START + 3000;
  store.rebase(backS);
  assertEquals(store.endS, backS);
  assertEquals(countOf(store, START, backS, 2), 300);
  for (let i = 0; i < 60; i++) {
    store.advance(backS + 10 * (i + 1));
    store.add(delta(backS + 10 * i, 2));
  }
  for (const tier of [0, 1, 2]) assertEquals(countOf(store, backS, backS + 600, tier), 120, `tier ${tier}`);
  assertEquals(countOf(store, START, backS + 600, 2), 420);
  store.rebase(backS + 10_000);
  assertEquals(store.endS, backS + 600, "it never goes forward");
});

Deno.test("after time has gone back, a coarse slot that is made again knows which deltas are in it", () => {
  const store = new Store(1), deltas: Delta[] = [];
  const identitiesAt = (tier: number, startS: number): number =>
    store.rings[tier].at(startS)!.identities.ranges().flatMap(({ ranges }) => ranges)
      .reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const countTo = (endS: number): void => {
    while (store.endS < endS) {
      store.advance(store.endS + 10);
      deltas.push(delta(store.endS - 10, 1));
      store.add(deltas.at(-1)!);
    }
  };
  store.advance(START);
  countTo(START + 900);
  store.rebase(START + 440);
  assertEquals([identitiesAt(1, START + 420), identitiesAt(2, START + 300)], [2, 14], "at once");
  const { identity, bucket } = deltas[30];
  const ranges = [[identity.sequence, identity.sequence]] as const;
  const slot = { tier: 1, startS: START + 300, known: 1, identities: [{ ...identity, ranges }], bucket };
  assertEquals(store.addSlot(slot), "duplicate");
  countTo(START + 900);
  assertEquals([identitiesAt(1, START + 420), identitiesAt(2, START + 300)], [6, 30]);
  assertEquals(countOf(store, START, START + 900, 2), 90);
});

Deno.test("slots are left out of the finest ring once it does not hold them, and coarse ones take their place", () => {
  const store = new Store(1);
  for (let i = 0; i < 200; i++) {
    store.advance(START + 10 * (i + 1));
    store.add(delta(START + 10 * i, 1));
  }
  assertEquals(countOf(store, START, START + 2000, 0), 90);
  assertEquals(countOf(store, START, START + 2000, 1), 200);
  assertEquals(countOf(store, START, START + 2000, 2), 200);
});

Deno.test("a span whose ends lie within coarse slices is made of finer slots at its ends", () => {
  const store = new Store(1);
  for (let i = 0; i < 40; i++) {
    store.advance(START + 10 * (i + 1));
    store.add(delta(START + 10 * i, 1));
  }
  const { slots } = store.resolve({ fromS: START + 40, toS: START + 380 }, 2, Infinity);
  assertEquals(slots.map(({ lengthS }) => lengthS), [10, 10, 60, 60, 60, 60, 60, 10, 10]);
});

Deno.test("a slot is shown to the sink before it is forgotten", () => {
  const evicted: number[] = [];
  const store = new Store(1, { onEvict: (slot) => slot.tier === 0 && void evicted.push(slot.startS) });
  store.advance(START + 10);
  store.add(delta(START, 1));
  store.advance(START + 1000);
  assertEquals(evicted, [START]);
});

Deno.test("when slots together hold too much unmerged they merge, and answers stay what they are", () => {
  const eager = new Store(1, {}, 0),
    lazy = new Store(1),
    startsS = Array.from({ length: 40 }, (_, i) => START + 10 * i);
  for (const store of [eager, lazy]) {
    store.advance(START + 400);
    sequence = 0;
    for (const startS of [...startsS, ...startsS.toReversed(), ...startsS]) store.add(delta(startS, 1));
  }
  for (const coarsest of [0, 1, 2]) {
    assertEquals(countOf(eager, START, START + 400, coarsest), 120);
    assertEquals(countOf(lazy, START, START + 400, coarsest), 120);
  }
});

Deno.test("what came merged is lacked by finer slots, also after a restart, and by those of its slice alone", () => {
  const store = new Store(1);
  store.advance(START + 300);
  for (let s = 0; s < 300; s += 10) store.add(delta(START + s, 1));
  const identities = [{ source: "b", instance: "j", ranges: [[1, 6]] as const }];
  const { bucket } = delta(START + 60, 6);
  assertEquals(store.addSlot({ tier: 1, startS: START + 60, known: 63, identities, bucket }), "merged");
  const merged = store.rings.flatMap((ring, tier) =>
    ring.slots().map((slot): MergedSlot => ({
      ...{ tier, startS: slot.startS, known: slot.known },
      ...{ identities: slot.identities.ranges(), bucket: slot.bucket() },
    }))
  );
  const restored = new Store(2);
  restored.restoreSlots(store.endS, merged.sort((a, b) => b.tier - a.tier));
  restored.endRestore();
  for (const each of [store, restored]) {
    const lackedIn = (fromS: number, toS: number): string[] => [
      ...each.lackedBy(each.resolve({ fromS: START + fromS, toS: START + toS }, 1, Infinity).slots),
    ];
    assertEquals(lackedIn(110, 240), ["b"], "the window begins within the minute");
    assertEquals(lackedIn(60, 240), [], "it begins with it");
    assertEquals(lackedIn(170, 240), [], "it begins after it");
  }
});
