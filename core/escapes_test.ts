import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Escape, hasEscapes, unescape as undo, unescapeHex } from "./escapes.ts";

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

function undone(escape: Escape, text: string, bytesMax = 1000): string {
  const bytes = new TextEncoder().encode(text), into = new Uint8Array(2000);
  return new TextDecoder().decode(into.subarray(7, undo(escape, bytes, 0, bytes.length, into, 7, bytesMax)));
}

Deno.test("any text in JSON is what it was, but for NUL and halves of characters", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const inside = JSON.stringify(text).slice(1, -1);
    assertEquals(undone("json", inside), text.replaceAll("\0", "\\x00"));
    const ascii = inside.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
    assertEquals(undone("json", ascii), text.replaceAll("\0", "\\x00"));
  }));
  assertEquals(undone("json", "a\\/b\\ud83dc"), "a/b\ufffdc");
  assertEquals(undone("json", "\\u12\\q\\"), "\\u12\\q\\", "no escapes of JSON");
  assertEquals(undone("json", "caf\\xC3\\xA9"), "caf\u00e9", "nginx was not told escape=json");
});

Deno.test("Apache's escapes are undone, letters and hexadecimal, and none where there are none", () => {
  assertEquals(undone("apache", 'GET /\\"a\\\\b\\xc3\\xa9\\t'), 'GET /"a\\b\u00e9\t');
  assertEquals(undone("none", "\\x41\\n\0"), "\\x41\\n\\x00");
});

Deno.test("for any bytes the result fits, holds no NUL, and is the same when nothing was escaped", () => {
  const escape = fc.constantFrom<Escape>("default", "json", "apache", "none");
  const pieces = fc.array(fc.constantFrom("\\", "x", "u", "00", "4", "d83d", "\\ude00", '"', "n", "\0", "é"), {
    maxLength: 30,
  });
  fc.assert(fc.property(escape, pieces, fc.nat({ max: 40 }), (escape, pieces, bytesMax) => {
    const bytes = new TextEncoder().encode(pieces.join("")), into = new Uint8Array(60).fill(0xaa);
    const end = undo(escape, bytes, 0, bytes.length, into, 5, bytesMax);
    assertEquals(end >= 5 && end <= 5 + bytesMax, true);
    assertEquals(into.subarray(5 + bytesMax).every((byte) => byte === 0xaa), true, "the room was overrun");
    assertEquals(into.subarray(5, end).includes(0), false);
    if (!hasEscapes(bytes, 0, bytes.length)) assertEquals(into.slice(5, end), bytes.slice(0, bytesMax));
  }));
});
