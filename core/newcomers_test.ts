import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DIMENSION_COUNT, OTHER, URI } from "./dimensions.ts";
import { BYTES, MEASURE_COUNT, REQUESTS, TIME_MAX, TIME_SUM, type Values, zeroValues } from "./measures.ts";
import { hashWords } from "./hash.ts";
import { MISSING } from "./intern.ts";
import { ENTRY_WORDS, LINE_WORDS } from "./line_batch.ts";
import { Newcomers } from "./newcomers.ts";

const NONE = new Int32Array(0);

/** The hash of a value that is a number. */
function hashOf(value: number): number {
  const view = new DataView(new ArrayBuffer(12));
  view.setInt32(0, value);
  return hashWords(view, 0, 8, 3);
}

/** Newcomers among the URIs, met line by line or in batches. */
class Met {
  readonly newcomers = new Newcomers();
  readonly other = zeroValues();
  readonly lostMax = zeroValues();
  readonly foldedMax = zeroValues();

  /** Meets values by their hashes. Returns for which of them the line was withheld. */
  meet(hashes: readonly number[], lines: readonly Values[] = []): boolean[] {
    const staged = new Int32Array(hashes.length * LINE_WORDS), values = new Float64Array(hashes.length * MEASURE_COUNT);
    const ids = new Int32Array(hashes.length * DIMENSION_COUNT).fill(MISSING);
    hashes.forEach((hash, i) => staged[i * LINE_WORDS + URI * ENTRY_WORDS] = hash);
    lines.forEach((line, i) => values.set(line, i * MEASURE_COUNT));
    const again = this.newcomers.meet({ staged, values }, ids, URI, 0, hashes.length);
    const withheld = hashes.map((_, i) => ids[i * DIMENSION_COUNT + URI] === OTHER);
    assertEquals(again, withheld.filter((is) => !is).length);
    return withheld;
  }

  forget(): void {
    this.newcomers.forget(this.other, this.lostMax, this.foldedMax);
  }
}

Deno.test("against a naive model: the first line of a value in a window is withheld, and no other", () => {
  let first = 0, tooEarly = 0;
  const line = fc.record({ value: fc.nat(3000), bytes: fc.nat(99), ms: fc.nat(50) });
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.array(line, { minLength: 1, maxLength: 40 }) },
    { weight: 1, arbitrary: fc.constant("forget" as const) },
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
    const met = new Met(), other = zeroValues(), lost = zeroValues(), largest = zeroValues();
    let seen = new Set<number>(), withheld = 0;
    const forget = (): void => {
      assertEquals(met.newcomers.size, withheld);
      met.forget();
      for (const m of [REQUESTS, BYTES, TIME_SUM]) lost[m] += largest[m];
      largest.fill(0);
      seen = new Set();
      withheld = 0;
    };
    for (const step of steps) {
      if (step === "forget") {
        forget();
        continue;
      }
      const lines = step.map(({ bytes, ms }) => Float64Array.of(1, bytes, ms, ms));
      const news = met.meet(step.map(({ value }) => hashOf(value)), lines);
      step.forEach(({ value }, i) => {
        if (seen.has(value)) assert(!news[i], "it has been here");
        else {
          first++;
          if (!news[i]) tooEarly++;
        }
        seen.add(value);
        if (!news[i]) return;
        withheld++;
        for (let m = 0; m < MEASURE_COUNT; m++) largest[m] = Math.max(largest[m], lines[i][m]);
        for (const m of [REQUESTS, BYTES, TIME_SUM]) other[m] += lines[i][m];
        other[TIME_MAX] = Math.max(other[TIME_MAX], lines[i][TIME_MAX]);
      });
    }
    forget();
    assertEquals([met.other, met.lostMax, met.foldedMax], [other, lost, lost]);
  }));
  assert(tooEarly < first / 1000, `${tooEarly} of ${first} are taken for values that have been here`);
});

Deno.test("in a full window few values get an entry too early, known ones beside them or not", () => {
  const met = new Met(), values = Array.from({ length: 48_768 }, (_, i) => hashOf(i));
  met.newcomers.clear(Int32Array.from(values.slice(0, 16_000)));
  const early = met.meet(values.slice(16_000)).filter((withheld) => !withheld).length;
  assert(early < 32_768 / 200, `${early}`);
});

Deno.test("what is known loses no line in any window, until other values are", () => {
  const met = new Met();
  met.newcomers.clear(Int32Array.of(hashOf(1), hashOf(2)));
  for (let window = 0; window < 3; window++) {
    assertEquals(met.meet([hashOf(1), hashOf(2), hashOf(3), hashOf(3)]), [false, false, true, false]);
    met.forget();
  }
  met.newcomers.clear(Int32Array.of(hashOf(3)));
  assertEquals(met.meet([hashOf(1), hashOf(2), hashOf(3)]), [true, true, false]);
  met.newcomers.clear(NONE);
  assertEquals(met.meet([hashOf(1), hashOf(2), hashOf(3)]), [true, true, true]);
});

Deno.test("values that are made to collide get entries too early: of all of them one line is lost", () => {
  const met = new Met(), hashes = new Array<number>(5000).fill(hashOf(1));
  assertEquals(met.meet(hashes).filter((withheld) => withheld).length, 1);
});

Deno.test("clearing forgets what was withheld without a word", () => {
  const met = new Met();
  met.meet([hashOf(1)], [Float64Array.of(1, 9, 2, 2)]);
  met.newcomers.clear(NONE);
  met.forget();
  assertEquals([met.newcomers.size, ...met.other, ...met.lostMax, ...met.foldedMax], new Array(13).fill(0));
});
