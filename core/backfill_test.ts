import { assert, assertEquals } from "@std/assert";
import { Backfill, type BackfillItem } from "./backfill.ts";
import type { Delta } from "./bucket.ts";
import { CounterTable } from "./counter_table.ts";
import { DeltaLog } from "./delta_log.ts";
import { type IdentityRanges, IdentitySet } from "./identity_set.ts";
import { emptyLedger } from "./ledger.ts";
import { REQUESTS } from "./measures.ts";
import { seal } from "./seal.ts";
import { PassedSlots } from "./passed_slots.ts";
import { FINEST_S, TIERS } from "./slices.ts";
import { Store } from "./store.ts";
import { countRequest, randomFrom } from "./test_lines.ts";

const START = 1_700_006_400, CAPS = { rowsMax: 100, entriesMax: 100, entryBytesMax: Infinity };

/** Every delta holds one request, so that what a slot has counted is how many identities it has. */
function delta(sequence: number, startS: number): Delta {
  const table = new CounterTable(3, 16);
  countRequest(table, {
    values: [`w${sequence % 5}`, "", "/", "200", "GET", "", "", "", "a"],
    measures: [1, 10, 1, 1],
  });
  const bucket = seal(table, startS, FINEST_S, emptyLedger(), CAPS);
  return { identity: { source: "a", instance: "1", sequence, checksum: 0 }, bucket };
}

/** A source that has counted for some hours, and holds its last deltas one by one. */
class Source {
  readonly store = new Store(1);
  readonly log: DeltaLog;
  readonly deltas: Delta[] = [];
  sequence = 0;

  constructor(logSeconds: number) {
    this.log = new DeltaLog(Infinity, logSeconds);
  }

  count(startS: number, nowS = startS + FINEST_S): Delta {
    const one = delta(++this.sequence, startS);
    this.store.advance(nowS);
    assertEquals(this.store.add(one), "merged");
    this.log.add(one, nowS);
    this.deltas.push(one);
    return one;
  }
}

function give(store: Store, item: BackfillItem): string {
  return "caughtUp" in item ? "caught up" : "identity" in item ? store.add(item) : store.addSlot(item);
}

function counted(store: Store): number {
  return store.rings[TIERS.length - 1].slots().reduce((sum, slot) => sum + identitiesOf(slot.identities), 0);
}

function identitiesOf(identities: IdentitySet): number {
  return identities.ranges().flatMap(({ ranges }) => ranges).reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** What must hold in every store: a slot has counted each of its deltas once. */
function checkOnce({ rings, isMade }: Store, store: Store): void {
  for (const [tier, ring] of rings.entries()) {
    for (const slot of ring.slots()) {
      if (!isMade.call(store, tier, slot.startS)) continue;
      assertEquals(slot.bucket().totals[REQUESTS], identitiesOf(slot.identities), `tier ${tier} at ${slot.startS}`);
    }
  }
}

function takeAll(feed: Backfill): BackfillItem[] {
  const items: BackfillItem[] = [];
  for (let item = feed.take(); item !== undefined; item = feed.take()) items.push(item);
  return items;
}

function kind(item: BackfillItem): string {
  return "caughtUp" in item ? "caught up" : "identity" in item ? "delta" : `${TIERS[item.tier].sliceS} s`;
}

Deno.test("a follower that has nothing gets everything that is held: deltas, then minutes, then five minutes, newest first", () => {
  const source = new Source(900), follower = new Store(2);
  for (let s = 0; s < 3 * 3600; s += FINEST_S) source.count(START + s);
  const items = takeAll(new Backfill(source.log, source.store, []));
  const kinds = items.map(kind), runs = kinds.filter((one, i) => one !== kinds[i - 1]);
  assertEquals(runs, ["delta", "60 s", "300 s", "caught up"]);
  const starts = items.flatMap((item) => "caughtUp" in item ? [] : [item.bucket.startS]);
  assertEquals(starts, starts.toSorted((a, b) => b - a));
  follower.advance(source.store.endS);
  for (const item of items) assert(["merged", "caught up"].includes(give(follower, item)), kind(item));
  follower.advance(source.store.endS + FINEST_S);
  assertEquals(counted(follower), source.deltas.length);
  checkOnce(follower, follower);
});

Deno.test("what is new comes before what is old, and once", () => {
  const source = new Source(900);
  for (let s = 0; s < 60; s += FINEST_S) source.count(START + s);
  const feed = new Backfill(source.log, source.store, []);
  const sequence = (): number | string => {
    const item = feed.take();
    return item === undefined ? "nothing" : "identity" in item ? item.identity.sequence : kind(item);
  };
  let woken = 0;
  feed.onReady = () => woken++;
  assertEquals([sequence(), sequence()], [6, 5]);
  source.count(START + 60);
  assertEquals([woken, sequence(), sequence(), sequence()], [1, 7, 4, 3]);
  assertEquals([sequence(), sequence(), sequence(), sequence()], [2, 1, "caught up", "nothing"]);
  source.count(START + 70);
  assertEquals([sequence(), sequence(), source.log.followers], [8, "nothing", 1]);
  feed.close();
  assertEquals(source.log.followers, 0);
});

Deno.test("what the follower has is not sent, nor a slot with any of it", () => {
  const source = new Source(60);
  for (let s = 0; s < 3600; s += FINEST_S) source.count(START + s);
  const all: IdentityRanges[] = [{ source: "a", instance: "1", ranges: [[1, source.sequence]] }];
  assertEquals(takeAll(new Backfill(source.log, source.store, all)).map(kind), ["caught up"]);
  const some: IdentityRanges[] = [{
    source: "a",
    instance: "1",
    ranges: [[100, 100], [source.sequence - 1, source.sequence]],
  }];
  const items = takeAll(new Backfill(source.log, source.store, some));
  assert(!items.some((item) => "tier" in item && item.identities[0].ranges.some(([a, b]) => a <= 100 && 100 <= b)));
  // Of the seven that are held, two are known, and the oldest is in a minute that is sent as a slot.
  assertEquals(items.filter((item) => "identity" in item).length, source.log.end - source.log.begin - 3);
});

Deno.test("whatever a follower has, and whatever a source still holds, nothing is counted twice, and only what overlaps is lacking", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = randomFrom(seed), source = new Source([30, 70, 300, 900][seed % 4]), follower = new Store(2);
    for (let s = 0; s < 7200; s += FINEST_S) {
      const late = Math.floor(random() ** 8 * 300) * FINEST_S; // some deltas are of slices long over
      source.count(Math.max(START, START + s - late), START + s + FINEST_S);
      if (random() < 0.3) source.count(START + s);
    }
    follower.advance(source.store.endS);
    const known = new IdentitySet(), away = [random(), random()].sort();
    for (const one of source.deltas) {
      const at = one.identity.sequence / source.sequence;
      if (at > away[0] && at < away[1] || random() < 0.001) continue;
      if (follower.add(one) === "merged") known.add(one.identity);
    }
    const before = counted(follower), outcomes = new Map<string, number>();
    for (const item of takeAll(new Backfill(source.log, source.store, known.ranges()))) {
      const outcome = give(follower, item);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    follower.advance(source.store.endS + 600);
    checkOnce(follower, follower);
    assert(counted(follower) >= before, `seed ${seed}`);
    assertEquals(outcomes.get("overlaps"), undefined, `seed ${seed}: it knew what the follower has`);
    // A second time there is nothing left to take.
    const has = follower.rings[TIERS.length - 1].slots().flatMap(({ identities }) => identities.ranges());
    const again = takeAll(new Backfill(source.log, source.store, has)).filter((item) => !("caughtUp" in item));
    assertEquals(again.filter((item) => give(follower, item) === "merged").length, 0, `seed ${seed}`);
  }
});

Deno.test("slots that overlap with what is here are refused, those that are here are known", () => {
  const source = new Source(60), follower = new Store(2);
  for (let s = 0; s < 1200; s += FINEST_S) source.count(START + s);
  follower.advance(source.store.endS);
  const slots = takeAll(new Backfill(source.log, source.store, [])).filter((item) => "tier" in item);
  follower.add(source.deltas[3]);
  assertEquals(slots.map((slot) => follower.addSlot(slot)).filter((outcome) => outcome !== "merged"), ["overlaps"]);
  assertEquals(slots.filter((slot) => follower.addSlot(slot) === "duplicate").length, slots.length - 1);
  assertEquals(follower.add(source.deltas[20]), "duplicate", "a delta of a slot that was taken");
  checkOnce(follower, follower);
});

Deno.test("a slot that holds what may not leave is not sent", () => {
  const source = new Source(60);
  for (let s = 0; s < 1800; s += FINEST_S) source.count(START + s);
  const late = source.count(START, START + 1800).identity.sequence;
  const isSaved = (all: readonly IdentityRanges[]): boolean =>
    all.every(({ ranges }) => ranges.every(([, last]) => last < late));
  const items = takeAll(new Backfill(source.log, source.store, [], isSaved));
  const starts = items.flatMap((item) => "tier" in item ? [item.startS] : []);
  assertEquals([starts.includes(START), starts.includes(START + 60)], [false, true]);
});

Deno.test("a slot comes before what is new in it, with it, and when all of it is saved", () => {
  const source = new Source(60), follower = new Store(2);
  for (let s = 0; s < 1800; s += FINEST_S) source.count(START + s);
  let saved = source.sequence;
  const isSaved = (all: readonly IdentityRanges[]): boolean =>
    all.every(({ ranges }) => ranges.every(([, last]) => last <= saved));
  // In the store, and neither saved nor handed out yet: of a minute that is forgotten, and of one that is still held.
  const unsaved = [START, START + 1740].map((startS) => {
    const one = delta(++source.sequence, startS);
    assertEquals(source.store.add(one), "merged");
    source.deltas.push(one);
    return one;
  });
  const feed = new Backfill(source.log, source.store, [], isSaved);
  follower.advance(source.store.endS);
  const outcomes: string[] = [];
  const takeWhatIsThere = (): void => void outcomes.push(...takeAll(feed).map((item) => give(follower, item)));
  assert("identity" in feed.take()!, "deltas come first; this one is lost on its way");
  // A late one of a minute that is still to come.
  source.count(START + 120, source.store.endS + FINEST_S);
  saved = 0;
  takeWhatIsThere();
  assert(!outcomes.includes("caught up"));
  saved = Infinity;
  for (const one of unsaved) source.log.add(one, source.store.endS);
  takeWhatIsThere();
  assertEquals(new Set(outcomes), new Set(["merged", "caught up"]));
  assertEquals(counted(follower), source.deltas.length - 1);
  checkOnce(follower, follower);
});

Deno.test("a slot of which deltas are held, or not saved yet, is sent as these deltas: nothing of its detail is lost", () => {
  const source = new Source(100_000);
  for (let startS = START; startS < START + 600; startS += FINEST_S) source.count(startS);
  const saved = source.sequence;
  const maySend = (all: readonly IdentityRanges[]): boolean =>
    all.every(({ ranges }) => ranges.every(([, last]) => last <= saved));
  const late = delta(++source.sequence, START + 480);
  assertEquals(source.store.add(late), "merged");
  const feed = new Backfill(source.log, source.store, [], maySend), follower = new Store(2);
  follower.advance(source.store.endS);
  const items = takeAll(feed);
  assertEquals(new Set(items.map(kind)), new Set(["delta", "caught up"]));
  for (const item of items) give(follower, item);
  source.log.add(late, source.store.endS);
  for (const item of takeAll(feed)) give(follower, item);
  assertEquals(counted(follower), source.sequence);
  for (const slot of source.store.rings[0].slots()) {
    assertEquals(follower.rings[0].at(slot.startS)?.identities.ranges(), slot.identities.ranges());
  }
});

Deno.test("when a slot is forgotten before its turn, its deltas are sent that are held, once", () => {
  const source = new Source(60), follower = new Store(2);
  for (let s = 0; s < 1800; s += FINEST_S) source.count(START + s);
  const feed = new Backfill(source.log, source.store, []), outcomes: string[] = [];
  // The oldest delta that is held is in a minute that is to be sent as a slot; the clock goes back before it.
  const oldestS = source.log.at(source.log.begin)!.bucket.startS;
  follower.advance(source.store.endS);
  outcomes.push(give(follower, feed.take()!));
  source.store.rebase(START + 900);
  outcomes.push(...takeAll(feed).map((item) => give(follower, item)));
  assertEquals(new Set(outcomes), new Set(["merged", "caught up"]));
  for (let startS = oldestS; startS < START + 1800; startS += FINEST_S) {
    assertEquals(follower.rings[0].at(startS)?.identities.ranges().length, 1, `${startS - START}`);
  }
  assert(outcomes.length > 15, "slots before that are sent as well");
  checkOnce(follower, follower);
});

Deno.test("deltas that are forgotten before their turn are sent with their minute", () => {
  const source = new Source(600), follower = new Store(2);
  for (let s = 0; s < 600; s += FINEST_S) source.count(START + s);
  const feed = new Backfill(source.log, source.store, []), items: BackfillItem[] = [];
  for (let i = 0; i < 30; i++) items.push(feed.take()!);
  for (let s = 600; s < 780; s += FINEST_S) source.count(START + s);
  items.push(...takeAll(feed));
  assertEquals(items.map(kind).slice(-4), ["delta", "60 s", "60 s", "caught up"]);
  follower.advance(source.store.endS);
  for (const item of items) assert(["merged", "caught up"].includes(give(follower, item)));
  // Of the minute that was forgotten in part, the rest was sent one by one.
  assertEquals(counted(follower), source.deltas.length - source.log.begin % 6);
  checkOnce(follower, follower);
});

/** A relay: what it is sent, it takes and hands on. */
class Relay {
  readonly store = new Store(3);
  readonly log = new DeltaLog(Infinity, 900);
  readonly passed = new PassedSlots();

  take(item: BackfillItem, nowS: number): string {
    const outcome = give(this.store, item);
    if (outcome === "merged" && "identity" in item) this.log.add(item, nowS);
    if (outcome === "merged" && "tier" in item) this.passed.add(item);

    return outcome;
  }

  feed(has: readonly IdentityRanges[]): Backfill {
    return new Backfill(this.log, this.store, has, undefined, this.passed);
  }
}

Deno.test("what a relay is sent as slots it passes on at once, to who is caught up and to who is not, and nothing overlaps", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = randomFrom(seed), relay = new Relay(), follower = new Store(2);
    const sources = ["a", "b"].map((name) => ({ name, source: new Source([70, 300][seed % 2]) }));
    const named = (item: BackfillItem, name: string): BackfillItem =>
      "caughtUp" in item
        ? item
        : "identity" in item
        ? { ...item, identity: { ...item.identity, source: name } }
        : { ...item, identities: item.identities.map((one) => ({ ...one, source: name })) };
    for (let s = 0; s < 2400; s += FINEST_S) for (const { source } of sources) source.count(START + s);
    const endS = sources[0].source.store.endS;
    relay.store.advance(endS);
    follower.advance(endS);
    const feeds = sources.map(({ name, source }) => ({ name, feed: new Backfill(source.log, source.store, []) }));
    // The follower comes before anything is there, or while the relay is being filled; and reads now and then.
    const comesAt = [0, 70, 100][seed % 3] * (0.6 + 0.4 * random());
    let down: Backfill | undefined, isLast = false, idle = 0;
    const outcomes = new Set<string>();
    for (let step = 0; !isLast; step++) {
      if (step >= comesAt) down ??= relay.feed([]);
      const { name, feed } = feeds[Math.floor(2 * random())], item = feed.take();
      if (item !== undefined) assert(["merged", "caught up"].includes(relay.take(named(item, name), endS)));
      idle = item === undefined ? idle + 1 : 0;
      isLast = idle > 20;
      if (random() < 0.7 && !isLast) continue;
      for (let next = down?.take(); next !== undefined; next = random() < 0.6 || isLast ? down!.take() : undefined) {
        outcomes.add(give(follower, next));
      }
    }
    assert(!outcomes.has("overlaps"), `seed ${seed}: ${[...outcomes]}`);
    checkOnce(follower, follower);
    assertEquals(counted(follower), counted(relay.store), `seed ${seed}`);
    assertEquals([relay.passed.bytes, down!.takeDropped()], [0, 0], `seed ${seed}: nothing is held any more`);
  }
});

Deno.test("slots that are passed on wait for a slow follower within a bound, and it is told how many it has lost", () => {
  const passed = new PassedSlots(1), source = new Source(60), items: BackfillItem[] = [];
  for (let s = 0; s < 1800; s += FINEST_S) source.count(START + s);
  for (const item of takeAll(new Backfill(source.log, source.store, []))) if ("tier" in item) items.push(item);
  const add = (): void => items.forEach((item) => "tier" in item && passed.add(item));
  add();
  assertEquals([passed.bytes, passed.end], [0, 0], "nobody follows");
  const slow = new Backfill(new DeltaLog(), new Store(1), [], undefined, passed);
  let woken = 0;
  slow.onReady = () => woken++;
  add();
  assertEquals([woken, slow.takeDropped(), takeAll(slow).map(kind)], [items.length, items.length - 1, [
    "60 s",
    "caught up",
  ]]);
  slow.close();
  add();
  assertEquals([passed.bytes, woken], [0, items.length]);
});
