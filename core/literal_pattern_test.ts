import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { bytesText } from "./entry_text.ts";
import { linearRegex } from "./host/regex.ts";
import { literalPattern, matchesLiteral } from "./literal_pattern.ts";

const encoder = new TextEncoder();

Deno.test("patterns that say how a text begins or ends are told from all others", () => {
  const literal = [
    "^/api/",
    "\\.php$",
    "^wp-login|xmlrpc$",
    "^/$",
    "a b$",
    "\\$$|^\\^x",
    "^~user/",
    "^/a|b$|^c$",
    "^\\[x\\]",
  ];
  for (const pattern of literal) assert(literalPattern(pattern) !== undefined, pattern);
  const others = "^ $ ^$ ^a.c ^a* ^a+ ^a? ^(a) ^[a] ^a{2} ^\\d ^\\\\ ^a$b ^^a ^\\_ ^\\ ^\u00e4 ^a\u0000 (?i)^a".split(
    " ",
  );
  for (const pattern of ["", "a", "a|b$", "^a|", "^a|b", "a$|", "^a||^b", "|^a", ...others]) {
    assertEquals(literalPattern(pattern), undefined, pattern);
  }
});

/** What begins, ends or looks like an escape, and what is none. */
const pieces = fc.array(
  fc.constantFrom("a", "b", "/", ".", "x", "c", "3", "5", "\\", "\\x", "\u00e4", "\u00ff", "\ufffd"),
  { maxLength: 6 },
).map((parts) => parts.join(""));
const alternative = fc.record({
  text: fc.array(fc.constantFrom("a", "b", "/", "\\.", "x", "c", "3", "5", "\\$"), { minLength: 1, maxLength: 3 }),
  place: fc.constantFrom(["^", ""], ["", "$"], ["^", "$"]),
}).map(({ text, place: [start, end] }) => `${start}${text.join("")}${end}`);

Deno.test("compared with bytes, text begins and ends where the engine says so; where bytes do not tell, they say so", () => {
  let sure = 0, unsure = 0;
  fc.assert(
    fc.property(
      fc.array(alternative, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("|")),
      fc.oneof(
        pieces.map((text) => encoder.encode(text)),
        pieces.map((text) => Uint8Array.from(text, (char) => char.charCodeAt(0))),
        fc.uint8Array({ maxLength: 8 }),
      ),
      (pattern, entry) => {
        const literals = literalPattern(pattern)!, bytes = Uint8Array.of(0x61, ...entry, 0x62);
        const found = matchesLiteral(literals, bytes, 1, bytes.length - 1), text = bytesText(entry);
        if (found === undefined) unsure++;
        else {
          sure++;
          assertEquals(found, linearRegex(pattern).test(text), `${pattern} in ${JSON.stringify(text)}`);
        }
        assert(found !== undefined || entry.some((byte) => byte >= 0x80 || byte === 0x5c), "plain text tells");
      },
    ),
    { numRuns: 4000 },
  );
  assert(sure > 1000 && unsure > 100, `${sure} and ${unsure}: the test shows nothing`);
});
