import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { nearMiss } from "./near_miss.ts";

const WORDS = ["target", "logs", "n", "no", "window"];

Deno.test("a slip of the fingers is understood", () => {
  const slips = { taget: "target", tagret: "target", lgos: "logs", log: "logs", WINDOW: "window", windows: "window" };
  for (const [slip, meant] of Object.entries(slips)) assertEquals(nearMiss(slip, WORDS), meant);
});

Deno.test("a word that is not close means nothing", () => {
  for (const word of ["", "x", "zzzzzz", "completely", "to", "ngs", "targXYZ"]) {
    assertEquals(nearMiss(word, ["target", "logs"]), undefined);
  }
});

Deno.test("nothing is close when there is nothing, or when the word is absurdly long", () => {
  assertEquals(nearMiss("target", []), undefined);
  assertEquals(nearMiss("a".repeat(1000), ["a".repeat(1000)]), undefined);
});

Deno.test("any word gives a candidate or undefined", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (word) => {
    const meant = nearMiss(word, WORDS);
    return meant === undefined || WORDS.includes(meant);
  }));
});
