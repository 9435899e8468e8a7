import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { cutText, visiblePieces, visibleText } from "./visible.ts";

Deno.test("hidden characters become escapes, and a text that looks like one is told apart", () => {
  assertEquals(visiblePieces("\\x1b\x1b"), [{ text: "\\x1b", escaped: false }, { text: "\\x1b", escaped: true }]);
  assertEquals(visibleText("a\u202e\0\u{e0001}\n"), "a\\u202e\\x00\\u{e0001}\\x0a");
  assertEquals(visiblePieces("münchen.example/日本"), [{ text: "münchen.example/日本", escaped: false }]);
});

Deno.test("a cut never goes through a character, and nothing is lost from the count", () => {
  assertEquals(cutText("a😀b", 2), { text: "a", cut: 3 });
  assertEquals(visibleText("a😀b", 3), "a😀…");
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 20 }), (text, max) => {
    const { text: shown, cut } = cutText(text, max);
    assert(shown.length <= max && shown.length + cut === text.length && text.startsWith(shown) && shown.isWellFormed());
  }));
});

Deno.test("what is shown is well formed, whatever came in", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => assert(visibleText(text).isWellFormed())));
});
