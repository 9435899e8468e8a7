import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { literalSearch } from "./regex_literals.ts";

Deno.test("patterns that are texts are searched as texts", () => {
  for (const pattern of ["/api/", "^/api/", "\\.php$", "^/$", "a|b", "\\.(jpg|html)$", "^/(img|api/(v1|v2))/", ""]) {
    assert(literalSearch(pattern) !== undefined, pattern);
  }
});

Deno.test("patterns that are more than texts, or no patterns, are left to the engine", () => {
  for (
    const pattern of ["a.b", "a*", "a+", "a?", "[ab]", "(?i)a", "(a)+", "\\d", "a{2}", "(a", "a)", "^^a", "a$b", "é"]
  ) {
    assertEquals(literalSearch(pattern), undefined, pattern);
  }
  assertEquals(literalSearch("a".repeat(41)), undefined);
  assertEquals(literalSearch(Array.from({ length: 40 }, (_, i) => `a${i}`).join("|")), undefined);
});

Deno.test("a search finds what the engine finds", () => {
  const piece = fc.constantFrom("a", "b", "ab", "^", "$", "|", "(", ")", "(a|b)", "\\.", ".", "*", "?", "\\", "/", "-");
  const pattern = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
  const text = fc.array(fc.constantFrom("a", "b", ".", "/", "\n", "-", "é"), { maxLength: 6 }).map((t) => t.join(""));
  let searched = 0;
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 5, maxLength: 5 }), (written, texts) => {
      const search = literalSearch(written);
      if (search === undefined) return;
      searched++;
      const engine = RE2JS.compile(written); // throws for what is no pattern: then we must not have taken it
      for (const each of texts) assertEquals(search(each), engine.test(each), `${written} in ${each}`);
    }),
    { numRuns: 5000 },
  );
  assert(searched > 500, `${searched} patterns were texts`);
});
