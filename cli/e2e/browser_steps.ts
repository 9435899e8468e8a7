/**
 * What `browser_test.ts` does in the browser, as a program of its own: the driver looks into /proc, which the runtime
 * grants only to programs that may do everything. Standard input: the origin of a dashboard and the lines behind it, as
 * JSON. Ends with 0 when everything was as it must be.
 */
import { assert, assertEquals } from "@std/assert";
import { type Browser, chromium, type Page as Tab } from "playwright-core";
import type { Line } from "./lines.ts";
import { programPath } from "./need.ts";
import { readPage } from "./page.ts";

/** Arguments that keep Chromium to itself: no update, no sync, no first page. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Task {
  /** `http://127.0.0.1:8080` */
  readonly origin: string;
  /** Everything that was counted. */
  readonly lines: readonly Line[];
}

async function drillDown(browser: Browser, origin: string, lines: readonly Line[]): Promise<void> {
  const tab = await browser.newPage();
  const requested: string[] = [];
  const complaints: string[] = [];
  tab.on("request", (request) => void requested.push(request.url()));
  tab.on("console", (message) => void complaints.push(message.text()));
  tab.on("pageerror", (error) => void complaints.push(error.message));

  await tab.goto(`${origin}/`);
  assertEquals((await read(tab)).total, lines.length);

  // Always the second row, so that no step can pass by showing everything.
  const clicked: string[] = [];
  for (const [dimension, next] of [["website", "prefix"], ["prefix", "uri"], ["uri", "status"], ["status", ""]]) {
    const before = await read(tab);
    const [label, count] = [...before.counts][1];
    await tab.locator("tbody tr").nth(1).locator("a").click();
    await tab.waitForLoadState();
    const after = await read(tab);
    assertEquals(after.total, count, `the row of ${label} is the total of the page behind it`);
    const search = new URL(tab.url()).searchParams;
    assertEquals(search.get(`f_${dimension}`), label);
    if (next !== "") assertEquals(search.get("by"), next);
    clicked.push(label);
  }
  const [website, prefix, uri, status] = clicked;
  const deepest = lines.filter((one) =>
    one.host === website && one.uri === uri && one.status === status && `${one.client}`.startsWith(prefix.slice(0, -4))
  );
  assertEquals((await read(tab)).total, deepest.length);

  await removeFilter(tab, "uri");
  const wider = lines.filter((one) =>
    one.host === website && one.status === status && `${one.client}`.startsWith(prefix.slice(0, -4))
  );
  assert(wider.length > deepest.length);
  assertEquals((await read(tab)).total, wider.length);

  await tab.goBack();
  assertEquals((await read(tab)).total, deepest.length, "going back shows what was there");
  await tab.reload();
  assertEquals((await read(tab)).total, deepest.length, "an address can be shared");

  assertEquals(requested.filter((url) => !url.startsWith(`${origin}/`)), [], "nothing is asked of anybody else");
  assertEquals(complaints, []);
}

/** Clicks the × of a filter and checks that the address has lost this filter and no other. */
async function removeFilter(tab: Tab, dimension: string): Promise<void> {
  const before = new URL(tab.url()).searchParams;
  await tab.locator("nav[aria-label=Filters] li").filter({ hasText: `${before.get(`f_${dimension}`)}` })
    .getByText("×").click();
  await tab.waitForLoadState();
  const after = new URL(tab.url()).searchParams;
  for (const name of ["f_website", "f_prefix", "f_uri", "f_status"]) {
    assertEquals(after.get(name), name === `f_${dimension}` ? null : before.get(name));
  }
}

/** What the page shows, after a look at what it must not hold. */
async function read(tab: Tab): Promise<{ total: number; counts: Map<string, number> }> {
  const html = await tab.content();
  assertEquals(await tab.locator("script").count(), 0, "no script");
  assert(!/ on\w+="/.test(html), "no script in an attribute");
  const { total, other, counts } = readPage(html);
  const shown = [...counts.values()].reduce((sum, count) => sum + count, 0);
  assertEquals(shown + other, total, "rows and (other) add up to the total");
  return { total, counts };
}

if (import.meta.main) {
  const { origin, lines } = await new Response(Deno.stdin.readable).json() as Task;
  const browser = await chromium.launch({ executablePath: programPath("chromium"), args: ARGUMENTS });
  try {
    await drillDown(browser, origin, lines);
  } finally {
    await browser.close();
  }
}
