import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Key, keysOf } from "./top_keys.ts";

function names(text: string): readonly string[] {
  return keysOf(new TextEncoder().encode(text)).map((key) => key.name === "text" ? key.text : key.name);
}

Deno.test("characters stand for themselves, controls and sequences have names", () => {
  assertEquals(names("qé漢?"), ["q", "é", "漢", "?"]);
  assertEquals(names("\r\n\t\x7f\b\x03"), ["enter", "enter", "tab", "backspace", "backspace", "interrupt"]);
  assertEquals(names("\x1b[A\x1b[B\x1bOC\x1b[D"), ["up", "down", "right", "left"]);
  assertEquals(names("\x1b[5~\x1b[6~\x1b[H\x1b[4~\x1b[Z"), ["page_up", "page_down", "home", "end", "back_tab"]);
  assertEquals(names("\x1b[1;5A"), ["up"], "with a modifier");
});

Deno.test("a lone escape is the key, and what follows it in a later chunk is typed", () => {
  assertEquals(names("\x1b"), ["escape"]);
  assertEquals(names("x\x1b"), ["x", "escape"]);
});

Deno.test("what is no key is left out", () => {
  assertEquals(names("\x1b[99~a\x01b\x1b[?1c"), ["a", "b"]);
  assertEquals(keysOf(Uint8Array.of(0xff, 0x61)), [{ name: "text", text: "a" }]);
});

Deno.test("any bytes give keys that can be shown", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    const keys: readonly Key[] = keysOf(bytes);
    assert(keys.length <= bytes.length);
    for (const key of keys) if (key.name === "text") assert(!/\p{Cc}/u.test(key.text));
  }));
});
