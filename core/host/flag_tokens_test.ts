import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseArgs } from "node:util";
import { type Token, tokensOf } from "./flag_tokens.ts";

const argument = fc.oneof(
  fc.constantFrom(
    "-",
    "--",
    "---",
    "=",
    "-=",
    "--=",
    "-a",
    "-ab",
    "-a=b",
    "-5",
    "--no-x",
    "--a=",
    "--a==b",
    "--a\n=b",
    "",
  ),
  fc.array(fc.constantFrom("-", "=", "a", "b", " ", "\n", "5"), { maxLength: 7 }).map((letters) => letters.join("")),
);

/** Of `-a-b` the runtime makes flags and an operand that nobody wrote. */
const isUsual = (text: string): boolean => !/^-[^-].*-/s.test(text);

/** The same of the runtime. Of `-abc`, which it takes for three flags, what is theirs together. */
function runtimeTokens(args: readonly string[]): Token[] {
  const { tokens } = parseArgs({ args: [...args], tokens: true, strict: false, allowPositionals: true });
  const first = tokens.filter(({ index }, t) => t === 0 || tokens[t - 1].index !== index);
  return first.map((token): Token => {
    const none = { name: "", written: "", value: undefined };
    if (token.kind === "option-terminator") return { kind: "end", ...none };
    if (token.kind === "positional") return { kind: "operand", ...none };
    if (args[token.index].startsWith("--")) {
      return { kind: "flag", name: token.name, written: token.rawName, value: token.value };
    }
    const written = args[token.index].replace(/=.*$/s, "");
    return { kind: "flag", name: written.replace(/^-+/, ""), written, value: undefined };
  });
}

Deno.test("arguments are split as the runtime splits them", () => {
  fc.assert(
    fc.property(
      fc.array(argument.filter(isUsual), { maxLength: 6 }),
      (args) => assertEquals(tokensOf(args), runtimeTokens(args)),
    ),
    { numRuns: 5000 },
  );
});
