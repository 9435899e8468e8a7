import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { OBEYED, snapshot, TARGET_INFOS, topNAnswer, trendAnswer, values } from "./fake_shell.ts";
import { minuteJson, targetsJson, topNJson, trendJson, versionJson } from "./json.ts";

/** Any text, and often what a terminal would obey. */
const hostile = fc.array(fc.oneof(fc.constantFrom(...OBEYED), fc.string({ unit: "binary" }))).map((pieces) =>
  pieces.join("")
);

Deno.test("topn is one object with source, span, total, other, coverage and entries", () => {
  const text = topNJson(topNAnswer(), "nginx1:9090");
  assertEquals(text.split("\n").length, 2);
  assertEquals(JSON.parse(text), {
    source: "col-1",
    target: "nginx1:9090",
    window: "5m",
    group_by: "website",
    from: "2026-11-21T04:45:00Z",
    to: "2026-11-21T04:50:00Z",
    total: 13_113,
    total_max: 13_113,
    other: 90,
    total_values: { count: 13_113, bytes: 0, time_sum_ms: 0, time_avg_ms: 0, time_max_ms: 0 },
    other_values: { count: 90, bytes: 900, time_sum_ms: 0, time_avg_ms: 0, time_max_ms: 0 },
    unlisted_max: 0,
    coverage: { expected: 1, present: 1, missing: [], seconds_covered: 300, seconds: 300 },
    entries: [
      {
        label: "example.com",
        count: 12_345,
        count_max: 12_345,
        bytes: 1_234_500,
        time_sum_ms: 24_690,
        time_avg_ms: 2,
        time_max_ms: 900,
      },
      {
        label: "a\x1b[2J\u202eb\n",
        count: 678,
        count_max: 678,
        bytes: 0,
        time_sum_ms: 0,
        time_avg_ms: 0,
        time_max_ms: 0,
      },
    ],
  });
});

Deno.test("the average time of nothing is null", () => {
  const entries = [{ label: "a", values: values(0), countMax: 3 }];
  assertEquals(JSON.parse(topNJson(topNAnswer({ entries }), "t")).entries[0].time_avg_ms, null);
});

Deno.test("the average time of a sum that can be more is not known", () => {
  const entries = [{ label: "a", values: values(2, 0, Number.MAX_SAFE_INTEGER), countMax: 2 }];
  const [entry] = JSON.parse(topNJson(topNAnswer({ entries }), "t")).entries;
  assertEquals([entry.time_sum_ms, entry.time_avg_ms], [Number.MAX_SAFE_INTEGER, null]);
});

Deno.test("a trend has null where nothing is known, and marks the point that is not over", () => {
  const { source, target, points } = JSON.parse(trendJson(trendAnswer(), "nginx1:9090"));
  assertEquals([source, target], ["col-1", "nginx1:9090"]);
  assertEquals(points, [
    { ts: "2026-11-21T04:49:20Z", count: 8 },
    { ts: "2026-11-21T04:49:30Z", count: null },
    { ts: "2026-11-21T04:49:40Z", count: 0 },
    { ts: "2026-11-21T04:49:50Z", count: 2, incomplete: true },
  ]);
});

Deno.test("a minute of a stream has its time, source, target and heaviest label", () => {
  const { source, startS, coarse } = snapshot();
  const minute = { source, startS, coarse, entries: 2, topLabel: "example.com", topCount: 1200 };
  assertEquals(JSON.parse(minuteJson(minute, "nginx1:9090")), {
    ts: "2026-11-21T04:49:00Z",
    source: "col-1",
    target: "nginx1:9090",
    is_coarse: false,
    total_entries: 2,
    top_label: "example.com",
    top_count: 1200,
  });
});

Deno.test("targets and version are one object each", () => {
  const { target, targets } = JSON.parse(targetsJson(TARGET_INFOS, "agg:9091"));
  assertEquals([target, targets.length, targets[1].newest], ["agg:9091", 2, null]);
  const { read, counted, malformed_fields, too_old } = targets[0].ledger;
  assertEquals([read, counted, malformed_fields, too_old], [1234, 1200, 30, 4]);
  assertEquals(targets.map(({ ledger }: { ledger: Record<string, unknown> }) => ledger.kernel_drops), [0, null]);
  assertEquals("kernel_drop_reports" in targets[0].ledger, false);
  assertEquals([targets[0].ledger.logs_cut, targets[0].ledger.unread_bytes], [0, 0]);
  assertEquals(versionJson("0.1.0"), '{"version":"0.1.0"}\n');
});

Deno.test("whatever a label holds, JSON reads it back and a terminal obeys nothing in it", () => {
  fc.assert(fc.property(hostile, (label) => {
    const text = topNJson(topNAnswer({ entries: [{ label, values: values(1), countMax: 1 }] }), "t");
    assert(!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text.slice(0, -1)));
    assertEquals(JSON.parse(text).entries[0].label, label);
  }));
});

Deno.test("a time that no calendar has does not throw", () => {
  assertEquals(JSON.parse(topNJson(topNAnswer({ fromS: 1e18, toS: NaN }), "t")).from, null);
});
