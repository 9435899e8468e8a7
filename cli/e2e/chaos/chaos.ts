/**
 * Kills a collector again and again while its log is written, rotated and compressed, and compares in the end what it and
 * an aggregator have counted with what was written.
 */
import { assertEquals } from "@std/assert";
import { cliJson, exactCounts, type JsonAnswer } from "@/cli/e2e/answers.ts";
import { eventually, freePort, pause } from "@/cli/e2e/ports.ts";
import { startAggregator } from "@/cli/e2e/roles.ts";
import { ChaoticLog } from "./chaotic_log.ts";
import { KilledCollector, type KilledOptions } from "./killed_collector.ts";

/** Where a kill lands: in the middle of a line, of a rotation, of a compressed file, of a record of the state; anywhere. */
export const LANDINGS = ["append", "rename", "gzip", "record", "anywhere"] as const;
export type Landing = typeof LANDINGS[number];

export interface ChaosOptions {
  readonly kills: number;
  readonly seed: number;
  /** A folder for log and state. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** How many kills landed where. Rejects when a count differs. */
export async function chaos({ kills, seed, folder, say }: ChaosOptions): Promise<Record<Landing, number>> {
  const random = randomFrom(seed), path = `${folder}/access.log`, stateDir = `${folder}/state`;
  const log = new ChaoticLog(path, random), options: KilledOptions = { port: freePort(), log: path, stateDir };
  const landed = { append: 0, rename: 0, gzip: 0, record: 0, anywhere: 0 };
  await using aggregator = await startAggregator("agg", [`127.0.0.1:${options.port}`]);
  let torn = 0, down = 0;
  // One that was meant for a record may come too late; it counts as any other, and is made up for.
  const lacking = (): Landing | undefined => LANDINGS.find((at) => landed[at] < Math.floor(kills / LANDINGS.length));
  for (let kill = 0; kill < kills || lacking() !== undefined && kill < 2 * kills; kill++) {
    const landing = kill < kills ? LANDINGS[kill % LANDINGS.length] : lacking()!;
    log.append(Math.floor(300 * random()));
    const collector = new KilledCollector({ ...options, disk: landing === "record" ? "slow_disk" : undefined });
    if (kill === 0) await begun(stateDir, collector);
    // Some live long enough to seal and save slices, most do not.
    if (landing !== "record") await busy(log, random, 300 + (landing === "anywhere" ? 14_000 : 2500) * random());
    const rest = await landKill(landing, collector, log, random);
    torn += collector.stderr.includes("was torn") ? 1 : 0;
    checkSaid(collector);
    const where = landing === "record" && !isMidRecord(collector) ? "anywhere" : landing;
    landed[where]++;
    say(`kill ${kill + 1} of ${kills}: ${WORDS[where]}; ${log.lines} lines written`);
    // What was interrupted goes on, while nobody is there or when the next is there already.
    if (random() < 0.5) rest();
    else setTimeout(rest, 700 * random());
    await pause(750 * random() + 700);
    for (let rotations = Math.floor(3 * random()); rotations > 0; rotations--) {
      log.append(Math.floor(200 * random()));
      log.rotate();
      down++;
    }
  }
  const last = new KilledCollector(options);
  log.append(100);
  log.close();
  say(
    `killed ${kills} times; ${down} rotations while it was down; ${torn} torn records were cut off; waiting for the counts`,
  );
  try {
    const aggregatorPort = Number(aggregator.address.split(":")[1]);
    for (const [name, port] of [["collector", options.port], ["aggregator", aggregatorPort]] as const) {
      const target = `127.0.0.1:${port}`;
      assertEquals(
        await counted(target, "website", log, last),
        new Map([...log.byFile].sort()),
        `the ${name}, by file`,
      );
      assertEquals(await counted(target, "uri", log, last), new Map([...log.byUri].sort()), `the ${name}, by URI`);
    }
  } finally {
    assertEquals(await last.stop(), 0, last.stderr);
  }
  checkSaid(last);
  say(`${log.lines} lines written and counted, by the collector and by an aggregator`);
  return landed;
}

const WORDS: Readonly<Record<Landing, string>> = {
  append: "in the middle of a line",
  rename: "in the middle of a rotation",
  gzip: "while a compressed file was half written",
  record: "in the middle of a record of the state",
  anywhere: "anywhere",
};

/** Kills at the moment in question; returns what goes on with what the kill found half done. */
async function landKill(
  landing: Landing,
  collector: KilledCollector,
  log: ChaoticLog,
  random: () => number,
): Promise<() => void> {
  if (landing === "append") {
    const rest = log.appendHalf();
    await pause(150 * random());
    await collector.kill();
    return rest;
  }
  if (landing === "rename" || landing === "gzip") {
    const wanted = landing === "rename" ? "renaming" : "compressing";
    let rotation = log.rotation();
    while (true) {
      const { value, done } = rotation.next();
      if (done === true) rotation = log.rotation();
      else if (value === wanted && (wanted === "compressing" || random() < 0.5)) break;
    }
    await pause(50 * random());
    await collector.kill();
    return () => {
      while (rotation.next().done !== true);
    };
  }
  if (landing === "record") {
    // The first record says where reading begins, the second has what was counted.
    await collector.meets("slow disk: writing", random() < 0.5 ? 1 : 2);
    await pause(20 * random());
    await collector.kill();
    return () => {};
  }
  await collector.kill();
  return () => {};
}

/** Until it has saved where it began: what was rotated away before that was never promised. */
async function begun(stateDir: string, collector: KilledCollector): Promise<void> {
  const saved = (): true | undefined => {
    if (!collector.stderr.includes("looked at the list of logs")) return undefined;
    return [...Deno.readDirSync(stateDir)].some(({ name }) =>
      name.startsWith("segment-") && !isEmpty(`${stateDir}/${name}`)
    ) || undefined;
  };
  await eventually(saved, () => `nothing is saved:\n${collector.stderr}`);
  await pause(500); // it has been written, and will be durable
}

function isEmpty(path: string): boolean {
  return Deno.statSync(path).size === 0;
}

/** Whether something had been written that was not durable yet when it ended. */
function isMidRecord({ stderr }: KilledCollector): boolean {
  return stderr.split("\n").findLast((line) => line.startsWith("slow disk: ")) === "slow disk: writing";
}

/** Lines come, a few at a time, and now and then the log is rotated. */
async function busy(log: ChaoticLog, random: () => number, forMs: number): Promise<void> {
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    log.append(Math.floor(40 * random()));
    if (random() < 0.03) log.rotate();
    await pause(100 * random());
  }
}

/** What is said must be what is expected of a kill. */
function checkSaid({ stderr }: KilledCollector): void {
  const bad = stderr.split("\n").filter((line) => / error collector: |Uncaught/.test(line));
  assertEquals(bad, [], stderr);
}

/** Counts, once there are as many as lines were written; whatever there is after a while, so that what differs is seen. */
async function counted(
  target: string,
  by: "uri" | "website",
  log: ChaoticLog,
  last: KilledCollector,
): Promise<Map<string, number>> {
  let answer: JsonAnswer | undefined;
  const untilMs = performance.now() + 40_000;
  await eventually(
    async () => {
      try {
        answer = await cliJson(target, by, ["--window=60m"]);
      } catch {
        return undefined; // not there yet
      }
      return answer.total >= log.lines || performance.now() > untilMs || undefined;
    },
    () => `no answer from ${target}; it said:\n${last.stderr}`,
    60_000,
  );
  return new Map([...exactCounts(answer!)].sort());
}

/** Numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6D2B79F5 >>> 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}
