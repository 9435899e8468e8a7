/** The dashboard under a crowd: fifty screens that reload every second must not make it slow for anybody. */
import { assert, assertEquals } from "@std/assert";
import { startSmallFleet } from "./dashboard.ts";
import { realTest, say } from "./need.ts";
import { pause } from "./ports.ts";

/** Screens, and how often each reloads. */
const CLIENTS = 50, RELOAD_MS = 1000;

/** Reloads of each screen, and pages looked at by one reader before them. */
const RELOADS = 8, IDLE_PAGES = 150;

/** What they rank. */
const BYS = ["website", "prefix", "uri", "status", "asn"];

/** What the slowest of a hundred answers may take under the crowd, in times of that without one. */
const SLOWER_MAX = 5;

/** Bytes of a page of a hundred rows, compressed. */
const PAGE_BYTES_MAX = 60_000;

realTest([], "fifty clients that reload every second do not slow pages down", async () => {
  await using fleet = await startSmallFleet();
  const page = `${fleet.origin}/?w=60m&by=uri&n=100`;
  await idle(fleet.origin, 20); // the first pages are compiled
  const alone: number[] = [], crowded: number[] = [];
  // Other work on the machine makes one round slow, and not another.
  for (let round = 0; round < 3; round++) {
    alone.push(percentile(await idle(fleet.origin, IDLE_PAGES), 99));
    crowded.push(percentile(await crowd(fleet.origin), 99));
    say(`99th percentile of a page: ${ms(alone[round])} alone, ${ms(crowded[round])} among ${CLIENTS}`);
    if (crowded[round] < SLOWER_MAX * alone[round]) break;
  }
  const ratios = crowded.map((slow, i) => slow / alone[i]);
  assert(Math.min(...ratios) < SLOWER_MAX, `${ratios.map((ratio) => ratio.toFixed(1))} times slower`);

  const response = await fetch(page, { headers: { "accept-encoding": "gzip" } });
  assertEquals((await response.text()).match(/<tr>/g)?.length, 101);
  assert(await compressedBytes(page) < PAGE_BYTES_MAX);
});

/** Milliseconds of each page of one reader who looks at one after the other, each another one. */
async function idle(origin: string, pages: number): Promise<readonly number[]> {
  const took: number[] = [];
  for (let i = 0; i < pages; i++) {
    took.push(await timed(`${origin}/?w=60m&by=${BYS[i % BYS.length]}&n=${100 - Math.floor(i / BYS.length)}`));
  }
  return took;
}

/** Milliseconds of each page of the crowd: ten different pages, each on five screens. */
async function crowd(origin: string): Promise<readonly number[]> {
  const took: number[] = [];
  await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => {
    await pause(RELOAD_MS * client / CLIENTS);
    for (let i = 0; i < RELOADS; i++) {
      const begin = performance.now(), n = client % 2 === 0 ? "&n=100" : "&n=50";
      took.push(await timed(`${origin}/?w=60m&by=${BYS[client % BYS.length]}${n}`));
      await pause(Math.max(0, RELOAD_MS - (performance.now() - begin)));
    }
  }));
  return took;
}

async function timed(url: string): Promise<number> {
  const begin = performance.now(), response = await fetch(url);
  await response.text();
  assertEquals(response.status, 200, url);
  return performance.now() - begin;
}

/** What a browser downloads; `fetch` does not say. */
async function compressedBytes(url: string): Promise<number> {
  const { hostname, port, pathname, search } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const ask =
    `GET ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(ask));
  let bytes = 0, head = "";
  for await (const chunk of connection.readable) {
    if (bytes === 0) head = new TextDecoder().decode(chunk);
    bytes += chunk.length;
  }
  assert(/content-encoding: gzip/i.test(head), "pages are compressed");
  return bytes;
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * percent / 100) - 1)];
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
