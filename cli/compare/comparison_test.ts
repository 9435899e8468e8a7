import { assertEquals, assertThrows } from "@std/assert";
import { comparisonTable } from "./comparison_table.ts";
import { attackerComplaint, disagreements } from "./disagreement.ts";
import { goalLines } from "./goals.ts";
import { type CompetitorName, competitors, type Counted } from "./programs.ts";
import { Random } from "./random.ts";
import { parseTimes, type Run, shuffled, timesAsFast } from "./rounds.ts";
import type { Truth } from "./traffic.ts";

const PROGRAMS = competitors({ file: "/l/a.log", checkout: "/c", here: "/c/cli/compare", folder: "/l", deno: "deno" });

Deno.test("a ratio is the median of the ratios within each round, so a slow round does not count", () => {
  const runs = [run("logtail", 0, 1), run("go", 0, 5), run("logtail", 1, 4), run("go", 1, 32), run("logtail", 2, 1)];
  assertEquals(timesAsFast(runs, "logtail", "go"), 6.5); // 5 and 8; the third round has no pair
  assertEquals(timesAsFast(runs, "logtail", "mawk"), undefined);
});

Deno.test("several passes over the file count as so many lines", () => {
  const runs = [run("logtail", 0, 2), { ...run("wc", 0, 2), lines: 10_000_000 }];
  assertEquals(timesAsFast(runs, "logtail", "wc"), 0.1);
});

Deno.test("the table has a row for each program that ran, in the order of the programs", () => {
  const runs = [run("logtail", 0, 0.2), run("go", 0, 1), run("logtail-2", 0, 0.22, 0.1), run("go", 1, 1)];
  assertEquals(
    comparisonTable(PROGRAMS, runs),
    `program              CPU s  wall s  M lines/s  to Go  to ours  RSS MB
plain Go program      1.00    1.00       1.00   1.00    0.200      50
nginx-logtail count   0.20    0.20       5.00   5.00     1.00      50
the same, 2 threads   0.22    0.10       10.0   10.0     2.00      50
`,
  );
});

Deno.test("a goal is met, not met, or unknown when its program did not run", () => {
  const fast = [run("logtail", 0, 1), run("go", 0, 4.6)];
  assertEquals(goalLines("ordinary", fast), [
    "met      4.5 times the plain Go program: 4.60",
    "not met  (wished for: 7 times): 4.60",
    "unknown  30 times goaccess",
    "unknown  9 times mawk",
    "unknown  a tenth of wc -l",
  ]);
  const slow = [{ ...run("logtail", 0, 1), rssMax: 251e6 }, run("go", 0, 1.5)];
  assertEquals(goalLines("attack", slow), [
    "not met  1.6 times the plain Go program, which drops lines: 1.50",
    "not met  less than 250 MB: 251 MB",
  ]);
});

Deno.test("each program is understood when it says what it has counted", () => {
  const says: Partial<Record<CompetitorName, readonly [string, Counted]>> = {
    wc: ["  7 /l/a.log\n  7 /l/a.log\n  14 total\n", { lines: 7 }],
    mawk: ["tuples\t5\ntotal\t7\t900\t1.250\n", { lines: 7, sentBytes: 900, tuples: 5 }],
    goaccess: [
      '{"general": {"total_requests": 7,"valid_requests": 6,"failed_requests": 1,"bandwidth": 900}}',
      { lines: 7, dropped: 1, sentBytes: 900 },
    ],
    mtail: [
      JSON.stringify({
        lines: [{ LabelValues: [{ Value: { Value: 7 } }] }],
        sent_bytes: [{ LabelValues: [{ Value: { Value: 900 } }] }],
        requests: [{ LabelValues: [{}, {}, {}, {}, {}] }],
      }),
      { lines: 7, sentBytes: 900, tuples: 5 },
    ],
    go: ['{"lines":7,"bad":0,"dropped":2,"bytes":900,"prefixes":[]}', {
      lines: 7,
      dropped: 2,
      sentBytes: 900,
      prefixes: [],
    }],
    logtail: [
      '{"ledger":{"read":7},"total_values":{"count":7,"bytes":900},"entries":[]}\n',
      { lines: 7, dropped: 0, sentBytes: 900, prefixes: [] },
    ],
  };
  for (const { name, counted } of PROGRAMS) {
    const [output, expected] = says[name] ?? [];
    if (output !== undefined) assertEquals({ ...counted(output) }, { ...expected }, name);
    assertThrows(() => counted(""), Error);
  }
});

Deno.test("a wrong count is named, and one that drops lines is held to the number of lines alone", () => {
  const truth: Truth = {
    kind: "ordinary",
    seed: 1,
    lines: 7,
    sentBytes: 900,
    requestMs: 0,
    fromS: 0,
    toS: 0,
    loneHosts: 0,
    top: { website: [], prefix: [{ label: "192.0.2.0/24", count: 4 }], uri: [], status: [], method: [] },
  };
  assertEquals(disagreements({ lines: 7, sentBytes: 900, tuples: 5, prefixes: truth.top.prefix }, truth, 5), []);
  assertEquals(disagreements({ lines: 6, sentBytes: 899, tuples: 4 }, truth, 5), [
    "lines: 6 instead of 7",
    "tuples: 4 instead of 5",
    "bytes sent: 899 instead of 900",
  ]);
  assertEquals(disagreements({ lines: 7, sentBytes: 1, dropped: 3 }, truth, 5), []);
  assertEquals(disagreements({ lines: 7, prefixes: [{ label: "192.0.2.0/24", count: 3 }] }, truth, undefined), [
    "192.0.2.0/24: 3 instead of 4",
  ]);
});

Deno.test("an attacker has to be found within a thousandth of its count", () => {
  const attacker = { label: "203.0.113.0/24", count: 100_000 };
  assertEquals(attackerComplaint([{ label: "203.0.113.0/24", count: 99_900 }], attacker), undefined);
  assertEquals(
    attackerComplaint([{ label: "203.0.113.0/24", count: 99_899 }], attacker),
    "203.0.113.0/24: 99899 instead of 100000",
  );
  assertEquals(attackerComplaint([], attacker), "203.0.113.0/24: 0 instead of 100000");
});

Deno.test("times are user and system, wall and memory, behind what a failing program adds", () => {
  assertEquals(parseTimes("1.50 0.25 2.00 1000\n"), { cpuS: 1.75, wallS: 2, rssMax: 1_024_000 });
  assertEquals(parseTimes("Command exited with non-zero status 1\n1 0 2 3\n").wallS, 2);
  assertThrows(() => parseTimes("no such program"), Error, "are no times");
});

Deno.test("each round has an order of its own, with every program once", () => {
  const random = new Random(1), orders = Array.from({ length: 20 }, () => shuffled([1, 2, 3, 4], random));
  for (const order of orders) assertEquals([...order].sort(), [1, 2, 3, 4]);
  assertEquals(new Set(orders.map(String)).size > 5, true);
});

function run(name: CompetitorName, round: number, cpuS: number, wallS = cpuS): Run {
  return { name, round, lines: 1_000_000, cpuS, wallS, rssMax: 50e6 };
}
