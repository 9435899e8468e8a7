import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FILTER_NODES_MAX } from "./bounds.ts";
import { type Bucket, type Dictionary, emptyBucket, emptyDictionary, indexColumn } from "./bucket.ts";
import { type DimensionName, DIMENSIONS } from "./dimensions.ts";
import { compileFilter, FALSE, filterMistakes, matchEntries, type RegexEngine, TRUE, UNKNOWN } from "./filter_match.ts";
import { parseFilter } from "./filter_parse.ts";
import type { CompareOperator, Comparison, FilterNode } from "./filter_tree.ts";
import { entryOf } from "./label.ts";

/** The runtime's own engine will do for patterns of these tests. */
const regex: RegexEngine = (pattern) => new RegExp(pattern, "u");

/** Labels by dimension; entry 0, OTHER, comes before them. */
const LABELS: Readonly<Record<DimensionName, readonly string[]>> = {
  website: ["-", "a.example", "api.example", "bücher.example"],
  prefix: ["-", "192.0.2.0/24", "192.0.3.0/24", "10.0.0.0/8", "2001:db8::/48", "unix:"],
  uri: ["-", "/", "/health", "/a\\x41"],
  status: ["-", "000", "200", "404", "499", "503"],
  method: ["-", "GET", "POST"],
  asn: ["-", "64496", "4294967295"],
  tag: ["-", "edge"],
  tor: ["-", "yes", "no"],
  source: ["-", "col-1", "col-2"],
};

function dictionary(name: DimensionName, labels: readonly string[] = LABELS[name]): Dictionary {
  const dimension = DIMENSIONS.find((known) => known.name === name)!;
  const entries = [new Uint8Array(0), ...labels.map((label) => entryOf(dimension, label)!)];
  const offsets = new Uint32Array(entries.length + 1);
  const bytes: number[] = [];
  entries.forEach((entry, e) => {
    bytes.push(...entry);
    offsets[e + 1] = bytes.length;
  });
  return { ...emptyDictionary(), size: entries.length, offsets, bytes: Uint8Array.from(bytes) };
}

/** A bucket whose rows have these entries, one list a row, one entry a dimension. */
function bucketOf(rows: readonly (readonly number[])[]): Bucket {
  const dictionaries = DIMENSIONS.map(({ name }) => dictionary(name));
  const indexes = dictionaries.map(({ size }, d) => {
    const column = indexColumn(rows.length, size);
    rows.forEach((row, r) => column[r] = row[d] % size);
    return column;
  });
  return { ...emptyBucket(0, 10), rows: rows.length, dictionaries, indexes };
}

function compare(text: string): Comparison {
  const parsed = parseFilter(text);
  assert("filter" in parsed && parsed.filter?.kind === "compare", text);
  return parsed.filter;
}

/** Labels of the entries that satisfy the comparison. */
function matched(text: string): string[] {
  const comparison = compare(text);
  const truth = matchEntries(comparison, dictionary(comparison.dimension), regex);
  assertEquals(truth[0], UNKNOWN);
  return LABELS[comparison.dimension].filter((_, e) => truth[e + 1] === TRUE);
}

Deno.test("OTHER is unknown to every comparison", () => {
  for (const text of ["uri=/", "uri!=/", "uri=-", "status>0", "uri~=.", "prefix=0.0.0.0/0", "tor=no"]) matched(text);
});

Deno.test("text compares by its bytes", () => {
  assertEquals(matched("website=bücher.example"), ["bücher.example"]);
  assertEquals(matched("uri=/a\\x41"), ["/a\\x41"]);
  assertEquals(matched("uri=/aA"), []);
  assertEquals(matched("method!=GET"), ["-", "POST"]);
});

Deno.test("an absent value equals - and is in no order", () => {
  assertEquals(matched("asn=-"), ["-"]);
  assertEquals(matched('asn=""'), ["-"]);
  assertEquals(matched("asn!=-"), ["64496", "4294967295"]);
  assertEquals(matched("status<=999"), ["000", "200", "404", "499", "503"]);
  assertEquals(matched("status>=0"), ["000", "200", "404", "499", "503"]);
  assertEquals(matched("status!=404"), ["-", "000", "200", "499", "503"]);
});

Deno.test("numbers compare as numbers, whatever zeros nginx wrote", () => {
  assertEquals(matched("status=0"), ["000"]);
  assertEquals(matched("status>404"), ["499", "503"]);
  assertEquals(matched("status<404"), ["000", "200"]);
  assertEquals(matched("asn>=4294967295"), ["4294967295"]);
});

Deno.test("a class is every status of that hundred", () => {
  assertEquals(matched("status=4xx"), ["404", "499"]);
  assertEquals(matched("status!=4XX"), ["-", "000", "200", "503"]);
});

Deno.test("a prefix matches by containment, an address the entry it is in", () => {
  assertEquals(matched("prefix=192.0.2.0/23"), ["192.0.2.0/24", "192.0.3.0/24"]);
  assertEquals(matched("prefix=192.0.2.0/24"), ["192.0.2.0/24"]);
  assertEquals(matched("prefix=192.0.2.17"), ["192.0.2.0/24"]);
  assertEquals(matched("prefix=10.1.0.0/16"), ["10.0.0.0/8"]);
  assertEquals(matched("prefix=0.0.0.0/0"), ["192.0.2.0/24", "192.0.3.0/24", "10.0.0.0/8"]);
  assertEquals(matched("prefix=::/0"), ["2001:db8::/48"]);
  assertEquals(matched("prefix=2001:db8:0:1::7"), ["2001:db8::/48"]);
  assertEquals(matched("prefix=::ffff:192.0.2.17"), ["192.0.2.0/24"]);
  assertEquals(matched("prefix=unix:"), ["unix:"]);
  assertEquals(matched("prefix!=0.0.0.0/0"), ["-", "2001:db8::/48", "unix:"]);
});

Deno.test("a regular expression sees labels, and empty text for an absent value", () => {
  assertEquals(matched("website~=^api\\."), ["api.example"]);
  assertEquals(matched("website~=bü"), ["bücher.example"]);
  assertEquals(matched("website~=-"), []);
  assertEquals(matched("website~=^$"), ["-"]);
  assertEquals(matched("website!~=example"), ["-"]);
});

Deno.test("a flag is yes or no, or absent", () => {
  assertEquals(matched("tor=1"), ["yes"]);
  assertEquals(matched("tor=no"), ["no"]);
  assertEquals(matched("tor!=yes"), ["-", "no"]);
});

Deno.test("bytes that are no number and no prefix satisfy nothing but inequality", () => {
  const odd = { ...emptyDictionary(), size: 2, offsets: Uint32Array.of(0, 0, 3), bytes: Uint8Array.of(52, 120, 9) };
  for (const text of ["status=4xx", "status>=0", "status<=0", "status=0", "prefix=0.0.0.0/0", "prefix=::/0"]) {
    assertEquals([...matchEntries(compare(text), odd, regex)], [UNKNOWN, FALSE], text);
  }
  assertEquals([...matchEntries(compare("status!=404"), odd, regex)], [UNKNOWN, TRUE]);
});

/** Naive: one comparison against one label, with strings. */
function naiveCompare({ dimension, operator, value }: Comparison, label: string): boolean {
  if (operator.startsWith("!")) {
    return !naiveCompare({ kind: "compare", dimension, operator: operator.slice(1) as CompareOperator, value }, label);
  }
  if (operator === "~=") return new RegExp(value, "u").test(label === "-" ? "" : label);
  if (operator !== "=") {
    if (label === "-") return false;
    const [a, b] = [Number(label), Number(value)];
    return operator === ">" ? a > b : operator === ">=" ? a >= b : operator === "<" ? a < b : a <= b;
  }
  if (value === "" || value === "-" || label === "-") return label === (value || "-");
  if (dimension === "status") return value.endsWith("xx") ? label[0] === value[0] : Number(label) === Number(value);
  if (dimension !== "prefix") return label === value;
  if (value.includes(":") || label.includes(":")) return label === value;
  const bits = (cidr: string): string => {
    const [address, length] = cidr.split("/");
    return address.split(".").map((octet) => Number(octet).toString(2).padStart(8, "0")).join("").slice(0, +length);
  };
  const [a, b] = [bits(label), bits(value)];
  return a.startsWith(b) || b.startsWith(a);
}

/** Naive: Kleene's truth tables, written out. */
function naiveTruth(filter: FilterNode, bucket: Bucket, row: number): number {
  switch (filter.kind) {
    case "compare": {
      const d = DIMENSIONS.findIndex(({ name }) => name === filter.dimension);
      const entry = bucket.indexes[d][row];
      if (entry === 0) return UNKNOWN;
      return naiveCompare(filter, LABELS[filter.dimension][entry - 1]) ? TRUE : FALSE;
    }
    case "not":
      return ({ [FALSE]: TRUE, [UNKNOWN]: UNKNOWN, [TRUE]: FALSE })[naiveTruth(filter.part, bucket, row)]!;
    case "and": {
      const truths = filter.parts.map((part) => naiveTruth(part, bucket, row));
      if (truths.includes(FALSE)) return FALSE;
      return truths.includes(UNKNOWN) ? UNKNOWN : TRUE;
    }
    case "or": {
      const truths = filter.parts.map((part) => naiveTruth(part, bucket, row));
      if (truths.includes(TRUE)) return TRUE;
      return truths.includes(UNKNOWN) ? UNKNOWN : FALSE;
    }
  }
}

const comparison = fc.oneof(
  fc.constantFrom(...DIMENSIONS).chain(({ name }) =>
    fc.record({
      kind: fc.constant("compare" as const),
      dimension: fc.constant(name),
      operator: fc.constantFrom<CompareOperator>("=", "!="),
      value: fc.constantFrom(...LABELS[name], ""),
    })
  ),
  fc.constantFrom(
    ..."status>=400 status<404 status=4xx status!=5xx asn<=64496 asn>0 website~=^a website!~=example$ uri~=^/(h|$)"
      .split(" "),
    ..."uri~=^$ prefix=192.0.2.0/23 prefix!=0.0.0.0/0 prefix=10.9.0.0/16 prefix=192.0.2.17/32".split(" "),
  ).map(compare),
);
const { node } = fc.letrec<{ node: FilterNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    comparison,
    fc.record({ kind: fc.constant("not" as const), part: tie("node") }),
    fc.record({ kind: fc.constantFrom("and", "or"), parts: fc.array(tie("node"), { maxLength: 3 }) }),
  ),
}));
const rows = fc.array(
  fc.array(fc.nat(6), { minLength: DIMENSIONS.length, maxLength: DIMENSIONS.length }),
  { maxLength: 20 },
);

Deno.test("rows match as a naive reader of labels decides in Kleene's logic", () => {
  fc.assert(
    fc.property(node, rows, (filter, entries) => {
      const bucket = bucketOf(entries);
      const truth = compileFilter(filter, regex).matchRows(bucket).subarray(0, bucket.rows);
      assertEquals([...truth], entries.map((_, row) => naiveTruth(filter, bucket, row)));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("rows that match and those that may are told apart as row by row, whatever the widths of columns", () => {
  const some = fc.oneof(
    node,
    fc.record({ kind: fc.constantFrom("and" as const, "or" as const), parts: fc.tuple(comparison, comparison) }),
  );
  fc.assert(
    fc.property(some, rows, fc.nat(2 ** DIMENSIONS.length - 1), (filter, entries, wide) => {
      const narrow = bucketOf(entries);
      const indexes = narrow.indexes.map((column, d) => wide >> d & 1 ? Uint16Array.from(column) : column);
      const bucket = { ...narrow, indexes }, room = bucket.rows + 1;
      const certain = new Int32Array(room), unknown = { rows: new Int32Array(room), count: 0 };
      const count = compileFilter(filter, regex).splitRows(bucket, certain, unknown);
      const truths = entries.map((_, row) => naiveTruth(filter, bucket, row));
      const rowsOf = (truth: number): number[] => truths.flatMap((own, row) => own === truth ? [row] : []);
      assertEquals([...certain.subarray(0, count)], rowsOf(TRUE));
      assertEquals([...unknown.rows.subarray(0, unknown.count)], rowsOf(UNKNOWN));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a compiled filter serves any number of buckets", () => {
  const filter = compileFilter(compare("status=200"), regex);
  const status = DIMENSIONS.findIndex(({ name }) => name === "status");
  const row = (entry: number): number[] => DIMENSIONS.map((_, d) => d === status ? entry : 0);
  const truths = (bucket: Bucket): number[] => [...filter.matchRows(bucket).subarray(0, bucket.rows)];
  assertEquals(truths(bucketOf([row(3), row(0), row(1)])), [TRUE, UNKNOWN, FALSE]);
  assertEquals(truths(emptyBucket(0, 10)), []);
  assertEquals(truths(bucketOf([row(3)])), [TRUE]);
});

Deno.test("everything wrong with a tree is named, in order", () => {
  const bad = (dimension: string, operator: string, value: string): Comparison =>
    ({ kind: "compare", dimension, operator, value }) as Comparison;
  const filter: FilterNode = {
    kind: "and",
    parts: [
      bad("stauts", "=", "404"),
      { kind: "not", part: bad("status", "~=", "4") },
      bad("prefix", "=", "1.2.3"),
      bad("website", "~=", "("),
      bad("uri", "=", "/"),
    ],
  };
  const mistakes = filterMistakes(filter, regex);
  assertEquals(mistakes.length, 4);
  assertStringIncludes(mistakes[0], "did you mean status?");
  assertStringIncludes(mistakes[1], 'for status, found "~="');
  assertStringIncludes(mistakes[2], "expected an address or a prefix");
  assertStringIncludes(mistakes[3], "Invalid regular expression");
  assertThrows(() => compileFilter(filter, regex), Error, 'Cannot filter by "stauts"');
  assertThrows(() => compileFilter(compare("website~=(" + "[)"), regex), Error, "Invalid regular expression");
});

Deno.test("a tree too large or too deep is refused before it costs anything", () => {
  const leaf = compare("uri=/");
  const wide = (count: number): FilterNode => ({ kind: "or", parts: Array.from({ length: count }, () => leaf) });
  assertEquals(filterMistakes(wide(FILTER_NODES_MAX - 1), regex), []);
  assertEquals(filterMistakes(wide(FILTER_NODES_MAX), regex).length, 1);
  let deep: FilterNode = leaf;
  for (let i = 0; i < 100_000; i++) deep = { kind: "not", part: deep };
  assertStringIncludes(filterMistakes(deep, regex)[0], `at most ${FILTER_NODES_MAX}`);
});
