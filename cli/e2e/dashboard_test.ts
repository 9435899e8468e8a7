/**
 * The dashboard in a real browser, over a small fleet with an attack in it and a source that is down: every flow, narrow
 * and wide, light and dark; what cannot see; and pictures of it all, kept below the temporary folder.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { Browser, Page as Tab } from "playwright-core";
import { startBrowser } from "./browser.ts";
import {
  assertAccessible,
  assertNothingIsCut,
  HOSTILE,
  openTab,
  type Scheme,
  type SmallFleet,
  startSmallFleet,
} from "./dashboard.ts";
import { TestFolder } from "./lines.ts";
import { realTest, say } from "./need.ts";
import { readPage } from "./page.ts";
import { CLOSED_PORT, eventually } from "./ports.ts";
import { startFrontend } from "./roles.ts";
import { CA, SERVER_CERT, SERVER_KEY } from "@/proto/test_certificates.ts";

/** Widths of a telephone, a tablet, a desk and a wall. */
const WIDTHS: readonly (readonly [number, number])[] = [[360, 740], [800, 1100], [1280, 900], [3840, 2160]];

/** Those at which axe-core looks: the two layouts. */
const AXE_WIDTHS = [360, 1280];

/** Every page there is, by what is special about it. */
const PAGES: readonly (readonly [string, string])[] = [
  ["traffic", "/?w=60m"],
  ["filtered", "/?w=60m&by=prefix&q=NOT+uri%3D%2Fhealth&f_website=shop.example"],
  ["status", "/?w=60m&by=status"],
  ["table", "/?w=5m&table=1"],
  ["hundred", "/?w=60m&by=uri&n=100"],
  ["pinned", "/?w=60m&by=website&f_website=shop.example"],
  ["websites", "/?w=60m&by=website&f_prefix=192.0.2.0%2F24"],
  ["methods", "/?w=60m&by=method&f_prefix=192.0.2.0%2F24"],
  ["hostile", "/?w=60m&by=uri&f_prefix=192.0.2.0%2F24"],
  ["nothing", "/?f_website=nobody.example"],
  ["mistake", "/?q=statuss%3E%3D500"],
  ["mistakes", "/?w=7m&n=0"],
  ["fleet", "/targets"],
];

/** As `htpasswd -nbB -C 4 ada lovelace` writes it. */
const ADA = "ada:$2y$04$EjQ4pHxNPPAyJpWp28aftOFEczgCuhVrc7ktStupYn7xn2Lq87yjK\n";

realTest(["chromium"], "every flow of the dashboard works, by clicking and typing alone", async (t) => {
  await using fleet = await startSmallFleet();
  const browser = await startBrowser();
  try {
    const { tab, complaints, requested } = await openTab(browser, 1280, 900);
    await t.step("drill down, keep, leave out, and take it all back", () => drill(tab, fleet));
    await t.step("type a filter, be shown a mistake, correct it", () => type(tab, fleet));
    await t.step("sort, number of rows, window, table, pause and resume", () => choose(tab, fleet));
    await t.step("see the fleet and switch to one source", () => seeFleet(tab, fleet));
    await t.step("find the way by keyboard", () => keyboard(tab, fleet));
    assertEquals(requested.filter((url) => !url.startsWith(`${fleet.origin}/`)), [], "nobody else is asked");
    assertEquals(complaints.filter((text) => !/status of 400/.test(text)), []);
    await t.step("nothing moves from one load to the next", () => standStill(tab, fleet));
    await t.step("the target falls silent: what it said last is shown as such", () => silence(tab, fleet));
  } finally {
    await browser.close();
  }
});

realTest(
  ["chromium"],
  "no page is cut, runs anything or fails axe-core, narrow and wide, light and dark",
  async (t) => {
    await using fleet = await startSmallFleet();
    const browser = await startBrowser(), pictures = Deno.makeTempDirSync({ prefix: "logtail-pictures-" });
    try {
      for (const scheme of ["light", "dark"] as const) {
        for (const [width, height] of WIDTHS) {
          await t.step(`${scheme}, ${width} px`, () => lookAtAll(browser, fleet, scheme, width, height, pictures));
        }
      }
    } finally {
      await browser.close();
    }
    say(`pictures of the dashboard are in ${pictures}`);
  },
);

realTest(["w3m", "lynx", "curl"], "text browsers and curl show the ranking", async () => {
  await using fleet = await startSmallFleet();
  const url = `${fleet.origin}/?w=60m&by=prefix&f_website=shop.example`;
  const page = readPage(await (await fetch(url)).text()), [first] = [...page.counts];
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["w3m", ["-dump", "-cols", "200", url]],
    ["lynx", ["-dump", "-nolist", "-width=200", url]],
  ];
  for (const [program, args] of rows) {
    const text = await output(program, args), grouped = String(first[1]).replace(/\B(?=(\d{3})+$)/g, "[\\s\u202f]?");
    assertMatch(text, new RegExp(`1\\s+${first[0].replaceAll(".", "\\.")}.*${grouped}`), `${program} shows\n${text}`);
    assertMatch(text, /total\s+\d/);
    assertStringIncludes(text, "data to");
  }
  const csv = (await output("curl", ["-s", `${url}&format=csv`])).split("\r\n");
  assertEquals(csv[1].split(",").slice(0, 3), ["1", first[0], String(first[1])]);
  const json = JSON.parse(await output("curl", ["-s", `${url}&raw=1`]));
  assertEquals([json.entries[0].label, json.entries[0].count], first);
  assertEquals(json.entries[0].series.reduce((sum: number, count: number) => sum + count, 0), first[1]);
  assertEquals(json.trend.length, 60);
});

realTest(["curl"], "HTTPS and a password keep others out", async () => {
  using files = new TestFolder();
  for (const [name, text] of [["cert", SERVER_CERT], ["key", SERVER_KEY], ["ca", CA], ["passwords", ADA]]) {
    files.append(text, name);
  }
  const flags = [["tls-cert", "cert"], ["tls-key", "key"], ["password-file", "passwords"]];
  await using frontend = await startFrontend(
    `127.0.0.1:${CLOSED_PORT}`,
    flags.map(([flag, name]) => `--${flag}=${files.path(name)}`),
    [files.folder],
  );
  const url = `https://localhost:${frontend.address.split(":")[1]}/healthz`;
  const code = async (...args: string[]): Promise<string> =>
    await output("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", files.path("ca"), ...args, url]);
  assertEquals(await code(), "401");
  assertEquals(await code("-u", "ada:wrong"), "401");
  assertEquals(await code("-u", "ada:lovelace"), "200");
});

/** Website → prefix → URI → status, then = and ≠ and the ×. */
async function drill(tab: Tab, { origin }: SmallFleet): Promise<void> {
  await tab.goto(`${origin}/?w=60m`);
  for (const dimension of ["prefix", "uri", "status", "method"]) {
    const before = await read(tab), [label, count] = [...before.counts][0];
    await tab.locator("tbody a.value").first().click();
    assertEquals((await read(tab)).total, count, `the number of ${label} is the same behind the click`);
    assertEquals(address(tab).get("by"), dimension);
  }
  assertEquals(await tab.locator("nav[aria-label=Filters] li").count(), 4);
  await tab.getByRole("link", { name: "clear all" }).click();
  assertEquals([...address(tab)], [["w", "60m"], ["by", "method"]]);

  await tab.goto(`${origin}/?w=60m`);
  const all = await read(tab), [first, second] = [...all.counts];
  await tab.getByRole("link", { name: "without this value" }).first().click();
  const without = await read(tab);
  assertEquals([without.total, [...without.counts][0]], [all.total - first[1], second]);
  await tab.getByRole("link", { name: "remove the filter on not website" }).click();
  assertEquals((await read(tab)).total, all.total);

  await tab.getByRole("link", { name: "only this value" }).first().click();
  assertEquals([address(tab).get("f_website"), address(tab).get("by")], [first[0], null]);
  await tab.locator(".onward").getByRole("link", { name: "ASN" }).click();
  assertEquals(address(tab).get("by"), "asn");
  assertEquals((await read(tab)).total, first[1]);
}

async function type(tab: Tab, { origin }: SmallFleet): Promise<void> {
  await tab.goto(`${origin}/?w=60m&sort=bytes`);
  await submit(tab, " status>=400 AND website=shop.example AND NOT uri=/health ");
  assertEquals(
    tab.url(),
    `${origin}/?w=60m&q=NOT+uri%3D%2Fhealth&f_website=shop.example&f_status=%3E%3D400&sort=bytes`,
  );
  assertEquals(await tab.locator("nav[aria-label=Filters] li").count(), 3);
  const field = tab.getByRole("textbox");
  assertEquals(await field.inputValue(), "website=shop.example AND status>=400 AND NOT uri=/health");
  await submit(tab, "website=shop.example AND statuss>=400");
  assertEquals(await field.inputValue(), "website=shop.example AND statuss>=400");
  assertMatch(await tab.locator(".mistake").innerText(), /Column 26: expected a dimension.*did you mean status\?/);
  assertMatch(await tab.locator(".mistake pre").innerText(), /\n {25}\^$/);
  await submit(tab, "website=shop.example AND status>=400");
  assertEquals([address(tab).get("f_website"), address(tab).get("f_status")], ["shop.example", ">=400"]);
  await submit(tab, "");
  assertEquals([...address(tab).keys()], ["w", "sort"]);
}

async function choose(tab: Tab, { origin }: SmallFleet): Promise<void> {
  await tab.goto(`${origin}/`);
  await tab.getByRole("navigation", { name: "Window" }).getByRole("link", { name: "60m", exact: true }).click();
  await tab.getByRole("navigation", { name: "Group by" }).getByRole("link", { name: "uri" }).click();
  await tab.getByRole("navigation", { name: "Rows" }).getByRole("link", { name: "10", exact: true }).click();
  assertEquals([...address(tab)], [["w", "60m"], ["by", "uri"], ["n", "10"]]);
  assertEquals(await tab.locator("tbody tr").count(), 10);
  for (
    const [heading, sort] of [["bytes", "bytes"], ["time", "time"], ["max", "time_max"], ["requests", null]] as const
  ) {
    await tab.locator("thead").getByRole("link", { name: heading, exact: true }).click();
    assertEquals(address(tab).get("sort"), sort);
    const sorted = tab.locator("th[aria-sort=descending]");
    assertMatch(await sorted.innerText(), new RegExp(`^${heading}`));
  }
  await tab.getByRole("link", { name: "as a table" }).click();
  const points = tab.getByRole("region", { name: "Trend as a table" }).locator("tbody tr");
  assertEquals(await points.count(), 60);
  await tab.getByRole("link", { name: "hide the table" }).click();
  assertEquals(await points.count(), 0);
  assertEquals(await tab.locator("meta[http-equiv=refresh]").getAttribute("content"), "30");
  await tab.getByRole("link", { name: "Pause" }).click();
  assertEquals([address(tab).get("refresh"), await tab.locator("meta[http-equiv=refresh]").count()], ["0", 0]);
  await tab.getByRole("link", { name: "Resume" }).click();
  assertEquals(address(tab).get("refresh"), null);
  for (const type of ["application/json", "text/csv"]) {
    const href = await tab.locator(`link[rel=alternate][type="${type}"]`).getAttribute("href");
    const response = await fetch(new URL(href ?? "", tab.url()));
    assertStringIncludes(response.headers.get("content-type") ?? "", type);
    await response.body?.cancel();
  }
  const hover = (await tab.locator(".hover title").allTextContents()).join("\n");
  assertMatch(hover, /UTC: [\d\u202f]+ requests, [\d.\u202f]+\/s.* · 2xx [\d\u202f]+.* · 4xx/);
}

async function seeFleet(tab: Tab, { origin }: SmallFleet): Promise<void> {
  await tab.goto(`${origin}/?w=60m&by=prefix`);
  assertMatch(await tab.locator(".notice").innerText(), /1 of 2 sources is missing/);
  await tab.getByRole("link", { name: "Fleet", exact: true }).click();
  assertEquals(new URL(tab.url()).pathname, "/targets");
  const rows = await tab.locator("tbody tr:not(.problem)").allInnerTexts();
  assertEquals(rows.length, 2);
  assertMatch(rows[0], /(down|connecting)/);
  assertMatch(rows[1], /col-1[\s\S]*delivers/);
  await tab.getByRole("link", { name: "col-1" }).click();
  assertEquals([...address(tab)], [["w", "60m"], ["by", "prefix"], ["target", "col-1"]]);
  assert((await read(tab)).total > 0);
  await tab.getByRole("link", { name: "remove the filter on target" }).click();
  assertEquals(address(tab).get("target"), null);
}

/** The first stop leads past the navigation; every stop can be seen. */
async function keyboard(tab: Tab, { origin }: SmallFleet): Promise<void> {
  await tab.goto(`${origin}/?w=60m`);
  const focused = tab.locator(":focus"), names: string[] = [];
  for (let stop = 0; stop < 14; stop++) {
    await tab.keyboard.press("Tab");
    names.push((await focused.innerText()) || (await focused.getAttribute("id")) || "");
    const box = await focused.boundingBox();
    assert(box !== null && box.width > 0 && box.y + box.height > 0, `${names.at(-1)} has focus and cannot be seen`);
  }
  const expected = ["Skip to the numbers", "logtail", "1m", "5m", "15m", "60m", "6h", "24h", "Traffic", "Fleet"];
  assertEquals(names.slice(0, 10), expected);
  assertEquals(names.slice(-2), ["q", "Apply"]);
}

/** Columns keep their places whatever the numbers in them. */
async function standStill(tab: Tab, { origin }: SmallFleet): Promise<void> {
  const places = async (query: string): Promise<readonly number[]> => {
    await tab.goto(`${origin}/?${query}`);
    const boxes = await Promise.all((await tab.locator(".ranking thead th").all()).map((cell) => cell.boundingBox()));
    return boxes.map((box) => Math.round(box?.x ?? -1));
  };
  const one = await places("w=60m&by=prefix");
  for (const query of ["w=6h&by=uri", "w=60m&by=status", "w=60m&by=uri&n=100&sort=bytes"]) {
    assertEquals(await places(query), one, query);
  }
}

async function silence(tab: Tab, fleet: SmallFleet): Promise<void> {
  await tab.goto(`${fleet.origin}/?w=60m`);
  const shown = (await read(tab)).total;
  await fleet.stopTarget();
  const trouble = tab.locator(".trouble");
  // What was asked within the last second is answered from memory.
  await eventually(async () => {
    await tab.reload();
    return await trouble.count() > 0 || undefined;
  }, () => "the page does not say that its target is down");
  assertMatch(await tab.locator(".trouble").innerText(), /cannot be reached[\s\S]*what it said last/);
  assertEquals((await read(tab)).total, shown);
  await tab.reload();
  assertMatch(await tab.locator(".trouble").innerText(), /has not answered since .* UTC|first time/);
  await assertAccessible(tab, "a target that is silent");
  await tab.goto(`${fleet.origin}/targets`);
  assertMatch(await tab.locator(".trouble").innerText(), /cannot be reached/);
}

async function lookAtAll(
  browser: Browser,
  { origin }: SmallFleet,
  scheme: Scheme,
  width: number,
  height: number,
  pictures: string,
): Promise<void> {
  const { tab, complaints } = await openTab(browser, width, height, scheme);
  for (const [name, path] of PAGES) {
    const where = `${name} (${path}), ${scheme}, ${width} px`;
    await tab.goto(`${origin}${path}`);
    await assertNothingIsCut(tab, where);
    if (AXE_WIDTHS.includes(width)) await assertAccessible(tab, where);
    assertEquals(await tab.locator("script, style, img, iframe, [style], [onerror]").count(), 0, where);
    assert(!/owned/.test(await tab.title()), where);
    if (name === "hostile") await assertShownAsText(tab);
    await tab.screenshot({ path: join(pictures, `${name}-${scheme}-${width}.png`) });
  }
  assertEquals(complaints.filter((text) => !/status of 400/.test(text)), []);
  await tab.close();
}

/** Every hostile text is a row of the table, whole as far as it is not too long. */
async function assertShownAsText(tab: Tab): Promise<void> {
  const labels = (await tab.locator("tbody bdi").allInnerTexts()).join("\n");
  for (
    const text of ["<script>document.title=", "<img src=x", "javascript:", "</table></main>", "\\u202etxt", "\\x1b[31m"]
  ) {
    assertStringIncludes(labels, text);
  }
  assertEquals(await tab.locator("tbody tr").count() >= HOSTILE.length, true);
}

async function submit(tab: Tab, filter: string): Promise<void> {
  await tab.getByRole("textbox").fill(filter);
  await tab.getByRole("button", { name: "Apply" }).click();
  await tab.waitForLoadState();
}

/** What the page shows, after a look at whether it adds up. */
async function read(tab: Tab): Promise<ReturnType<typeof readPage>> {
  await tab.waitForLoadState();
  const page = readPage(await tab.content());
  const listed = [...page.counts.values()].reduce((sum, count) => sum + count, 0);
  assertEquals(listed + page.other, page.total, "rows and (other) add up to the total");
  return page;
}

function address(tab: Tab): URLSearchParams {
  return new URL(tab.url()).searchParams;
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await new Deno.Command(program, { args: [...args], env: { LC_ALL: "C.UTF-8" } })
    .output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
