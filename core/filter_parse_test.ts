import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { FILTER_CHARS_MAX, FILTER_DEPTH_MAX, FILTER_NODES_MAX } from "./bounds.ts";
import { comparisonMistake } from "./filter_check.ts";
import { type FilterMistake, parseFilter } from "./filter_parse.ts";
import { type CompareOperator, type Comparison, type Filter, type FilterNode, filterText } from "./filter_tree.ts";

function tree(text: string): Filter {
  const parsed = parseFilter(text);
  if ("mistake" in parsed) throw new Error(`${text}: column ${parsed.mistake.column}: ${parsed.mistake.message}`);
  return parsed.filter;
}

function mistake(text: string): FilterMistake {
  const parsed = parseFilter(text);
  if ("filter" in parsed) throw new Error(`accepted: ${text} as ${JSON.stringify(parsed.filter)}`);
  return parsed.mistake;
}

function is(dimension: Comparison["dimension"], operator: CompareOperator, value: string): Comparison {
  return { kind: "compare", dimension, operator, value };
}

/** Value of the comparison that is the whole text. */
function value(text: string): string {
  const filter = tree(text);
  assert(filter?.kind === "compare");
  return filter.value;
}

Deno.test("the example of the interface page is read", () => {
  assertEquals(tree("status>=400 AND website~=^api\\. AND NOT (prefix=192.0.2.0/24 OR uri=/health)"), {
    kind: "and",
    parts: [
      is("status", ">=", "400"),
      is("website", "~=", "^api\\."),
      { kind: "not", part: { kind: "or", parts: [is("prefix", "=", "192.0.2.0/24"), is("uri", "=", "/health")] } },
    ],
  });
});

Deno.test("empty text lets everything through", () => {
  assertEquals(tree(""), undefined);
  assertEquals(tree(" \t\n"), undefined);
});

Deno.test("AND binds more closely than OR, NOT more closely than both", () => {
  const [a, b, c] = [is("uri", "=", "a"), is("uri", "=", "b"), is("uri", "=", "c")];
  assertEquals(tree("uri=a OR uri=b AND NOT uri=c"), {
    kind: "or",
    parts: [a, { kind: "and", parts: [b, { kind: "not", part: c }] }],
  });
  assertEquals(tree("(uri=a OR uri=b) AND uri=c"), {
    kind: "and",
    parts: [{ kind: "or", parts: [a, b] }, c],
  });
});

Deno.test("a list inside a list of its own kind becomes part of it", () => {
  assertEquals(tree("uri=a AND (uri=b AND uri=c)"), {
    kind: "and",
    parts: [is("uri", "=", "a"), is("uri", "=", "b"), is("uri", "=", "c")],
  });
});

Deno.test("words and names are read in either case and blanks are free", () => {
  assertEquals(tree("not(uri=a)or Status >= 400"), {
    kind: "or",
    parts: [{ kind: "not", part: is("uri", "=", "a") }, is("status", ">=", "400")],
  });
  assertEquals(tree("  ( ( uri=a ) )  "), is("uri", "=", "a"));
});

Deno.test("every operator is read where its dimension has it", () => {
  for (const operator of ["=", "!=", ">", ">=", "<", "<="] as const) {
    assertEquals(tree(`status${operator}404`), is("status", operator, "404"));
    assertEquals(tree(`asn ${operator} 64496`), is("asn", operator, "64496"));
  }
  for (const name of ["website", "uri", "method", "tag", "source"] as const) {
    for (const operator of ["=", "!=", "~=", "!~="] as const) {
      assertEquals(tree(`${name}${operator}x`), is(name, operator, "x"));
    }
  }
  assertEquals(tree("status!=5xx"), is("status", "!=", "5xx"));
  assertEquals(tree("prefix!=2001:db8::/32"), is("prefix", "!=", "2001:db8::/32"));
  for (const flag of ["yes", "no", "1", "0", "-"]) assertEquals(tree(`tor=${flag}`), is("tor", "=", flag));
});

Deno.test("a bare value runs to a blank or to the parenthesis that closes one outside it", () => {
  assertEquals(value("uri~=^/(a|b)$"), "^/(a|b)$");
  assertEquals(value("(uri~=^/(a|b)$)"), "^/(a|b)$");
  assertEquals(value("((uri~=((a)b)(c)))"), "((a)b)(c)");
  assertEquals(value("(uri~=a\\)b\\()"), "a\\)b\\(");
  assertEquals(value("(uri~=a\\\\)"), "a\\\\");
  assertEquals(value("uri=/a\"b'c=d"), "/a\"b'c=d");
  assertEquals(value("uri=/é日😀"), "/é日😀");
});

Deno.test("a quoted value may hold anything", () => {
  assertEquals(value('uri="a b) AND ("'), "a b) AND (");
  assertEquals(value('(uri="")'), "");
  assertEquals(value('uri="\\"\\\\"'), '"\\');
  assertEquals(value('website~="^api\\.x\\d"'), "^api\\.x\\d"); // a backslash before anything else is one
  assertEquals(value('uri="a\nb"'), "a\nb");
});

Deno.test("a mistake is answered with its column and what was expected there", () => {
  const cases: [string, number, string][] = [
    ["stauts=404", 1, 'found "stauts"; did you mean status?'],
    ["uri=a AND hots=b", 11, "expected a dimension (website, prefix,"],
    ["web=a", 1, "did you mean website?"],
    ["url=a", 1, "did you mean uri?"],
    ["ans=1", 1, "did you mean asn?"],
    ["status", 7, "expected one of = != ~= !~= > >= < <=, found the end"],
    ["status 404", 8, 'found "404"'],
    ["status=", 8, 'expected a value ("" or - for absent), found the end'],
    ["(uri=)", 6, "expected a value"],
    ["status==404", 8, 'begins like an operator goes into "quotes"'],
    ["uri=~^/a", 5, "begins like an operator"],
    ["status~=4..", 7, 'expected one of = != > >= < <= for status, found "~="'],
    ["website>a", 8, "expected one of = != ~= !~= for website"],
    ["prefix~=192", 7, "expected one of = != for prefix"],
    ["status=abc", 8, 'expected a status such as 404, a class such as 4xx, or -, found "abc"'],
    ["status>4xx", 8, "expected a number"],
    ["status>-", 8, "expected a number"],
    ["asn=4xx", 5, "expected a number or -"],
    ["prefix=192.0.2.0/33", 8, "expected an address or a prefix such as"],
    ["prefix=example.org", 8, "expected an address"],
    ["tor=maybe", 5, "expected yes, no or -"],
    ["uri=a uri=b", 7, 'expected AND, OR or the end, found "uri=b"'],
    ["uri=a && uri=b", 7, "did you mean AND?"],
    ["uri=a || uri=b", 7, "did you mean OR?"],
    ["uri=a)", 6, 'expected AND, OR or the end, found ")"'],
    ["(uri=a", 7, "expected AND, OR or ) for the ( in column 1, found the end"],
    ["(uri=a xor uri=b)", 8, "expected AND, OR or ) for the ( in column 1"],
    ["()", 2, "expected a dimension, NOT or ("],
    ["AND uri=a", 1, "expected a dimension, NOT or ("],
    ["uri=a AND", 10, "found the end"],
    ["uri=a OR OR uri=b", 10, 'found "OR"'],
    ["NOT", 4, "expected a dimension, NOT or ("],
    ["!uri=a", 1, "expected a dimension, NOT or ("],
    ['uri="a', 5, 'expected a " that closes this one'],
    ['uri="a\\"', 5, 'expected a " that closes this one'],
    ['uri="a"b', 8, "expected a blank or ) after the closing quote"],
    ["uri~=^/(a b)", 8, 'put the value into "quotes"'],
    ['uri="\ud800"', 5, "expected text"],
  ];
  for (const [text, column, part] of cases) {
    const found = mistake(text);
    assertEquals([text, found.column], [text, column]);
    assertStringIncludes(found.message, part, text);
  }
});

Deno.test("a filter too long, too large or too deep is refused, one at the limit is read", () => {
  assert(tree(`uri=${"a".repeat(FILTER_CHARS_MAX - 4)}`));
  assertEquals(mistake(`uri=${"a".repeat(FILTER_CHARS_MAX - 3)}`).column, FILTER_CHARS_MAX + 1);

  const joined = (count: number): string => Array.from({ length: count }, () => "uri=a").join(" AND ");
  assert(tree(joined(FILTER_NODES_MAX - 1))); // the AND is a node
  assertStringIncludes(mistake(joined(FILTER_NODES_MAX)).message, `at most ${FILTER_NODES_MAX}`);

  const nested = (levels: number): string => "(".repeat(levels) + "uri=a" + ")".repeat(levels);
  assert(tree(nested(FILTER_DEPTH_MAX)));
  assert(tree(Array.from({ length: FILTER_DEPTH_MAX + 1 }, () => "(uri=a)").join(" OR "))); // beside is not inside
  assertEquals(mistake(nested(FILTER_DEPTH_MAX + 1)).column, FILTER_DEPTH_MAX + 1);
  assertStringIncludes(mistake("NOT ".repeat(FILTER_DEPTH_MAX + 1) + "uri=a").message, `at most ${FILTER_DEPTH_MAX}`);
});

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.array(fc.constantFrom(" ", "(", ")", '"', "\\", "=", "~", "and", "\u00a0", "\n", "x", "-"), { maxLength: 6 })
    .map((parts) => parts.join("")),
);
const operatorOf = (...operators: CompareOperator[]): fc.Arbitrary<CompareOperator> => fc.constantFrom(...operators);
const comparison: fc.Arbitrary<Comparison> = fc.oneof(
  fc.tuple(fc.constantFrom("website", "uri", "method", "tag", "source"), operatorOf("=", "!=", "~=", "!~="), text),
  fc.tuple(fc.constantFrom("status", "asn"), operatorOf("=", "!=", ">", ">=", "<", "<="), fc.nat().map(String)),
  fc.tuple(fc.constant("status"), operatorOf("=", "!="), fc.constantFrom("4xx", "5XX", "-", "")),
  fc.tuple(fc.constant("prefix"), operatorOf("=", "!="), fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant("10.0.0.0/8"))),
  fc.tuple(fc.constant("tor"), operatorOf("=", "!="), fc.constantFrom("yes", "no", "1", "0", "-", "")),
).map(([dimension, operator, value]) => is(dimension as Comparison["dimension"], operator, value))
  .filter((built) => comparisonMistake(built) === undefined);
const { node } = fc.letrec<{ node: FilterNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    comparison,
    fc.record({ kind: fc.constant("not" as const), part: tie("node") }),
    fc.record({ kind: fc.constantFrom("and", "or"), parts: fc.array(tie("node"), { minLength: 1, maxLength: 3 }) }),
  ),
}));

/** Lists of one part are that part; lists inside lists of their own kind are part of them. */
function flat(filter: FilterNode): FilterNode {
  if (filter.kind === "compare") return filter;
  if (filter.kind === "not") return { kind: "not", part: flat(filter.part) };
  const { kind } = filter;
  const parts = filter.parts.map(flat).flatMap((part) => part.kind === kind ? part.parts : [part]);
  return parts.length === 1 ? parts[0] : { kind, parts };
}

function size(filter: FilterNode): number {
  if (filter.kind === "compare") return 1;
  return 1 + (filter.kind === "not" ? [filter.part] : filter.parts).reduce((sum, part) => sum + size(part), 0);
}

Deno.test("the text of a tree reads back as the same tree", () => {
  fc.assert(
    fc.property(node, (filter) => {
      fc.pre(size(filter) <= FILTER_NODES_MAX);
      assertEquals(tree(filterText(filter)), flat(filter));
    }),
    { numRuns: 500 },
  );
});

Deno.test("any text is read or answered with a column inside it or just behind it", () => {
  const token = fc.constantFrom(
    " ",
    "(",
    ")",
    "AND",
    "OR",
    "NOT",
    "uri",
    "status",
    "=",
    "~=",
    ">",
    '"',
    "\\",
    "4xx",
    "x",
  );
  const scrap = fc.array(token, { maxLength: 20 }).map((tokens) => tokens.join(""));
  fc.assert(
    fc.property(fc.oneof(scrap, fc.string(), fc.string({ unit: "binary" })), (written) => {
      const parsed = parseFilter(written);
      if ("mistake" in parsed) {
        assert(parsed.mistake.column >= 1 && parsed.mistake.column <= written.length + 1);
        assert(parsed.mistake.message.length < 300);
      } else if (parsed.filter !== undefined) assertEquals(tree(filterText(parsed.filter)), parsed.filter);
    }),
    { numRuns: 2000 },
  );
});
