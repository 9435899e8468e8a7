import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { WebSize } from "./made_up_web.ts";
import { Traffic, TRAFFIC_KINDS, type TrafficKind, type TrafficPlan, TRUE_DIMENSIONS } from "./traffic.ts";

const LINES = 20_000;
/** Made in no time. */
const SMALL: WebSize = { sites: 40, networks: 3000, pages: 400 };
const FIELDS =
  /^[a-z0-9.-]+\t[0-9a-f.:]+\t17000\d{5}\.\d{3}\t(GET|POST|HEAD)\t\/[^\t\\ ]*\t\d{3}\t\d+\t\d+\.\d{3}(\t[01]\t\d+)?$/;

Deno.test("the same seed makes the same bytes, another seed others", () => {
  for (const kind of TRAFFIC_KINDS) {
    const text = textOf({ kind, lines: 1000, seed: 7, web: SMALL });
    assertEquals(text, textOf({ kind, lines: 1000, seed: 7, web: SMALL }));
    assertNotEquals(text, textOf({ kind, lines: 1000, seed: 8, web: SMALL }));
  }
});

Deno.test("every line is one of the logtail format, with eight fields or ten", () => {
  for (const kind of TRAFFIC_KINDS) {
    for (const [tenFields, fields] of [[false, 8], [true, 10]] as const) {
      const lines = linesOf({ kind, lines: 3000, seed: 1, tenFields, web: SMALL });
      assertEquals(lines.length, 3000);
      for (const line of lines) assert(FIELDS.test(line) && line.split("\t").length === fields, line);
    }
  }
});

Deno.test("what is said to be true is what a count of the lines says", () => {
  for (const kind of TRAFFIC_KINDS) {
    const plan: TrafficPlan = { kind, lines: LINES, seed: 3, web: SMALL }, traffic = new Traffic(plan);
    const text = pieces(traffic), truth = traffic.truth(), counts = naiveCounts(text);
    const [sent, requestMs] = sums(text);
    assertEquals([truth.lines, truth.sentBytes, truth.requestMs], [LINES, sent, requestMs]);
    for (const dimension of TRUE_DIMENSIONS) {
      for (const { label, count } of truth.top[dimension]) {
        assertEquals(counts[dimension].get(label), count, `${kind} ${dimension} ${label}`);
      }
    }
    const { prefix, uri } = truth.attackers ?? {};
    if (prefix !== undefined) assertEquals(counts.prefix.get(prefix.label), prefix.count);
    if (uri !== undefined) assertEquals(counts.uri.get(uri.label), uri.count);
  }
});

Deno.test("times never go back, ordinary traffic takes 34 minutes, and an attack stays within one", () => {
  const minutes = (kind: TrafficKind): number[] => {
    const times = linesOf({ kind, lines: LINES, seed: 2, web: SMALL }).map((line) => Number(line.split("\t")[2]));
    for (let i = 1; i < times.length; i++) assert(times[i] >= times[i - 1]);
    return [...new Set(times.map((time) => Math.floor(time / 60)))];
  };
  assertEquals(minutes("ordinary").length, 34);
  assertEquals(minutes("attack").length, 1);
});

Deno.test("nine lines of ten in an attack are the only ones with their tuple, and the attackers begin in the middle", () => {
  const lines = linesOf({ kind: "attack", lines: LINES, seed: 5 });
  const tuples = new Set(lines.map((line) => {
    const fields = line.split("\t");
    return [fields[0], prefixOf(fields[1]), fields[4].split("?")[0], fields[5]].join(" ");
  }));
  assert(Math.abs(tuples.size / LINES - 0.93) < 0.05, String(tuples.size));
  for (const mark of ["\t203.0.113.", "\t/account/login/submit.php\t"]) {
    const places = lines.flatMap((line, place) => line.includes(mark) ? [place] : []);
    assert(places[0] >= LINES / 2 && Math.abs(places.length / LINES - 0.02) < 0.005, mark);
  }
  const lonePrefixes = lines.filter((line) => line.includes("submit.php")).map((line) => prefixOf(line.split("\t")[1]));
  assertEquals(new Set(lonePrefixes).size, lonePrefixes.length);
});

function pieces(traffic: Traffic): string {
  const decoder = new TextDecoder();
  let text = "";
  for (const piece of traffic.pieces()) text += decoder.decode(piece);
  return text;
}

function textOf(plan: TrafficPlan): string {
  return pieces(new Traffic(plan));
}

function linesOf(plan: TrafficPlan): string[] {
  return textOf(plan).trimEnd().split("\n");
}

function naiveCounts(text: string): Readonly<Record<string, ReadonlyMap<string, number>>> {
  const counts: Record<string, Map<string, number>> = {};
  for (const line of text.trimEnd().split("\n")) {
    const [website, address, , method, target, status] = line.split("\t");
    const values = { website, prefix: prefixOf(address), uri: target.split("?")[0], status, method };
    for (const [dimension, value] of Object.entries(values)) {
      const count = counts[dimension] ??= new Map<string, number>();
      count.set(value, (count.get(value) ?? 0) + 1);
    }
  }
  return counts;
}

function sums(text: string): [number, number] {
  let sent = 0, requestMs = 0;
  for (const line of text.trimEnd().split("\n")) {
    const fields = line.split("\t");
    sent += Number(fields[6]);
    requestMs += Math.round(1000 * Number(fields[7]));
  }
  return [sent, requestMs];
}

function prefixOf(address: string): string {
  if (!address.includes(":")) return `${address.split(".").slice(0, 3).join(".")}.0/24`;
  return `${address.split(":").slice(0, 3).join(":")}::/48`;
}
