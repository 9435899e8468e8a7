import { assertEquals } from "@std/assert";
import { unicodeWidth } from "./std_unicode_width.ts";

Deno.test("a text is as wide as the columns it takes: the standard library's own examples", () => {
  assertEquals(unicodeWidth("hello world"), 11);
  assertEquals(unicodeWidth("天地玄黃宇宙洪荒"), 16);
  assertEquals(unicodeWidth("ｆｕｌｌｗｉｄｔｈ"), 18);
  assertEquals(unicodeWidth("голубой"), 7);
  assertEquals(unicodeWidth("紅色"), 4);
  assertEquals(unicodeWidth("🦕"), 2);
});

Deno.test("combining marks take no column, half-width letters and thin spaces one", () => {
  assertEquals([unicodeWidth("e\u0301"), unicodeWidth("ｱ"), unicodeWidth("1\u202f000"), unicodeWidth("")], [
    1,
    1,
    5,
    0,
  ]);
});
