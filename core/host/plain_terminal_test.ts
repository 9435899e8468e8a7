import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { asciiText, localeIsUtf8, terminalEncoding } from "./plain_terminal.ts";

Deno.test("what is drawn has a stand-in of the same width, and any other character is written as its escape", () => {
  assertEquals(asciiText("▁▂▃▄▅▆▇█·│12\u202f345 ┤└─┄"), "_.-:=+*#?|12 345 ++-~");
  assertEquals(asciiText("(≤ 5) é €"), "(<= 5) \\u00e9 \\u20ac");
});

Deno.test("the result is ASCII whatever comes, and JSON stays the JSON it was", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert(/^\p{ASCII}*$/u.test(asciiText(text)));
    const drawn = /[▁-▏│┤└─┄·…≤≥\u202f]/.test(text);
    if (!drawn) assertEquals(JSON.parse(asciiText(JSON.stringify(text))), text);
  }));
});

Deno.test("the first variable that is set decides, and none is not UTF-8", () => {
  const locale = (variables: Readonly<Record<string, string>>): boolean =>
    localeIsUtf8((name) => variables[name], true);
  assertEquals([locale({ LANG: "de_DE.UTF-8" }), locale({ LC_CTYPE: "C.utf8", LANG: "C" })], [true, true]);
  assertEquals([locale({}), locale({ LANG: "C" }), locale({ LANG: "de_DE.ISO-8859-1" })], [false, false, false]);
  assertEquals(locale({ LC_ALL: "POSIX", LANG: "de_DE.UTF-8" }), false);
  assertEquals(locale({ LC_ALL: "", LANG: "de_DE.UTF-8" }), true);
});

Deno.test("variables that may not be read say nothing against UTF-8, and what is no terminal gets every text as it is", () => {
  assertEquals(localeIsUtf8(() => undefined, false), true);
  assertEquals(terminalEncoding({ isTerminal: () => false })("█"), "█");
});
