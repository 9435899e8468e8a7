import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { bytesText, bytesTexts, textBytes } from "./entry_text.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("valid UTF-8 reads as the text it is, control characters and byte order marks included", () => {
  for (const text of ["", "/a/b", "münchen.example", "日本", "😀", "\uFEFFx", "\uFFFD", "a\tb\x1b[31m\x7f", "a\0b"]) {
    assertEquals(bytesText(ascii(text)), text);
    assertEquals(textBytes(text), ascii(text));
  }
});

Deno.test("a byte that is not UTF-8 reads as a lower case escape", () => {
  assertEquals(bytesText(Uint8Array.of(0x61, 0xff, 0x62)), "a\\xffb");
  assertEquals(bytesText(Uint8Array.of(0xc3)), "\\xc3");
  assertEquals(bytesText(Uint8Array.of(0xc0, 0xaf)), "\\xc0\\xaf"); // overlong
  assertEquals(bytesText(Uint8Array.of(0xed, 0xa0, 0x80)), "\\xed\\xa0\\x80"); // surrogate
  assertEquals(bytesText(Uint8Array.of(0xf4, 0x90, 0x80, 0x80)), "\\xf4\\x90\\x80\\x80"); // above U+10FFFF
});

Deno.test("what nginx escaped stays as it was logged", () => {
  for (const logged of ["\\x41", "\\xC3\\xA9", "\\x22", "\\x5C", "\\", "\\\\", "\\x", "\\x1b"]) {
    assertEquals(bytesText(ascii(logged)), logged);
    assertEquals(textBytes(logged), ascii(logged));
  }
});

Deno.test("logged text that looks like an escape of ours gets its backslash escaped", () => {
  assertEquals(bytesText(ascii("\\xc3")), "\\x5cxc3");
  assertEquals(bytesText(ascii("\\x5c")), "\\x5cx5c");
  assertEquals(textBytes("\\x5cxc3"), ascii("\\xc3"));
});

Deno.test("a lone surrogate is no text", () => {
  assertEquals(textBytes("a\ud800"), undefined);
});

Deno.test("any bytes have a text of their own", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.constantFrom("\\", "x", "c3", "5c", "C3", "\\x", "é", "\uFFFD").map(ascii),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
    const bytes = Uint8Array.from(pieces.flatMap((part) => [...part]));
    assertEquals(textBytes(bytesText(bytes)), bytes);
  }));
});

Deno.test("the fast and the slow way agree with the runtime's own decoder on valid text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    if (!text.includes("\\x")) assertEquals(bytesText(ascii(text)), text);
  }));
});

Deno.test("the texts of entries side by side are those of each alone, whatever stands next to them", () => {
  const entry = fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.constantFrom("/a", "", "é", "日本", "\uFFFD", "\\x5c", "\\xff", "\\x41").map(ascii),
  );
  fc.assert(fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
    const offsets = new Uint32Array(entries.length + 1);
    entries.forEach((bytes, i) => offsets[i + 1] = offsets[i] + bytes.length);
    const text = bytesTexts(Uint8Array.from(entries.flatMap((bytes) => [...bytes])), offsets);
    assertEquals(entries.map((_, i) => text(i)), entries.map((bytes) => bytesText(bytes)));
  }));
});
