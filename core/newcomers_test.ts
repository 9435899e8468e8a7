import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MEASURE_COUNT, type Values, zeroValues } from "./measures.ts";
import { hashWords } from "./intern.ts";
import { FORGOTTEN, NEW, Newcomers } from "./newcomers.ts";

const SEED = 3;

/** Newcomers, spoken to in texts. */
class Spoken {
  readonly newcomers = new Newcomers();
  readonly other = zeroValues();
  readonly lostMax = zeroValues();
  readonly foldedMax = zeroValues();

  /** @param hash of the text unless given */
  meet(text: string, line: readonly number[], hash?: number): number {
    const bytes = new Uint8Array(text.length + 4);
    new TextEncoder().encodeInto(text, bytes);
    const view = new DataView(bytes.buffer);
    this.newcomers.reserve(1);
    hash ??= hashWords(view, 0, text.length, SEED);
    return this.newcomers.meet(view, 0, text.length, hash, Float64Array.from(line), 0);
  }

  givenBack(place: number): Values {
    const into = zeroValues();
    this.newcomers.giveBack(place, into, 0);
    return into;
  }

  forget(): void {
    this.newcomers.forget(this.other, this.lostMax, this.foldedMax);
  }
}

Deno.test("against a naive model: what comes again within two generations gets its line back, once; the rest is OTHER's", () => {
  let met = 0, tooEarly = 0;
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.record({ value: fc.nat(3000), bytes: fc.nat(99) }) },
    { weight: 1, arbitrary: fc.constant("forget" as const) },
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 4000, size: "max" }), (steps) => {
    const spoken = new Spoken();
    let young = new Map<number, number>(), old = new Map<number, number>();
    const back = new Set<number>(), seen = new Set<number>(), other = [0, 0], lost = [0, 0], short = [0, 0];
    const forget = (): void => {
      const lines = [...old], kept = lines.filter(([value]) => !back.has(value)).map(([, bytes]) => bytes);
      if (lines.length > 0) {
        lost[0]++;
        lost[1] += Math.max(...lines.map(([, bytes]) => bytes));
      }
      if (kept.length > 0) {
        short[0]++;
        short[1] += Math.max(...kept);
      }
      other[0] += kept.length;
      other[1] += kept.reduce((sum, bytes) => sum + bytes, 0);
      lines.forEach(([value]) => back.delete(value));
      [old, young] = [young, new Map()];
      spoken.forget();
    };
    for (const step of steps) {
      if (step === "forget") {
        forget();
        continue;
      }
      const { value, bytes } = step, first = old.get(value) ?? young.get(value);
      const place = spoken.meet(`/value/${"x".repeat(value % 9)}${value}`, [1, bytes, 0, bytes]);
      if (first === undefined) {
        met++;
        if (place === FORGOTTEN && !seen.has(value)) tooEarly++;
        else if (place === NEW) young.set(value, bytes);
        else assertEquals(place, FORGOTTEN);
        seen.add(value);
      } else {
        assert(place > 0);
        assertEquals([...spoken.givenBack(place)], back.has(value) ? [0, 0, 0, 0] : [1, first, 0, first]);
        back.add(value);
      }
    }
    forget();
    forget();
    assertEquals([...spoken.other.slice(0, 2)], other);
    assertEquals([...spoken.lostMax], [...lost, 0, 0]);
    assertEquals([...spoken.foldedMax], [...short, 0, 0]);
  }));
  assert(tooEarly < met / 100, `${tooEarly} of ${met} are taken for values that have been here`);
});

Deno.test("what was forgotten is known to have been here, for some generations", () => {
  const spoken = new Spoken();
  assertEquals(spoken.meet("/a", [1, 0, 0, 0]), NEW);
  spoken.forget();
  spoken.forget();
  assertEquals(spoken.meet("/a", [1, 0, 0, 0]), FORGOTTEN);
  for (let i = 0; i < 9; i++) {
    spoken.meet(`/another/${i}`, [1, 0, 0, 0]);
    spoken.forget();
  }
  assertEquals(spoken.meet("/a", [1, 0, 0, 0]), NEW);
});

Deno.test("values that are made to collide are told apart, and no more of them are looked at than some, in linear time", () => {
  const spoken = new Spoken(), line = Array.from({ length: MEASURE_COUNT }, () => 1), places: number[] = [];
  // All end alike, and half of them are alike.
  const hash = (i: number): number => (i % 2 === 0 ? i << 16 : 0) | 42;
  for (let i = 0; i < 20_000; i++) places.push(spoken.meet(`/${i}`, line, hash(i)));
  assertEquals(places.slice(0, 5), [NEW, FORGOTTEN, NEW, FORGOTTEN, NEW]);
  const again = Array.from({ length: 20_000 }, (_, i) => spoken.meet(`/${i}`, line, hash(i)));
  assert(!again.includes(NEW));
  const found = again.filter((place) => place !== FORGOTTEN);
  assertEquals(new Set(found).size, found.length);
});

Deno.test("a generation is full by values or by bytes", () => {
  const spoken = new Spoken();
  assertEquals(spoken.newcomers.isFull(1, 100), false);
  spoken.meet("x".repeat(60), [1, 0, 0, 0]);
  assertEquals([spoken.newcomers.isFull(2, 100), spoken.newcomers.isFull(1, 100)], [false, true]);
  spoken.meet("y".repeat(60), [1, 0, 0, 0]);
  assertEquals(spoken.newcomers.isFull(9, 100), true);
  spoken.forget();
  assertEquals(spoken.newcomers.isFull(1, 1), false, "the young one is empty now");
});
