import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { printable } from "./printable.ts";

Deno.test("ordinary text of any script stays as it is", () => {
  for (const text of ["/a b?c", "пример.рф", "例え", "é", "e\u0301", "\\x1b", "🦕"]) {
    assertEquals(printable(text), text);
  }
});

Deno.test("controls, bidi overrides, invisible characters and line separators become escapes", () => {
  assertEquals(printable("\x1b[31m\r\n\x9b\0"), "\\x1b[31m\\x0d\\x0a\\x9b\\x00");
  assertEquals(printable("a\u202eb\u2066c\u200bd\ufeff\u2028"), "a\\u202eb\\u2066c\\u200bd\\ufeff\\u2028");
  assertEquals(printable("\u{e0041}\u{10fffd}\u3164"), "\\u{e0041}\\u{10fffd}\\u3164");
  assertEquals(printable("\ufff9\u0600"), "\\ufff9\\u0600");
  assertEquals(printable(String.fromCharCode(0xd800)), "\\ud800");
});

Deno.test("whatever goes in, nothing that a terminal obeys comes out", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert(!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(printable(text)));
  }));
});
