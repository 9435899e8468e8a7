import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { jsonLine } from "./json_text.ts";

Deno.test("what a terminal would obey is escaped, and means the same", () => {
  assertEquals(jsonLine({ a: "\x9b31m\u202eb\u2028" }), '{"a":"\\u009b31m\\u202eb\\u2028"}\n');
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const line = jsonLine(value);
    assertEquals(JSON.parse(line), JSON.parse(JSON.stringify(value)));
    assertEquals(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(line.slice(0, -1)), false);
  }));
});
