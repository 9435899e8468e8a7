/**
 * The pictures of the README: the dashboard on the demo's traffic, nine minutes into the attack, light and dark.
 *
 *   deno task screenshots      writes docs/dashboard-light.png and docs/dashboard-dark.png
 */
import { join } from "@std/path";
import { trafficLines } from "@/cli/demo/traffic.ts";
import { cliJson } from "./answers.ts";
import { startBrowser } from "./browser.ts";
import { TestFolder } from "./lines.ts";
import { eventually } from "./ports.ts";
import { ROOT, startCollector, startFrontend } from "./roles.ts";

/** Seconds of traffic, so that the hour before the one that is shown is known too; and since when there is an attack. */
const HISTORY_S = 7500, ATTACK_AGE_S = 540;

/** The page: who attacks the shop. */
const PAGE = "/?w=60m&by=prefix&f_website=shop.example";

const SIZE = { width: 1280, height: 860 };

/** Numbers that only look random, so that pictures differ by their time alone. */
function fixedRandom(): () => number {
  let state = 7;
  return () => (state = state * 16_807 % 2_147_483_647) / 2_147_483_647;
}

async function takePictures(): Promise<void> {
  using log = new TestFolder();
  const endS = Math.floor(Date.now() / 1000);
  const lines = [...trafficLines(endS - HISTORY_S, endS, endS - ATTACK_AGE_S, fixedRandom())];
  log.append(lines.join(""));
  await using collector = await startCollector({ source: "demo", logs: [log.path()], flags: ["--from=start"] });
  await using frontend = await startFrontend(collector.address);
  await eventually(
    async () => (await cliJson(collector.address, "website", ["--window=6h"])).total === lines.length || undefined,
    () => "the traffic is not counted",
    60_000,
  );
  const browser = await startBrowser();
  try {
    for (const colorScheme of ["light", "dark"] as const) {
      const tab = await browser.newPage({ colorScheme, viewport: SIZE });
      await tab.goto(`http://${frontend.address}${PAGE}`);
      await tab.screenshot({ path: join(ROOT, "docs", `dashboard-${colorScheme}.png`) });
    }
  } finally {
    await browser.close();
  }
}

if (import.meta.main) await takePictures();
