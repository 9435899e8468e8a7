import { assert, assertEquals, assertThrows } from "@std/assert";
import { UNTAKEN_BYTES_MAX } from "@/core/bounds.ts";
import { simulatedClock, systemClock } from "@/core/host/clock.ts";
import { MachineRefusal } from "@/core/host/exit.ts";
import { openLog } from "@/core/host/log.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { Bucket } from "@/core/bucket.ts";
import { type IngestThreadOptions, startIngestThread } from "./ingest_thread.ts";
import { type FromThread, openSealed, type Sealed, type ToThread } from "./thread_message.ts";

function options(more: Partial<IngestThreadOptions>): IngestThreadOptions {
  return {
    patterns: [],
    from: "start",
    source: "s",
    masks: { v4Bits: 24, v6Bits: 48 },
    seed: 1,
    clock: systemClock(),
    log: openLog("collector", () => {}),
    onSealed: () => {},
    ...more,
  };
}

Deno.test("a thread follows a log and, when stopped, has posted all it read", async () => {
  const folder = Deno.makeTempDirSync(), path = `${folder}/access.log`, buckets: Bucket[] = [];
  const text = `h\t192.0.2.1\t${Math.floor(Date.now() / 1000)}.000\tGET\t/\t200\t10\t0.001\n`.repeat(1000);
  Deno.writeTextFileSync(path, text);
  const thread = startIngestThread(
    options({ patterns: [path], onSealed: (sealed) => buckets.push(...sealed.buckets) }),
  );
  await thread.stop();
  const counted = buckets.reduce((sum, { totals }) => sum + totals[REQUESTS], 0);
  assertEquals(counted, 1000);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a thread holds the permission to read its logs' directories and its modules, and no other", async () => {
  const folder = Deno.makeTempDirSync(), told = Promise.withResolvers<Sealed>();
  const thread = startIngestThread(options({
    entry: new URL("./holding_worker_fixture.ts", import.meta.url),
    patterns: [`${folder}/access.log`],
    onSealed: told.resolve,
  }));
  const states = new Map<string, string>(JSON.parse((await told.promise).problem));
  const held = [...states].filter(([, state]) => state === "granted").map(([name]) => name);
  assertEquals(held, ["read log", "read folder", "read modules"]);
  assertEquals([states.size, states.get("tried")], [13, "NotCapable NotCapable"]);
  await thread.stop();
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a thread that dies before it has sealed anything is started again from where it stood after its first look", async () => {
  const started = Promise.withResolvers<Sealed>();
  const lines: string[] = [], clock = simulatedClock();
  const thread = startIngestThread(options({
    entry: new URL("./dying_worker_fixture.ts", import.meta.url),
    from: "end",
    clock,
    log: openLog("collector", (line) => void lines.push(line)),
    onSealed: started.resolve,
  }));
  const { problem, endS } = await started.promise;
  const { positions, scanned, from, nowS } = JSON.parse(problem) as Extract<ToThread, { kind: "start" }>;
  assertEquals([positions[0].offset, scanned, from, nowS], [77, ["/log"], "end", clock.nowS()]);
  assertEquals(lines.filter((line) => line.includes("the fixture dies")).length, 1);
  clock.advanceMs(5000);
  assertEquals(thread.nowS(), endS + 5, "the thread's clock decides");
  await thread.stop();
});

Deno.test("a thread says where it stands as soon as it has looked, so that no line is lost when it dies at once", async () => {
  const folder = Deno.makeTempDirSync(), path = `${folder}/access.log`;
  Deno.writeTextFileSync(path, "old\n");
  const worker = new Worker(new URL("./ingest_worker.ts", import.meta.url), { type: "module" });
  const said = Promise.withResolvers<FromThread>();
  worker.onmessage = ({ data }: MessageEvent<FromThread>): void => said.resolve(data);
  const { clock, log: _log, onSealed: _onSealed, ...start } = options({ patterns: [path], from: "end" });
  const former = {
    positions: [],
    scanned: [],
    sockets: [],
    endS: 0,
    nowS: clock.nowS(),
    creditBytes: 1e6,
  };
  worker.postMessage({ kind: "start", ...start, ...former });
  const message = await said.promise;
  worker.terminate();
  assert(message.kind === "scanned");
  assertEquals([message.patterns, message.positions.map(({ offset }) => offset)], [[path], [4]]);
  Deno.removeSync(folder, { recursive: true });
});

for (const isTaken of [false, true]) {
  Deno.test(`what a thread has sealed is ${isTaken ? "" : "not "}taken: it reads ${isTaken ? "on" : "no further"}`, async () => {
    const folder = Deno.makeTempDirSync(), path = `${folder}/access.log`, buckets: Bucket[] = [];
    Deno.writeTextFileSync(path, "");
    const worker = new Worker(new URL("./ingest_worker.ts", import.meta.url), { type: "module" });
    let reached = 0;
    const stopped = Promise.withResolvers<void>(), sealed = Promise.withResolvers<void>();
    worker.onmessage = ({ data }: MessageEvent<FromThread>): void => {
      if (data.kind === "stopped") stopped.resolve();
      if (data.kind !== "sealed") return;
      reached = data.positions[0]?.offset ?? 0;
      buckets.push(...openSealed(data).buckets);
      sealed.resolve();
    };
    const { clock, log: _log, onSealed: _onSealed, ...start } = options({ patterns: [path] });
    const nowS = clock.nowS(), former = { positions: [], scanned: [], sockets: [], nowS };
    // A former thread sealed until 200 s ago: the first that this one does is to seal twenty empty slices, of a kilobyte each.
    worker.postMessage({
      kind: "start",
      ...start,
      ...former,
      endS: 10 * Math.floor(nowS / 10) - 200,
      creditBytes: 9000,
    });
    await sealed.promise;
    const lines = logLine("a").repeat(100);
    Deno.writeTextFileSync(path, lines);
    if (isTaken) worker.postMessage({ kind: "taken" });
    worker.postMessage({ kind: "stop" });
    await stopped.promise;
    worker.terminate();
    assertEquals([counted(buckets), reached], isTaken ? [100, lines.length] : [0, 0]);
    Deno.removeSync(folder, { recursive: true });
  });
}

Deno.test("a thread is told that what it has sealed was taken, and what it may have on its way", async () => {
  const seen = Promise.withResolvers<Sealed>();
  const thread = startIngestThread(options({
    entry: new URL("./taken_worker_fixture.ts", import.meta.url),
    onSealed: (sealed) => sealed.problem === "" || seen.resolve(sealed),
  }));
  assertEquals((await seen.promise).problem, `taken ${UNTAKEN_BYTES_MAX}`);
  await thread.stop();
});

function logLine(host: string): string {
  return `${host}\t192.0.2.1\t${Math.floor(Date.now() / 1000)}.000\tGET\t/\t200\t10\t0.001\n`;
}

/** Requests in buckets. */
function counted(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, { totals }) => sum + totals[REQUESTS], 0);
}

for (const [from, expected] of [["start", 3], ["end", 1]] as const) {
  Deno.test(`logs in another directory are followed by a new thread that may read it, from the ${from}; no other line is lost or doubled`, async () => {
    const folder = Deno.makeTempDirSync(), buckets: Bucket[] = [];
    const [first, second] = ["one", "two"].map((name) => {
      Deno.mkdirSync(`${folder}/${name}`);
      Deno.writeTextFileSync(`${folder}/${name}/access.log`, logLine("old"));
      return `${folder}/${name}/access.log`;
    });
    let scanned = Promise.withResolvers<readonly string[]>();
    const thread = startIngestThread(options({
      patterns: [first],
      from,
      onSealed: (sealed) => buckets.push(...sealed.buckets),
      onScanned: (patterns) => scanned.resolve(patterns),
    }));
    assertEquals(await scanned.promise, [first]);
    scanned = Promise.withResolvers();
    thread.follow([first, second]);
    Deno.writeTextFileSync(first, logLine("new"), { append: true });
    assertEquals(await scanned.promise, [first, second]);
    await thread.stop();
    assertEquals(counted(buckets), expected);
    Deno.removeSync(folder, { recursive: true });
  });
}

const NOWHERE = "/tmp/logtail-nowhere";
const FOLDER = `/tmp/logtail-thread-${Deno.pid}`, LOG = `${FOLDER}/access.log`;

Deno.test({
  name:
    "when the process may not read the new logs, it says which permission is missing and follows the former ones on",
  permissions: { read: [new URL("../", import.meta.url), FOLDER], write: [FOLDER] },
  fn: async () => {
    Deno.mkdirSync(FOLDER, { recursive: true });
    Deno.writeTextFileSync(LOG, logLine("one"));
    const scanned = Promise.withResolvers<unknown>(), buckets: Bucket[] = [];
    const onSealed = (sealed: Sealed): void => void buckets.push(...sealed.buckets);
    const thread = startIngestThread(options({ patterns: [LOG], onSealed, onScanned: scanned.resolve }));
    await scanned.promise;
    const error = assertThrows(() => thread.follow([LOG, "/srv/logs/*.log", "/srv/more/*.log"]), MachineRefusal);
    const help = "start it with --allow-read=/srv/logs,/srv/more beside what it has";
    assertEquals(error.message.endsWith(help), true, error.message);
    Deno.writeTextFileSync(LOG, logLine("two"), { append: true });
    await thread.stop();
    assertEquals(counted(buckets), 2);
    Deno.removeSync(FOLDER, { recursive: true });
  },
});

Deno.test({
  name: "a thread that dies and cannot be started again is tried again, and stops when it is told to",
  permissions: { read: [new URL("../", import.meta.url), NOWHERE] },
  fn: async () => {
    const refused = Promise.withResolvers<string>();
    const log = openLog("collector", (line) => line.includes("no ingest thread") && refused.resolve(line));
    const entry = new URL("./dying_worker_fixture.ts", import.meta.url);
    const thread = startIngestThread(options({ entry, patterns: [`${NOWHERE}/*.log`], log }));
    Deno.permissions.revokeSync({ name: "read", path: NOWHERE });
    assertEquals(/--allow-read=\/tmp\/logtail-nowhere .* after_ms=\d+$/.test(await refused.promise), true);
    await thread.stop();
  },
});

Deno.test({
  name: "a thread that may not read its logs is refused with the flag that would help",
  permissions: { read: [new URL("../", import.meta.url)] },
  fn: () => {
    const error = assertThrows(() => startIngestThread(options({ patterns: ["/srv/logs/*.log"] })), MachineRefusal);
    assertEquals(/--allow-read=.*\/srv\/logs/.test(error.message), true, error.message);
  },
});
