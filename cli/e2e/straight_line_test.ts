/** Promise 1, from end to end: what was sent is what the table, the JSON and the page say, in every dimension. */
import { assertEquals } from "@std/assert";
import { ALL, cliJson, cliTable, exactCounts, type JsonAnswer, untilEqual } from "./answers.ts";
import { countBytes, countLogs } from "./naive_count.ts";
import { realTest, say } from "./need.ts";
import { type Nginx, startNginx } from "./nginx.ts";
import { openPage, type Page, shownCounts } from "./page.ts";
import { eventually, pause } from "./ports.ts";
import { planRequests, type Request } from "./requests.ts";
import { type Role, runCli, startCollector, startFrontend } from "./roles.ts";
import { send } from "./sender.ts";
import { differences, type Labels, TALLIED, type Tallied, Tally, tallyDifferences } from "./tally.ts";

/** Requests that are sent before the answers are compared. */
const REQUESTS = 21_000;
/** Rows asked of a page. */
const PAGE_ROWS = 500;

realTest(["nginx", "ipv6"], "the counts of CLI, JSON and page equal what was sent, in every dimension", async (t) => {
  await using nginx = await startNginx();
  await using collector = await startCollector({ source: "col-1", logs: [nginx.accessLog] });
  await using frontend = await startFrontend(collector.address);
  const requests = planRequests(REQUESTS, 2);
  const sent = tallyOf(requests);
  await send(nginx, requests);
  await untilLogged(nginx, sent);

  for (const dimension of TALLIED) {
    const expected = { total: sent.total, counts: sent.by[dimension] };
    await t.step(`by ${dimension}: CLI --json`, async () => {
      await untilEqual(expected, () => cliJson(collector.address, dimension), dimension);
    });
    await t.step(`by ${dimension}: CLI table`, async () => {
      assertEquals(differences(expected.counts, await cliTable(collector.address, dimension)), []);
    });
    await t.step(`by ${dimension}: raw=1`, async () => {
      const answer = await pageJson(frontend, { by: dimension });
      assertEquals(answer.total, sent.total);
      assertEquals(differences(expected.counts, exactCounts(answer)), []);
    });
    await t.step(`by ${dimension}: page`, async () => {
      comparePage(await openPage(frontend.address, { by: dimension, n: `${PAGE_ROWS}`, w: "5m" }), sent, dimension);
    });
  }
  await t.step("the trend adds up to the total", async () => {
    const { code, stdout } = await runCli(["trend", `--target=${collector.address}`, "--window=5m", "--json"]);
    assertEquals(code, 0);
    const { points } = JSON.parse(stdout) as { readonly points: readonly { readonly count: number | null }[] };
    assertEquals(points.reduce((sum, { count }) => sum + (count ?? 0), 0), sent.total);
  });
  await t.step("bytes add up to those of the log", async () => {
    const { entries } = await cliJson(collector.address, "status");
    assertEquals(entries.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0), countBytes(nginx.readLogs()));
  });
  await t.step("filtered answers", () => compareFiltered(sent, collector, frontend));
});

realTest(
  ["nginx", "ipv6"],
  "rotation by rename and USR1 under load loses nothing and counts nothing twice",
  async () => {
    await using nginx = await startNginx();
    await using collector = await startCollector({ source: "col-1", logs: [nginx.accessLog] });
    const sent = new Tally();
    let rotating = true;
    const load = (async (): Promise<void> => {
      for (let seed = 100; rotating; seed++) {
        // Without those that wait for a second, so that nginx never rests.
        const requests = planRequests(400, seed).filter(({ labels }) => labels.status !== "504");
        await send(nginx, requests);
        sent.addAll(requests.map((request) => request.labels));
        await pause(25);
      }
    })();
    try {
      // As logrotate does it; late, so that the renamed file goes on growing; and several times a second.
      for (const betweenMs of [0, 0, 2500, 0, 300, 0, 0, 1500]) await nginx.rotate(betweenMs);
      await pause(500);
    } finally {
      rotating = false;
      await load;
    }
    await untilLogged(nginx, sent);
    say(`sent ${sent.total} requests over ${nginx.readLogs().length} files`);
    for (const dimension of ["status", "uri", "prefix"] as const) {
      const expected = { total: sent.total, counts: sent.by[dimension] };
      await untilEqual(expected, () => cliJson(collector.address, dimension), dimension)
        .catch((error: Error) => {
          throw new Error(`${error.message}\nthe collector said:\n${collector.stderr()}`);
        });
    }
  },
);

/** A page shows the heaviest rows, and everything else as "(other)". */
function comparePage(page: Page, sent: Tally, dimension: Tallied): void {
  const expected = shownCounts(sent.by[dimension]);
  const heaviest = [...expected.values()].sort((a, b) => b - a).slice(0, PAGE_ROWS);
  assertEquals([...page.counts.values()], heaviest, "the heaviest values, heaviest first");
  for (const [label, count] of page.counts) assertEquals([label, count], [label, expected.get(label) ?? 0]);
  const shown = heaviest.reduce((sum, count) => sum + count, 0);
  assertEquals([page.total, page.other], [sent.total, sent.total - shown]);
}

/** One, two and three filters at once, on heavy and on rare values. */
async function compareFiltered(sent: Tally, collector: Role, frontend: Role): Promise<void> {
  const cases: readonly (readonly [Partial<Labels>, Tallied])[] = [
    [{ website: "site-07.example" }, "prefix"],
    [{ website: "site-07.example", prefix: "198.18.0.0/24" }, "uri"],
    [{ prefix: "2001:db8::/48", status: "404" }, "website"],
    [{ status: "499" }, "uri"],
    [{ method: "HEAD", status: "304" }, "prefix"],
    [{ method: "POST", website: "site-11.example", tor: "no" }, "status"],
  ];
  for (const [filter, dimension] of cases) {
    const wanted = sent.where(filter);
    const what = `${JSON.stringify(filter)} by ${dimension}`;
    const flags = Object.entries(filter).map(([name, value]) => `--${name}=${value}`);
    const answer = await cliJson(collector.address, dimension, flags);
    assertEquals(answer.total, wanted.total, what);
    assertEquals(differences(wanted.by[dimension], exactCounts(answer)), [], what);
    const fields = Object.fromEntries(Object.entries(filter).map(([name, value]) => [`f_${name}`, value]));
    const raw = await pageJson(frontend, { by: dimension, ...fields });
    assertEquals([raw.total, exactCounts(raw)], [answer.total, exactCounts(answer)], what);
  }
}

async function pageJson(frontend: Role, parameters: Readonly<Record<string, string>>): Promise<JsonAnswer> {
  const search = new URLSearchParams({ w: "5m", n: `${ALL}`, raw: "1", ...parameters });
  const response = await fetch(`http://${frontend.address}/?${search}`);
  assertEquals([response.status, response.headers.get("content-type")?.split(";")[0]], [200, "application/json"]);
  return await response.json() as JsonAnswer;
}

function tallyOf(requests: readonly Request[]): Tally {
  const tally = new Tally();
  tally.addAll(requests.map((request) => request.labels));
  return tally;
}

/** First the log against what was sent: a difference here is the sender's or nginx's, and none of the product's. */
async function untilLogged(nginx: Nginx, sent: Tally): Promise<void> {
  let last: readonly string[] = [];
  await eventually(
    () => {
      last = tallyDifferences(sent, countLogs(nginx.readLogs()));
      return last.length === 0 || undefined;
    },
    () => `the log is not what was sent:\n${last.join("\n")}`,
    5000,
  );
}
