/** Reads the dashboard's HTML as a person does: the rows of the ranking, "(other)" and the total. */
import { assertEquals } from "@std/assert";
import type { Counts } from "./tally.ts";

/** Characters of a label that a page shows; behind them it says how many more there are. */
const LABEL_CHARS_MAX = 240;

export interface Page {
  readonly html: string;
  readonly total: number;
  readonly other: number;
  /** By what the page shows of a label. */
  readonly counts: Counts;
}

/** Asks for a page and reads it; fails unless it is 200 and HTML. */
export async function openPage(address: string, parameters: Readonly<Record<string, string>>): Promise<Page> {
  const response = await fetch(`http://${address}/?${new URLSearchParams(parameters)}`);
  const html = await response.text();
  assertEquals([response.status, response.headers.get("content-type")?.split(";")[0]], [200, "text/html"], html);
  return readPage(html);
}

/** Reads the table by its rows. The markup is ours, so that regular expressions will do. */
export function readPage(html: string): Page {
  const [, body = ""] = /<tbody>(.*?)<\/tbody>/s.exec(html) ?? [];
  const rows = [...body.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row]) => row);
  const counts: Counts = new Map(rows.map((row) => [labelOf(row), countOf(row)]));
  assertEquals(counts.size, rows.length, "no label comes twice");
  return {
    html,
    total: countOf(/<tr class="total">(.*?)<\/tr>/s.exec(html)?.[1] ?? ""),
    other: countOf(/<tr class="other">(.*?)<\/tr>/s.exec(html)?.[1] ?? ""),
    counts,
  };
}

/** What a page shows of these labels. */
export function shownCounts(counts: Counts): Counts {
  return new Map([...counts].map(([label, count]) => [shownLabel(label), count]));
}

function shownLabel(label: string): string {
  const more = label.length - LABEL_CHARS_MAX;
  return more <= 0 ? label : `${label.slice(0, LABEL_CHARS_MAX)}… +${more}`;
}

function labelOf(row: string): string {
  return plainText(/<bdi>(.*?)<\/bdi>/s.exec(row)?.[1] ?? "");
}

/** The first emphasised number: `1 234` with thin spaces. */
function countOf(row: string): number {
  const [, text = ""] = /<b>([^<]*)<\/b>/.exec(row) ?? [];
  return text === "" ? NaN : Number(text.replace(/[\u2009\u202f]/g, ""));
}

function plainText(html: string): string {
  const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', "#39": "'" };
  return html.replace(/<[^>]*>/g, "").replace(/&([#\w]+);/g, (all, name: string) => named[name] ?? all);
}
