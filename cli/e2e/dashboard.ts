/** Fixtures of the dashboard's tests: a small fleet with an attack in it, and what is looked at on every page. */
import axe from "axe-core";
import { assert, assertEquals } from "@std/assert";
import type { Browser, Page as Tab } from "playwright-core";
import { trafficLines } from "@/cli/demo/traffic.ts";
import { cliJson } from "./answers.ts";
import { line, TestFolder } from "./lines.ts";
import { eventually, freePort } from "./ports.ts";
import { type Role, startAggregator, startCollector, startFrontend } from "./roles.ts";

/** Texts that would like to be something else, in every field of a line that takes text. */
export const HOSTILE: readonly string[] = [
  "<script>document.title='owned'</script>",
  `"><img src=x onerror="document.title='owned'">`,
  `' onmouseover='document.title=1' x='`,
  "javascript:document.title='owned'",
  "</table></main><h1>owned</h1>",
  "\\xE2\\x80\\xAEtxt.exe\\xE2\\x81\\xA6",
  "\\x00\\x1B[31mred\\x07",
  "&lt;b&gt;&#0;",
  `/${"long".repeat(2048)}`,
];

/** A source that delivers, one that is down, and a dashboard over both. */
export interface SmallFleet extends AsyncDisposable {
  /** `http://host:port`. */
  readonly origin: string;
  readonly frontend: Role;
  readonly aggregator: Role;
  /** Stops the aggregator: the dashboard has nobody to ask. */
  stopTarget(): Promise<void>;
}

/** Seconds of traffic, and how long before now the attack in it begins. */
const HISTORY_S = 900, ATTACK_AGE_S = 400;

/** Starts it, and resolves when everything written is counted. */
export async function startSmallFleet(flags: readonly string[] = []): Promise<SmallFleet> {
  const log = new TestFolder(), nowS = Math.floor(Date.now() / 1000) - 20;
  let seed = 7;
  const random = (): number => (seed = seed * 16_807 % 2_147_483_647) / 2_147_483_647;
  const lines = [...trafficLines(nowS - HISTORY_S, nowS, nowS - ATTACK_AGE_S, random)];
  for (const text of HOSTILE) {
    lines.push(line({ host: text, uri: `/${text}`, method: text, client: "192.0.2.77", time: nowS - 5 }));
  }
  log.append(lines.join(""));
  const collector = await startCollector({ source: "col-1", logs: [log.path()], flags: ["--from=start"] });
  const down = `127.0.0.1:${freePort()}`;
  const aggregator = await startAggregator("agg-1", [collector.address, down]);
  const frontend = await startFrontend(aggregator.address, flags);
  await eventually(
    async () => (await cliJson(aggregator.address, "website", ["--window=60m"])).total === lines.length || undefined,
    () => `the traffic is not counted; the aggregator said:\n${aggregator.stderr()}`,
    60_000,
  );
  return {
    origin: `http://${frontend.address}`,
    frontend,
    aggregator,
    stopTarget: () => aggregator.stop(),
    async [Symbol.asyncDispose](): Promise<void> {
      for (const role of [frontend, aggregator, collector]) await role[Symbol.asyncDispose]();
      log[Symbol.dispose]();
    },
  };
}

export type Scheme = "light" | "dark";

/** A tab of this width, and what it has complained about. */
export async function openTab(
  browser: Browser,
  width: number,
  height: number,
  colorScheme: Scheme = "light",
): Promise<{ readonly tab: Tab; readonly complaints: readonly string[]; readonly requested: readonly string[] }> {
  const tab = await browser.newPage({ viewport: { width, height }, colorScheme });
  const complaints: string[] = [], requested: string[] = [];
  tab.on("request", (request) => void requested.push(request.url()));
  tab.on("console", (message) => void complaints.push(message.text()));
  tab.on("pageerror", (error) => void complaints.push(error.message));
  tab.on("dialog", (dialog) => {
    complaints.push(dialog.message());
    void dialog.dismiss();
  });
  return { tab, complaints, requested };
}

/** What a browser knows when code of ours runs in it. */
declare const document: {
  readonly documentElement: { readonly scrollWidth: number; readonly clientWidth: number };
};

/** Asserts that nothing reaches beyond the right edge of the window. */
export async function assertNothingIsCut(tab: Tab, where: string): Promise<void> {
  const { scrollWidth, clientWidth } = await tab.evaluate(() => ({
    scrollWidth: document.documentElement.scrollWidth,
    clientWidth: document.documentElement.clientWidth,
  }));
  assert(scrollWidth <= clientWidth, `${where} is ${scrollWidth} px wide in a window of ${clientWidth}`);
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/**
 * Asserts that axe-core finds nothing: WCAG 2.2 A and AA, and its best practices. One rule is left out: pages reload by
 * themselves, which is what they are for, and can be paused and slowed down on every one of them (WCAG 2.2.1).
 */
export async function assertAccessible(tab: Tab, where: string): Promise<void> {
  await tab.evaluate(axe.source);
  const violations = await tab.evaluate(
    `axe.run({ rules: { "meta-refresh": { enabled: false } } }).then(({ violations }) => violations)`,
  ) as readonly Violation[];
  const found = violations.map(({ id, help, nodes }) =>
    `${id}: ${help}\n  ${
      nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}\n  ${failureSummary}`).join("\n  ")
    }`
  );
  assertEquals(found, [], where);
}
