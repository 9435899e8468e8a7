import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { unescapeHex } from "./escapes.ts";

function unescape(text: string, bytesMax = 1000): string {
  const bytes = new TextEncoder().encode(text), into = new Uint8Array(2000);
  return new TextDecoder().decode(into.subarray(7, unescapeHex(bytes, 0, bytes.length, into, 7, bytesMax)));
}

/** As nginx's ngx_http_log_escape does for the default escape. */
function escape(bytes: Uint8Array): string {
  const kept = (byte: number): boolean => byte >= 0x20 && byte < 0x7F && byte !== 0x22 && byte !== 0x5C;
  const hex = (byte: number): string => `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return Array.from(bytes, (byte) => kept(byte) ? String.fromCharCode(byte) : hex(byte)).join("");
}

Deno.test("what nginx escapes is undone, for any bytes but NUL", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (anyBytes) => {
    const bytes = anyBytes.filter((byte) => byte !== 0);
    const logged = new TextEncoder().encode(escape(bytes)), into = new Uint8Array(300);
    assertEquals(into.slice(0, unescapeHex(logged, 0, logged.length, into, 0, 300)), bytes);
  }));
});

Deno.test("half an escape, another letter, and NUL stay as they are", () => {
  for (const text of ["\\", "\\x", "\\x4", "\\xG0", "\\n", "\\x00", "a\\"]) assertEquals(unescape(text), text);
  assertEquals(unescape("\\x41\\x5cx42\\x7e"), "A\\x42~");
  assertEquals(unescape("a\0b\0"), "a\\x00b\\x00", "nginx would have escaped it");
});

Deno.test("the result is cut, never the buffer overrun", () => {
  assertEquals(unescape("\\x41\\x42\\x43", 2), "AB");
  assertEquals(unescape("a\0", 3), "a\\x");
});
