import { assertEquals } from "@std/assert";
import { LEDGER_REASONS, ledgerGap, READ } from "@/core/ledger.ts";
import { randomFrom } from "@/core/test_lines.ts";
import type { Job } from "./count_job.ts";
import { Tally } from "./count_tally.ts";

const JOB: Job = {
  parts: [],
  questions: [{ groupBy: "uri", n: 10_000, sort: 0 }, { groupBy: "prefix", n: 10_000, sort: 0 }],
  filter: undefined,
  masks: { v4Bits: 24, v6Bits: 48 },
  seed: 7,
};

const LINES = 60_000, CHUNK_LINES = 2000, START_S = 1_700_000_000;

/** When line `index` was logged, in seconds after the start. */
const TIMES: Readonly<Record<string, (index: number, random: () => number) => number>> = {
  "a busy log": (index) => index / 2000,
  "a quiet log, a line every ten seconds": (index) => index * 10,
  "a file that is not in order": (_, random) => random() * 1e6,
  "a quiet night before a busy day": (index) => index < 20_000 ? index * 10 : 200_000 + index / 2000,
  "a busy day before a quiet night": (index) => index < 20_000 ? index / 2000 : index * 10,
};

for (const [what, timeOf] of Object.entries(TIMES)) {
  Deno.test(`${what} is counted exactly, and quickly`, () => {
    const random = randomFrom(3), tally = new Tally(JOB);
    const wanted = [new Map<string, number>(), new Map<string, number>()];
    let first = Infinity, last = -Infinity, text = "", seals = 0;
    for (const builder of tally.builders) {
      const add = builder.add.bind(builder);
      builder.add = (bucket): void => {
        seals++;
        add(bucket);
      };
    }
    for (let index = 0; index < LINES; index++) {
      const timeS = START_S + Math.floor(timeOf(index, random)), uri = `/${Math.floor(900 * random() ** 2)}`;
      const net = Math.floor(200 * random());
      first = Math.min(first, timeS);
      last = Math.max(last, timeS);
      [uri, `10.0.${net}.0/24`].forEach((label, d) => wanted[d].set(label, (wanted[d].get(label) ?? 0) + 1));
      text += `a\t10.0.${net}.1\t${timeS}.0\tGET\t${uri}\t200\t1\t0.1\n`;
      if (index % CHUNK_LINES < CHUNK_LINES - 1) continue;
      const bytes = new TextEncoder().encode(text);
      tally.lines(bytes, 0, bytes.length);
      text = "";
    }
    tally.finish();
    tally.builders.forEach((builder, d) => {
      const { entries, other, unlistedMax } = builder.ranking();
      assertEquals(new Map(entries.map(({ label, values }) => [label, values[0]])), wanted[d]);
      assertEquals([other[0], unlistedMax, entries.every(({ values, countMax }) => countMax === values[0])], [
        0,
        0,
        true,
      ]);
    });
    assertEquals([tally.fromS, tally.toS], [Math.floor(first / 10) * 10, Math.floor(last / 10) * 10 + 10]);
    assertEquals([tally.ledger[READ], ledgerGap(tally.ledger)], [LINES, 0]);
    // Two builders; at most a bucket a thousand lines, and what it takes to notice.
    assertEquals(seals <= 2 * (LINES / 1000 + 16), true, `${seals} buckets`);
  });
}

/** What a ranking by URI of these lines says, and whether all of it is certain. */
function urisOf(lines: readonly string[]): { tally: Tally; counts: Map<string, number>; isExact: boolean } {
  const tally = new Tally(JOB);
  for (let from = 0; from < lines.length; from += CHUNK_LINES) {
    const bytes = new TextEncoder().encode(lines.slice(from, from + CHUNK_LINES).join(""));
    tally.lines(bytes, 0, bytes.length);
  }
  tally.finish();
  const { entries } = tally.builders[0].ranking();
  const isExact = entries.every(({ values, countMax }) => countMax === values[0]);
  return { tally, counts: new Map(entries.map(({ label, values }) => [label, values[0]])), isExact };
}

Deno.test("lines without a time are no single slice: more values than a bucket holds are counted exactly", () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => `v1\ta\t10.0.0.1\tGET\t/${i % 17_000}\t200\t1\t0.001\t-\t-\t-\t10.0.0.1\thttp\n`,
  );
  const { tally, counts, isExact } = urisOf(lines);
  assertEquals([isExact, counts.get("/0"), counts.get("/2999"), tally.fromS], [true, 2, 2, Infinity]);
});

Deno.test("long values of a quiet log are counted exactly", () => {
  const long = "x".repeat(500);
  const lines = Array.from(
    { length: 30_000 },
    (_, i) => `a\t10.0.0.1\t${START_S + 3 * i}.0\tGET\t/${i % 9000}/${long}\t200\t1\t0.1\n`,
  );
  const { counts, isExact } = urisOf(lines);
  assertEquals([isExact, counts.size, counts.get(`/0/${long}`)], [true, 9000, 4]);
});

Deno.test("lines without a time among others do not begin the span in 1970, wherever they stand", () => {
  const timeless = "v1\ta\t192.0.2.1\tGET\t/\t200\t1\t0.001\t-\t-\tt\t10.0.0.1\thttp\n";
  const timed = (index: number): string => `a\t192.0.2.1\t${START_S + 100 * index}.0\tGET\t/\t200\t1\t0.1\n`;
  for (const order of [[timeless, timed(0), timeless], [timed(0), timeless, timeless]]) {
    const { tally } = urisOf([...order, ...Array.from({ length: 200 }, (_, i) => i % 3 ? timed(i) : timeless)]);
    assertEquals([tally.fromS, tally.toS], [START_S, START_S + 19_910]);
  }
});

Deno.test("the sample of a reason is the first line of the first part, whoever reads it and however it is counted", () => {
  const text = (word: string, spreadS: number): Uint8Array<ArrayBuffer> => {
    const lines = Array.from(
      { length: 100 },
      (_, index) => `a\t10.0.0.1\t${START_S + index * spreadS}\tGET\t/\t200\t1\t0.1\n`,
    );
    return new TextEncoder().encode(`${word}\n${lines.join("")}${word} again\n`);
  };
  const part = (order: number): Job["parts"][number] => ({ name: "f", kind: "lines", start: 0, end: 1, order });
  const one = new Tally(JOB), other = new Tally(JOB);
  for (const [order, tally] of [[2, one], [0, other], [1, one]] as const) {
    const bytes = text(`part${order}`, order === 2 ? 60 : 0);
    tally.lines(bytes, 0, bytes.length);
    tally.partDone(part(order));
  }
  one.add(other.state());
  assertEquals(one.samples().map(({ line }) => new TextDecoder().decode(line)), ["part0"]);
  assertEquals(LEDGER_REASONS[one.samples()[0].reason], "malformed_fields");
});
