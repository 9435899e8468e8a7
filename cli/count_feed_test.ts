import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CHUNK_PADDING } from "@/core/line_batch.ts";
import { LineFeed } from "./count_feed.ts";

const CHUNK = 16, LINE_MAX = 8;

/** Lines handed over, `LONG` for each that was too long. */
function feed(pieces: readonly string[], insideLine = false): string[] {
  const lines: string[] = [];
  const feed = new LineFeed(
    {
      lines: (bytes, start, end) => {
        const text = new TextDecoder("latin1").decode(bytes.subarray(start, end));
        assertEquals(text.at(-1), "\n");
        assert(bytes.length - end >= CHUNK_PADDING);
        lines.push(...text.slice(0, -1).split("\n"));
      },
      tooLong: () => void lines.push("LONG"),
    },
    CHUNK,
    LINE_MAX,
  );
  feed.begin(insideLine);
  for (const piece of pieces) feed.takeFrom(Uint8Array.from(piece, (character) => character.charCodeAt(0)));
  feed.finish();
  return lines;
}

Deno.test("lines come out whole, however they come in, and the last one needs no newline", () => {
  assertEquals(feed(["a\nb", "c\n", "", "d"]), ["a", "bc", "d"]);
  assertEquals(feed(["a\n"]), ["a"]);
  assertEquals(feed([]), []);
  assertEquals(feed(["\n\n"]), ["", ""]);
});

Deno.test("a line that is too long is told once and skipped, also when it never ends", () => {
  assertEquals(feed(["12345678\n123456789\nx\n"]), ["12345678", "LONG", "x"]);
  assertEquals(feed(["a\n" + "x".repeat(100), "x".repeat(100)]), ["a", "LONG"]);
});

Deno.test("what belongs to a line of somebody else is left out", () => {
  assertEquals(feed(["rest\na\n"], true), ["a"]);
  assertEquals(feed(["\na\n"], true), ["a"]);
  assertEquals(feed(["rest of a very long line that does not end"], true), []);
});

Deno.test("the cuts between pieces change nothing", () => {
  const piece = fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 30 });
  fc.assert(fc.property(fc.array(piece), (pieces) => {
    const text = pieces.join(""), lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    assertEquals(feed(pieces), lines.map((line) => line.length > LINE_MAX ? "LONG" : line));
  }));
});
