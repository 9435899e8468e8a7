import { assertEquals } from "@std/assert";
import { emptyBucket } from "@/core/bucket.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { LiveView } from "@/core/live_view.ts";
import { emptyLedger } from "@/core/ledger.ts";
import { deliverTo, publishTo } from "./delivery.ts";
import { Sequencer } from "./sequencer.ts";
import type { Change } from "./state_standing.ts";

const START = 1_700_000_100;

Deno.test("windows end where the thread has sealed, and go back only when its clock has gone back", () => {
  const sequencer = new Sequencer("s", "0123456789abcdef");
  const view = new LiveView({ source: "s", seed: 1, regex: linearRegex, targets: () => [sequencer.target("")] });
  const deliver = deliverTo({ view, sequencer, log: openLog("collector", () => {}) });
  const seal = (endS: number): number => {
    const buckets = [emptyBucket(endS - 10, 10)];
    deliver({ kind: "sealed", endS, nowS: endS + 0.5, problem: "", buckets, positions: [] });
    return view.trend({ window: "1m", filter: undefined }).toS - START;
  };
  assertEquals([seal(START + 10), seal(START + 20)], [10, 20]);
  view.tick(START + 80); // the thread was silent for a minute
  assertEquals(view.store.endS, START + 60);
  assertEquals([seal(START + 30), seal(START + 40)], [60, 60], "a late thread does not turn time back");
  assertEquals([seal(START - 3600), seal(START - 3590)], [-3600, -3590]);
  assertEquals(view.trend({ window: "1m", filter: undefined }).coverage.present, 1);
});

Deno.test("a slice that no window holds any more is named with its lines, not dropped in silence", () => {
  const lines: string[] = [];
  const sequencer = new Sequencer("s", "0123456789abcdef");
  const view = new LiveView({ source: "s", seed: 1, regex: linearRegex, targets: () => [] });
  const log = openLog("collector", (line) => void lines.push(line), () => 0);
  const old = { ...emptyBucket(START - START % 300 - 90_000, 300), totals: Float64Array.of(7, 0, 0, 0) };
  const sealed = { kind: "sealed", endS: START, nowS: START, problem: "", buckets: [old], positions: [] } as const;
  deliverTo({ view, sequencer, log })(sealed);
  assertEquals(lines.map((line) => /outcome=(\w+) slice=\d+ lines=(\d+)/.exec(line)?.slice(1)), [["too_old", "7"]]);
});

Deno.test("what was sealed is in answers at once, and goes to followers only when it is saved", () => {
  const sequencer = new Sequencer("s", "0123456789abcdef", { sequence: 41, endS: START, ledger: emptyLedger() });
  const view = new LiveView({ source: "s", seed: 1, regex: linearRegex, targets: () => [sequencer.target("")] });
  const log = openLog("collector", () => {}), waiting: Change[] = [], followed: number[] = [];
  const deliver = deliverTo({ view, sequencer, log, save: (change) => void waiting.push(change) });
  const cursor = view.followDeltas();
  cursor.onReady = () => {
    const item = cursor.take();
    if (item !== undefined && "identity" in item) followed.push(item.identity.sequence);
  };
  const bucket = { ...emptyBucket(START, 10), totals: Float64Array.of(7, 0, 0, 0) };
  deliver({ kind: "sealed", endS: START + 10, nowS: START + 11, problem: "", buckets: [bucket], positions: [] });
  assertEquals([view.store.rings[0].at(START)?.knownS, followed], [10, []]);
  publishTo(view)(waiting[0].deltas, waiting[0].nowS);
  assertEquals(followed, [42], "and it goes on with the numbers of the former process");
});
