import { assert, assertEquals } from "@std/assert";
import type { Delta } from "./bucket.ts";
import { blockOf } from "./bucket_block.ts";
import { CounterTable } from "./counter_table.ts";
import { emptyLedger } from "./ledger.ts";
import { LiveView } from "./live_view.ts";
import { Changes, showNews, type StoreNews } from "./mirror.ts";
import { seal } from "./seal.ts";
import { sliceStart, tierHolding, TIERS, WINDOWS } from "./slices.ts";
import { Store } from "./store.ts";
import { Subscriber } from "./subscriber.ts";
import type { Snapshot, TargetInfo } from "./answer.ts";
import { countRequest, randomFrom, randomRequest } from "./test_lines.ts";

const START = 1_700_006_400; // a multiple of 300
const NO_REGEX = (): { test(text: string): boolean } => ({ test: () => false });
const SOURCES = ["a", "b", "c", "d"];

function newView(mergesMax: number): LiveView {
  const ledger = emptyLedger();
  const target = (name: string): TargetInfo => ({
    name,
    address: name,
    state: "connected",
    newestS: 0,
    problem: "",
    ledger,
  });
  return new LiveView({ source: "all", seed: 5, regex: NO_REGEX, targets: () => SOURCES.map(target), mergesMax });
}

function deltaOf(source: string, sequence: number, tier: number, startS: number, random: () => number): Delta {
  const table = new CounterTable(11);
  for (let i = 0; i < 4; i++) countRequest(table, randomRequest(random, 40));
  const bucket = seal(table, startS, TIERS[tier].sliceS, emptyLedger(), TIERS[tier].freshCaps);
  return { identity: { source, instance: "i", sequence, checksum: 0 }, bucket };
}

/** As a thread gets it: with blocks of its own. */
function across(news: StoreNews): StoreNews {
  return structuredClone(news);
}

/** Shows all that is new, in parts of at most so many bytes. */
function show(changes: Changes, mirror: LiveView, bytesMax = Infinity): number {
  let parts = 0;
  for (let news = changes.take(bytesMax); news !== undefined; news = changes.take(bytesMax)) {
    showNews(mirror.store, across(news));
    parts++;
  }
  return parts;
}

function answers(view: LiveView): unknown {
  return WINDOWS.map(({ name }) => [
    view.topN({ window: name, groupBy: "uri", n: 20, sort: 0, filter: undefined, detail: true }),
    view.topN({
      window: name,
      groupBy: "source",
      n: 20,
      sort: 1,
      filter: { kind: "compare", dimension: "website", operator: "=", value: "w1" },
    }),
    view.trend({ window: name, filter: undefined, detail: true }),
  ]);
}

Deno.test("a mirror answers as what it shows, whatever comes in whatever order, and through steps of the clock", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = randomFrom(seed), view = newView(seed % 2 === 0 ? 2 : 0), mirror = newView(0);
    const changes = new Changes(view.store);
    let nowS = START, sequence = 0, compared = 0;
    for (let step = 0; step < 700; step++) {
      nowS += random() < 0.9 ? 10 : 60;
      if (random() < 0.004) {
        nowS -= 10 * Math.floor(random() * 200);
        view.store.rebase(sliceStart(nowS, 10));
      }
      view.advance(sliceStart(nowS, 10));
      // Sometimes a host delivers a backlog at once, so that merges go on.
      const deltas = random() < 0.05 ? 40 : 3;
      const backlogS = Math.floor(random() * (random() < 0.2 ? 7200 : 40));
      for (let i = 0; i < deltas; i++) {
        const tier = tierHolding(nowS - 10 - backlogS, nowS);
        const startS = sliceStart(nowS - 10 - backlogS, TIERS[tier].sliceS);
        view.accept(deltaOf(SOURCES[i % SOURCES.length], ++sequence, tier, startS, random), nowS);
      }
      if (random() < 0.3) view.store.tidy();
      if (random() < 0.6) continue;
      show(changes, mirror, random() < 0.5 ? 1000 : Infinity);
      if (random() < 0.8) continue;
      assertEquals(answers(mirror), answers(view), `seed ${seed}, step ${step}`);
      compared++;
    }
    show(changes, mirror);
    assertEquals(answers(mirror), answers(view), `seed ${seed}, end`);
    assertEquals([...mirror.dump()], [...view.dump()]);
    assert(compared > 20, `${compared} comparisons`);
  }
});

Deno.test("after time has gone back, what has come since and lies ahead is shown as well", () => {
  const store = new Store(1), mirror = new Store(2), changes = new Changes(store), random = randomFrom(6);
  const add = (sequence: number, startS: number): void => void store.add(deltaOf("a", sequence, 0, startS, random));
  const show = (): void => {
    for (let news = changes.take(Infinity); news !== undefined; news = changes.take(Infinity)) {
      showNews(mirror, across(news));
    }
  };
  store.advance(START + 600);
  add(1, START + 590);
  show();
  store.rebase(START + 300);
  add(2, START + 290);
  add(3, START + 300); // a source whose clock is a little ahead
  show();
  const starts = (one: Store): number[][] => one.rings.map((ring) => ring.slots().map(({ startS }) => startS));
  assertEquals(starts(mirror), starts(store));
  assertEquals(starts(mirror)[0], [START + 290, START + 300]);
});

Deno.test("what has not changed does not go across again, and looking changes nothing", () => {
  const random = randomFrom(3), view = newView(2), mirror = newView(0), changes = new Changes(view.store);
  view.advance(START);
  for (let i = 1; i <= 40; i++) view.accept(deltaOf("a", i, 0, START - 10, random), START);
  assertEquals(show(changes, mirror), 1);
  answers(view);
  assertEquals(changes.take(Infinity), undefined);
  view.accept(deltaOf("b", 1, 0, START - 20, random), START);
  const news = changes.take(Infinity)!;
  assertEquals(news.slots.map(({ tier, startS, block }) => [tier, startS, block !== undefined]), [
    [2, START - 300, false],
    [1, START - 60, false],
    [0, START - 20, true],
  ]);
  assertEquals(news.slots[2].sources, ["b"]);
});

Deno.test("a mirror forgets what is forgotten, and gives back what it showed before", () => {
  const random = randomFrom(4), view = newView(0), mirror = newView(0), changes = new Changes(view.store);
  view.advance(START);
  view.accept(deltaOf("a", 1, 0, START - 10, random), START);
  show(changes, mirror);
  const first = mirror.store.rings[0].at(START - 10)!.bucketNow();
  view.accept(deltaOf("a", 2, 0, START - 10, random), START);
  show(changes, mirror);
  assertEquals(blockOf(first).byteLength, 0);
  view.advance(START + 2 * 86_400);
  show(changes, mirror);
  assertEquals(mirror.store.rings.map((ring) => ring.slots().length), [0, 0, 0]);
});

Deno.test("subscribers of a mirror see each minute once, as it becomes whole", () => {
  const random = randomFrom(5), view = newView(0), mirror = newView(0), changes = new Changes(view.store);
  const here = new Subscriber<Snapshot>(100), there = new Subscriber<Snapshot>(100);
  view.followSnapshots(here);
  mirror.followSnapshots(there);
  for (let nowS = START, sequence = 1; nowS < START + 400; nowS += 10, sequence++) {
    view.advance(nowS);
    view.accept(deltaOf("a", sequence, 0, nowS - 10, random), nowS);
    show(changes, mirror);
  }
  const all = (subscriber: Subscriber<Snapshot>): Snapshot[] => {
    const items: Snapshot[] = [];
    for (let item = subscriber.take(); item !== undefined; item = subscriber.take()) items.push(item);
    return items;
  };
  const expected = all(here);
  assertEquals(all(there), expected);
  assertEquals(expected.length, 7);
});
