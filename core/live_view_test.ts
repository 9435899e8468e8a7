import { assert, assertEquals } from "@std/assert";
import { type DimensionName, DIMENSIONS } from "./dimensions.ts";
import { emptyLedger } from "./ledger.ts";
import { REQUESTS } from "./measures.ts";
import { sliceStart, tierHolding, TIERS, windowNamed, WINDOWS, windowSpan } from "./slices.ts";
import { CounterTable } from "./counter_table.ts";
import { type Delta, emptyBucket } from "./bucket.ts";
import { seal } from "./seal.ts";
import type { Filter, FilterNode } from "./filter_tree.ts";
import { Subscriber } from "./subscriber.ts";
import type { Snapshot, TargetInfo } from "./answer.ts";
import { LiveView } from "./live_view.ts";
import { countRequest, randomFrom, randomRequest, type Request } from "./test_lines.ts";

const START = 1_700_006_400; // a multiple of 300
const NO_REGEX = (): { test(text: string): boolean } => ({ test: () => false });

interface Sent extends Request {
  readonly timeS: number;
}

function newView(): LiveView {
  return new LiveView({ source: "all", seed: 5, regex: NO_REGEX, targets: () => [] });
}

function deltaOf(source: string, sequence: number, tier: number, startS: number, requests: readonly Sent[]): Delta {
  const table = new CounterTable(11);
  for (const request of requests) countRequest(table, request);
  const caps = { rowsMax: 50_000, entriesMax: 16_000, entryBytesMax: Infinity };
  const bucket = seal(table, startS, TIERS[tier].sliceS, emptyLedger(), caps);
  return { identity: { source, instance: "i", sequence, checksum: 0 }, bucket };
}

/** Whether a request is in what a view can know of a span: coarse slots are all or nothing. */
function countBetween(sent: readonly Sent[], fromS: number, toS: number, keep: (r: Sent) => boolean): number {
  return sent.filter((request) => request.timeS >= fromS && request.timeS < toS && keep(request)).length;
}

function equals(dimension: DimensionName, value: string): FilterNode {
  return { kind: "compare", dimension, operator: "=", value };
}

Deno.test("windows, trends and rankings equal a naive count, for deltas that come late, twice and out of order", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = randomFrom(seed), view = newView();
    const sent: Sent[] = [];
    const held: { delta: Delta; dueS: number }[] = [];
    const sequences = [0, 0, 0];
    let nowS = START;
    for (let step = 0; step < 500; step++, nowS += 10) {
      for (let source = 0; source < 3; source++) {
        // Mostly the slice that is over now; sometimes a backlog of up to two hours.
        const ageS = random() < 0.9 ? 10 : Math.floor(random() * 7200);
        const tier = tierHolding(nowS - ageS, nowS);
        const startS = sliceStart(nowS - ageS, TIERS[tier].sliceS);
        const requests = Array.from({ length: 3 }, () => ({ ...randomRequest(random, 40), timeS: startS }));
        if (startS >= START - 7200) sent.push(...requests);
        const delta = deltaOf(`col-${source}`, ++sequences[source], tier, startS, requests);
        held.push({ delta, dueS: random() < 0.8 ? nowS : nowS + Math.floor(random() * 300) });
        if (random() < 0.1) held.push({ delta, dueS: nowS + Math.floor(random() * 600) });
      }
      view.advance(nowS);
      for (const { delta } of held.filter(({ dueS }) => dueS <= nowS)) view.accept(delta, nowS);
      held.splice(0, Infinity, ...held.filter(({ dueS }) => dueS > nowS));
    }
    for (const { delta } of held) view.accept(delta, nowS);
    compare(view, sent, `seed ${seed}`);
  }
});

function compare(view: LiveView, sent: readonly Sent[], where: string): void {
  const filters: { filter: Filter; keep: (request: Sent) => boolean }[] = [
    { filter: undefined, keep: () => true },
    { filter: equals("website", "w1"), keep: ({ values }) => values[0] === "w1" },
    {
      filter: { kind: "and", parts: [equals("status", "200"), equals("method", "GET")] },
      keep: ({ values }) => values[3] === "200" && values[4] === "GET",
    },
  ];
  for (const { name } of WINDOWS) {
    for (const { filter, keep } of filters) {
      const span = windowSpan(windowNamed(name)!, view.store.endS);
      const answer = view.topN({ window: name, groupBy: "uri", n: 1000, sort: REQUESTS, filter });
      const truth = new Map<string, number>();
      for (const request of sent) {
        if (request.timeS < span.fromS || request.timeS >= span.toS || !keep(request)) continue;
        truth.set(request.values[2], (truth.get(request.values[2]) ?? 0) + 1);
      }
      const expected = [...truth].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
      assertEquals(answer.entries.map(({ label, values }) => [label, values[REQUESTS]]), expected, `${where} ${name}`);
      assert(answer.entries.every(({ values, countMax }) => values[REQUESTS] === countMax), `${where} ${name}: exact`);
      assertEquals(answer.total[REQUESTS], countBetween(sent, span.fromS, span.toS, keep));
      assertEquals(answer.other[REQUESTS], 0);
      const { points, stepS } = view.trend({ window: name, filter });
      for (const { startS, count } of points) {
        const known = count ?? 0;
        assertEquals(known, countBetween(sent, startS, Math.min(startS + stepS, span.toS), keep), `${where} ${name}`);
      }
    }
  }
}

Deno.test("a slice of which nothing is known is a gap in the trend, one in which nothing happened is a zero", () => {
  const view = newView();
  const request = { ...randomRequest(randomFrom(1), 4), timeS: START };
  view.advance(START + 10);
  view.accept(deltaOf("a", 1, 0, START, [request]), START + 10);
  view.advance(START + 20);
  view.accept({ ...deltaOf("a", 2, 0, START + 10, []), bucket: emptyBucket(START + 10, 10) }, START + 20);
  view.advance(START + 40);
  const counts = view.trend({ window: "1m", filter: undefined }).points.map(({ count }) => count);
  assertEquals(counts, [null, null, 1, 0, null, null]);
  assertEquals(view.topN({ window: "1m", groupBy: "website", n: 5, sort: REQUESTS, filter: undefined }).coverage, {
    expected: 0,
    present: 0,
    missing: [],
    secondsCovered: 20,
    seconds: 60,
  });
});

Deno.test("n entries are listed and the rest of the total is other", () => {
  const view = newView(), random = randomFrom(8);
  view.advance(START + 10);
  view.accept(
    deltaOf("a", 1, 0, START, Array.from({ length: 300 }, () => ({ ...randomRequest(random, 90), timeS: START }))),
    0,
  );
  for (const { name } of DIMENSIONS) {
    const { entries, other, total } = view.topN({
      window: "1m",
      groupBy: name,
      n: 2,
      sort: REQUESTS,
      filter: undefined,
    });
    assert(entries.length <= 2);
    const listed = entries.reduce((sum, { values }) => sum + values[REQUESTS], 0);
    assertEquals([total[REQUESTS], listed + other[REQUESTS]], [300, 300]);
  }
});

Deno.test("the newest coarse point is composed from finer slots and marked incomplete", () => {
  const view = newView();
  for (let i = 0; i < 9; i++) {
    view.advance(START + 10 * (i + 1));
    const request = { ...randomRequest(randomFrom(i + 1), 4), timeS: START + 10 * i };
    view.accept(deltaOf("a", i + 1, 0, START + 10 * i, [request]), START);
  }
  const { points } = view.trend({ window: "60m", filter: undefined });
  assertEquals(points.slice(-2).map(({ count, incomplete }) => [count, incomplete]), [[6, false], [3, true]]);
});

Deno.test("a slice ahead of now is held and comes into view when its time does", () => {
  const view = newView();
  view.advance(START);
  const delta = deltaOf("a", 1, 0, START + 60, [{ ...randomRequest(randomFrom(1), 4), timeS: START + 60 }]);
  assertEquals(view.accept(delta, START), "merged");
  const total = (): number =>
    view.topN({ window: "1m", groupBy: "uri", n: 1, sort: REQUESTS, filter: undefined }).total[0];
  assertEquals(total(), 0);
  view.advance(START + 70);
  assertEquals(total(), 1);
  assertEquals(view.accept(deltaOf("a", 2, 0, START + 1000, []), START), "too_far_ahead");
});

Deno.test("a fine slice that the fine ring no longer holds is merged where its time is still held", () => {
  const view = newView();
  view.advance(START + 3000);
  const delta = deltaOf("a", 1, 0, START + 600, [{ ...randomRequest(randomFrom(1), 4), timeS: START + 600 }]);
  assertEquals([view.accept(delta, 0), view.accept(delta, 0)], ["merged", "duplicate"]);
  assertEquals(view.topN({ window: "60m", groupBy: "uri", n: 1, sort: REQUESTS, filter: undefined }).total[0], 1);
  assertEquals(view.accept(deltaOf("a", 2, 0, START - 90_000, []), 0), "too_old");
});

Deno.test("time goes on when nobody delivers, and what is missing is a gap", () => {
  const view = newView();
  view.tick(START);
  assertEquals(view.trend({ window: "1m", filter: undefined }).points, []);
  view.advance(START + 10);
  view.accept(deltaOf("a", 1, 0, START, []), START + 10);
  view.tick(START + 60);
  assertEquals(view.store.endS, START + 40);
  assertEquals(view.trend({ window: "1m", filter: undefined }).points.map(({ count }) => count).slice(-4), [
    0,
    null,
    null,
    null,
  ]);
});

Deno.test("a follower of deltas first gets those retained, then each new one once", () => {
  const view = newView();
  view.advance(START + 10);
  view.accept(deltaOf("a", 1, 0, START, []), START + 10);
  const cursor = view.followDeltas();
  view.accept(deltaOf("a", 2, 0, START, []), START + 10);
  view.accept(deltaOf("a", 2, 0, START, []), START + 10);
  const sequences = [cursor.take(), cursor.take(), cursor.take()].map((item) =>
    item !== undefined && "identity" in item ? item.identity.sequence : undefined
  );
  assertEquals(sequences, [1, 2, undefined]);
  cursor.close();
  assertEquals(view.deltaLog.followers, 0);
});

Deno.test("snapshots show whole minutes, as the original's streams do", () => {
  const view = newView(), subscriber = new Subscriber<Snapshot>(10);
  view.followSnapshots(subscriber);
  const request = { ...randomRequest(randomFrom(1), 4), timeS: START };
  view.advance(START + 10);
  view.accept(deltaOf("a", 1, 0, START, [request, request]), START);
  view.advance(START + 70);
  const snapshot = subscriber.take();
  const label = [0, 1, 2, 3].map((d) => request.values[d]).join("\0");
  assertEquals(snapshot, { source: "all", startS: START, coarse: false, entries: [{ label, count: 2 }] });
  assertEquals([...view.dump()].filter(({ coarse }) => !coarse).length, 1);
});

Deno.test("of relays that tell, those behind them are expected, and missing is who comes by none or has left out a slice", () => {
  const relay = (name: string, behind: readonly [string, boolean][], newestS = START + 60): TargetInfo => ({
    name,
    address: `${name}:9091`,
    state: "connected",
    newestS,
    problem: "",
    ledger: emptyLedger(),
    behind: behind.map(([name, present]) => ({ name, present })),
  });
  let targets: readonly TargetInfo[] = [];
  const view = new LiveView({ source: "top", seed: 5, regex: NO_REGEX, targets: () => targets });
  const coverage = (): readonly [number, number, readonly string[]] => {
    const question = { window: "1m", groupBy: "website", n: 5, sort: REQUESTS, filter: undefined } as const;
    const { expected, present, missing } = view.topN(question).coverage;
    return [expected, present, missing];
  };
  for (let slice = 0; slice < 6; slice++) {
    view.advance(START + 10 * slice + 10);
    for (const source of ["a", "b", "c"]) {
      if (source === "c" && slice === 1) continue;
      view.accept(deltaOf(source, slice + 1, 0, START + 10 * slice, []), START);
    }
  }
  targets = [relay("one", [["a", true], ["b", true]])];
  assertEquals(coverage(), [2, 2, []]);
  targets = [relay("one", [["a", true], ["b", false]])];
  assertEquals(coverage(), [2, 1, ["b"]]);
  assertEquals(view.sources(), [{ name: "a", present: true }, { name: "b", present: false }]);
  // By two relays: present when it is by one.
  targets = [relay("one", [["a", true], ["b", false]]), relay("two", [["a", false], ["b", true]])];
  assertEquals(coverage(), [2, 2, []]);
  // A relay that does not deliver says nothing for anybody.
  targets = [relay("one", [["a", true], ["b", false]]), relay("two", [["a", true], ["b", true]], START)];
  assertEquals(coverage(), [2, 1, ["b"]]);
  targets = [relay("one", [["a", true], ["c", true], ["d", true]])];
  assertEquals(coverage(), [3, 1, ["c", "d"]], "c left out a slice, d has not delivered any");
});
