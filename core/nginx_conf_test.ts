import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { type Directive, parseNginxConf } from "./nginx_conf.ts";

/** As nested lists: `[name, …parameters, [block]]`. */
function read(text: string): unknown {
  const parsed = parseNginxConf(text);
  return "message" in parsed ? `${parsed.line}: ${parsed.message}` : shown(parsed);
}

function shown(directives: readonly Directive[]): unknown[] {
  return directives.map(({ name, parameters, block }) => [name, ...parameters, ...block ? [shown(block)] : []]);
}

Deno.test("words, quotes, escapes and comments are read as nginx reads them", () => {
  assertEquals(read("a b  c;\n# d e;\nf;g\t'h i' \"j;{}\" ; # k"), [["a", "b", "c"], ["f"], ["g", "h i", "j;{}"]]);
  assertEquals(read(`log_format x '$a\\t"$b"' "\\"c\\"" d\\ e 'it\\'s' ~^/\\.;`), [
    ["log_format", "x", '$a\t"$b"', '"c"', "d\\ e", "it's", "~^/\\."],
  ]);
  assertEquals(read("a '# no comment' b#c;"), [["a", "# no comment", "b#c"]]);
  assertEquals(read("a '';"), [["a", ""]]);
  assertEquals(read("\r\na\r\n b;\r\n"), [["a", "b"]]);
});

Deno.test("blocks nest, and a variable in braces is no block", () => {
  assertEquals(read("http { server{listen 80;} }"), [["http", [["server", [["listen", "80"]]]]]]);
  assertEquals(read("access_log /a-${host}.log main; b ${c}{}"), [["access_log", "/a-${host}.log", "main"], [
    "b",
    "${c}",
    [],
  ]]);
  assertEquals(read('map $a $b { default 0; "~^x{2}$" 1; ~*\\.(jpg|png)$ 2; }'), [
    ["map", "$a", "$b", [["default", "0"], ["~^x{2}$", "1"], ["~*\\.(jpg|png)$", "2"]]],
  ]);
});

Deno.test("Lua in a block is skipped, whatever braces stand in its strings and comments", () => {
  const lua = `local t = { a = "}" } -- it's {\n s = 'it\\'s }' --[[ } ]] [[ } ]] if x[1] then y = {} end`;
  assertEquals(read(`a { content_by_lua_block {${lua}} b; }`), [["a", [["content_by_lua_block", []], ["b"]]]]);
});

Deno.test("a mistake is named with its line", () => {
  assertEquals(read("a;\nb"), '2: the file ends within the directive of line 2; "{" or ";" is missing');
  assertEquals(read("a {\nb;\n"), '3: the block of line 1 is not closed; "}" is missing');
  assertEquals(read("a;\n}"), '2: a "}" that closes nothing');
  assertEquals(read("a { b }"), '1: a "}" within the directive of line 1; ";" is missing');
  assertEquals(read("a 'b\n\nc"), "3: the quote of line 1 is not closed");
  assertEquals(read(";"), '1: a ";" that ends nothing');
  assertEquals(read("{}"), '1: a "{" without a directive');
  assertStringIncludes(String(read("a{".repeat(100))), "more than 64 deep");
});

Deno.test("any text is directives or a mistake, and never an exception", () => {
  const pieces = fc.constantFrom(
    "a",
    " ",
    ";",
    "{",
    "}",
    '"',
    "'",
    "\\",
    "#",
    "\n",
    "$",
    "x_by_lua_block {",
    "--[[",
    "]]",
    "é",
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(pieces, { maxLength: 40 }).map((all) => all.join(""))), (text) => {
      const parsed = parseNginxConf(text);
      assert("message" in parsed ? parsed.line >= 1 : Array.isArray(parsed));
    }),
  );
});
