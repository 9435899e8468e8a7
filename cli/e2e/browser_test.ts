/** The dashboard in a real browser: clicking drills down, and at every step row, total and address agree. */
import { assert, assertEquals } from "@std/assert";
import type { Browser, Page as Tab } from "playwright-core";
import { cliJson } from "./answers.ts";
import { startBrowser } from "./browser.ts";
import { type Line, line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { readPage } from "./page.ts";
import { eventually } from "./ports.ts";
import { startCollector, startFrontend } from "./roles.ts";

/** Client of the lines whose labels would like to be markup. */
const MARKUP_CLIENT = "203.0.113.0";

realTest(["chromium"], "clicking drills down four levels, × goes back, and numbers and address agree", async () => {
  using log = new TestFolder();
  log.append("");
  await using collector = await startCollector({ source: "col-1", logs: [log.path()] });
  await using frontend = await startFrontend(collector.address);
  const lines = traffic();
  log.append(lines.map(line).join(""));
  await eventually(
    async () => (await cliJson(collector.address, "website")).total === lines.length || undefined,
    () => "the traffic is not counted",
  );
  const browser = await startBrowser();
  try {
    await drillDown(browser, `http://${frontend.address}`, lines);
  } finally {
    await browser.close();
  }
});

/** Drills down, goes back and removes a filter; `lines` is everything that was counted. */
async function drillDown(browser: Browser, origin: string, lines: readonly Line[]): Promise<void> {
  const tab = await browser.newPage();
  const requested: string[] = [];
  const complaints: string[] = [];
  tab.on("request", (request) => void requested.push(request.url()));
  tab.on("console", (message) => void complaints.push(message.text()));
  tab.on("pageerror", (error) => void complaints.push(error.message));

  tab.on("dialog", (dialog) => {
    complaints.push(dialog.message());
    dialog.dismiss();
  });

  await tab.goto(`${origin}/`);
  assertEquals((await read(tab)).total, lines.length);

  // Always the second row, so that no step can pass by showing everything.
  const clicked: string[] = [];
  for (const [dimension, next] of [["website", "prefix"], ["prefix", "uri"], ["uri", "status"], ["status", ""]]) {
    const before = await read(tab);
    const [label, count] = [...before.counts][1];
    await tab.locator("tbody tr").nth(1).locator("a.value").click();
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

  await showMarkupAsText(tab, origin, lines);
  assertEquals(requested.filter((url) => !url.startsWith(`${origin}/`)), [], "nothing is asked of anybody else");
  assertEquals(complaints, []);
}

/** Labels that would like to be markup are shown as what they are. */
async function showMarkupAsText(tab: Tab, origin: string, lines: readonly Line[]): Promise<void> {
  const hostile = lines.filter(({ client }) => client === MARKUP_CLIENT);
  for (const [by, field] of [["website", "host"], ["uri", "uri"]] as const) {
    await tab.goto(`${origin}/?${new URLSearchParams({ by, f_prefix: `${MARKUP_CLIENT}/24` })}`);
    assertEquals([...(await read(tab)).counts.keys()].sort(), hostile.map((line) => line[field] ?? "").sort());
  }
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

/** Values of every dimension mixed, and a few that would like to be markup. */
function traffic(): readonly Line[] {
  const lines: Line[] = [];
  for (let i = 0; i < 1500; i++) {
    lines.push({
      host: `www-${Math.floor(Math.sqrt(i * 7 % 16))}.example`,
      client: `198.51.${Math.floor(Math.sqrt(i * 5 % 9))}.${i % 200}`,
      uri: `/path/${Math.floor(Math.sqrt(i * 11 % 25))}`,
      status: ["200", "200", "200", "404", "404", "503"][i * 13 % 37 % 6],
    });
  }
  for (const markup of ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'-alert(1)-'"]) {
    lines.push({ host: markup, uri: `/${markup}`, client: MARKUP_CLIENT, status: "200" });
  }
  return lines;
}
