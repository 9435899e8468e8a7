import { assert, assertEquals } from "@std/assert";
import { GIVE_BACK_AFTER_SECONDS } from "./bounds.ts";
import { Derived, derived, Kept } from "./derived.ts";
import { REQUESTS } from "./measures.ts";
import { compileFilter, type RegexEngine, TruthCache } from "./filter_match.ts";
import { parseFilter } from "./filter_parse.ts";
import { topN } from "./top_n.ts";
import { hourOfTraffic } from "./test_traffic.ts";

/** A place in a bucket of its own, with something of `bytes` in it. */
function kept(within: Derived, bytes: number, block = new ArrayBuffer(8)): Kept<Uint8Array> {
  const column = new Uint8Array(bytes), place = new Kept<Uint8Array>(block, within);
  place.set(column, [column.buffer]);
  return place;
}

Deno.test("what is kept stays within the bound: what was used longest ago goes first, and is freed", () => {
  const within = new Derived(10_000);
  const old = kept(within, 4000), used = kept(within, 4000), column = old.get()!;
  assertEquals(used.get()?.length, 4000);
  within.begin();
  const fresh = kept(within, 4000);
  assertEquals([old.get(), used.get()?.length, fresh.get()?.length], [undefined, 4000, 4000]);
  assertEquals(column.length, 0);
  assert(within.bytes > 8000 && within.bytes < 10_000, `${within.bytes}`);
});

Deno.test("a question that needs more than the bound keeps what it computed first, so that the next one finds it", () => {
  const within = new Derived(10_000);
  within.begin();
  const places = Array.from({ length: 10 }, () => kept(within, 2000));
  const there = places.map((place) => place.get() !== undefined);
  assertEquals(there.slice(0, 3), [true, true, true]);
  assertEquals(there.filter((is) => is).length, 4);
  assert(there[9], "what is of the bucket at hand stays");
});

Deno.test("nothing of the bucket at hand is dropped, even when it alone is more than the bound", () => {
  const within = new Derived(1000), block = new ArrayBuffer(8);
  const first = kept(within, 2000, block), second = kept(within, 2000, block);
  assertEquals([first.get()?.length, second.get()?.length], [2000, 2000]);
  kept(within, 10);
  assertEquals([first.get(), second.get()], [undefined, undefined]);
});

Deno.test("what counts within the bound and is kept elsewhere leaves less room", () => {
  const within = new Derived(10_000), first = kept(within, 4000), second = kept(within, 4000);
  within.begin();
  within.reserve(5000);
  const third = kept(within, 1000);
  assertEquals([first.get()?.length, second.get()?.length, third.get()?.length], [undefined, undefined, 1000]);
  within.reserve(-5000);
  assert(within.bytes < 2000, `${within.bytes}`);
});

Deno.test("what a question needs as long as it goes on stays until the next one begins", () => {
  const within = new Derived(5000), needed = kept(within, 4000);
  within.begin();
  needed.pin();
  const other = kept(within, 4000);
  kept(within, 10);
  assertEquals([needed.get()?.length, other.get()], [4000, undefined]);
  within.begin();
  kept(within, 4000);
  assertEquals(needed.get(), undefined);
});

Deno.test("what is replaced is freed at once", () => {
  const within = new Derived(10_000), place = kept(within, 4000), column = place.get()!;
  place.release();
  assertEquals([column.length, place.get(), within.bytes], [0, undefined, 0]);
});

Deno.test("answers are the same when nothing can be kept", () => {
  const buckets = hourOfTraffic(3, 3), cache = new TruthCache(), regex: RegexEngine = (text) => new RegExp(text, "u");
  const answers = (): unknown[] =>
    ["", "status>=400", "uri~=item AND NOT method=GET", "uri!=/ OR prefix=40.0.0.0/8", "NOT uri~=1"].flatMap((text) =>
      (["uri", "prefix", "status"] as const).map((groupBy) => {
        const parsed = parseFilter(text);
        if ("mistake" in parsed) throw new Error(parsed.mistake.message);
        const filter = parsed.filter && compileFilter(parsed.filter, regex, cache);
        return topN(buckets, { window: "5m", groupBy, n: 10, sort: REQUESTS, filter }, 3);
      })
    );
  const expected = answers(), { bytesMax } = derived;
  try {
    derived.bytesMax = 0;
    assertEquals(answers(), expected);
    assertEquals(answers(), expected);
  } finally {
    derived.bytesMax = bytesMax;
  }
});

Deno.test("what no question has used for a while is given back, and what some question has used stays", () => {
  const within = new Derived(), forgotten = kept(within, 4000), used = kept(within, 4000);
  assertEquals(within.giveBack(1000), -1);
  assertEquals(within.giveBack(1010), -1, "it does not look every second");
  for (let nowS = 1060; nowS < 1000 + GIVE_BACK_AFTER_SECONDS; nowS += 60) {
    assertEquals(within.giveBack(nowS), -1);
    used.get();
  }
  assert(within.giveBack(1000 + GIVE_BACK_AFTER_SECONDS) > 0);
  assertEquals([forgotten.get(), used.get()?.length], [undefined, 4000]);
});

Deno.test("when the clock goes back, nothing is given back before its time", () => {
  const within = new Derived(), place = kept(within, 4000);
  within.giveBack(10_000);
  assertEquals(within.giveBack(1000), -1);
  assertEquals(within.giveBack(1000 + GIVE_BACK_AFTER_SECONDS - 1), -1);
  assertEquals(within.bytes > 0 && within.giveBack(1000 + GIVE_BACK_AFTER_SECONDS + 60) > 0, true);
  assertEquals(place.get(), undefined);
});
