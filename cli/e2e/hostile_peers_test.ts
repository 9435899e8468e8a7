/**
 * An aggregator that is told to follow peers that are no collectors, or bad ones: each is refused with a reason that can be
 * read, and those beside it are answered about as if it were not there.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { REQUESTS } from "@/core/measures.ts";
import type { TargetInfo } from "@/core/answer.ts";
import { type Client, connect } from "@/proto/client.ts";
import { budgetBytes, memoryBytes } from "./fleet/memory_told.ts";
import { line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { eventually } from "./ports.ts";
import { type Role, ROOT, startAggregator, startCollector } from "./roles.ts";

/** What is said of each kind of peer in `proto/hostile_peer_fixture.ts` among the targets; empty for those that may stay. */
const SAID: Readonly<Record<string, string | RegExp>> = {
  web: "refuses: Received message larger than max",
  unknown_call: "does not know this call",
  escapes: "owned",
  garbage: "Response message parsing error",
  oversized: "refuses: Received message larger than max",
  too_large: "refuses: Received message larger than max",
  bomb: "decompresses to a size larger than",
  // A mebibyte, which a very busy machine takes longer for than the first word of a source may.
  many_fields: /it has more fields than any of ours|did not say a word for 30 s/,
  // Given up after half a minute, which a test in the aggregator's folder waits for on virtual time.
  drip: "",
  silence: "",
  http1: "the connection was closed",
  noise: "does not speak HTTP/2",
  from_1970: "1 bucket is refused: it is of 1970-01-01T00:00:00Z, and a day is held",
  from_2100: "1 bucket is refused: it is of 2100-01-01T00:00:00Z, which is to come",
  columns: "12 buckets are refused: ",
  endless_hellos: "",
  endless_unusable: "buckets are refused: its checksum does not match its content",
  endless_again: "",
  endless_large: "",
  endless_instances: "",
  endless_names: "",
  names: "",
};

const SAME_NAME = "another source has the same name";

/** Milliseconds that half of the answers may take while six peers send without end; all do on a quiet machine. */
const ANSWER_MS_MEDIAN_MAX = 500;

/** Lines of log that all these may make within the time of the test. */
const LOG_LINES_MAX = 600;

realTest(
  [],
  "peers that are no collectors, and bad ones, are refused with a reason, and nobody else suffers",
  async () => {
    using folder = new TestFolder();
    await using peers = await startHostilePeers();
    const names = ["web-1", "twin", "twin"], logs = names.map((_, i) => folder.path(`${i}.log`));
    for (const path of logs) Deno.writeTextFileSync(path, "");
    await using first = await startCollector({ source: names[0], logs: [logs[0]] });
    await using second = await startCollector({ source: names[1], logs: [logs[1]] });
    await using third = await startCollector({ source: names[2], logs: [logs[2]] });
    const honest = [first, second, third].map(({ address }) => address);
    await using aggregator = await startAggregator("agg", [...honest, ...Object.values(peers.addresses)]);
    const client = connect(aggregator.address);
    try {
      const written: Readonly<Record<string, number>> = { "honest-0": 5, "honest-1": 7, "honest-2": 9 };
      for (const i of [0, 1, 2]) {
        folder.append(
          line({ host: `honest-${i}` }).repeat(written[`honest-${i}`]),
          `${i}.log`,
        );
      }
      const answersMs: number[] = [];
      await untilCounted(client, written, answersMs, aggregator);

      const targets = await untilAllSaid(client, peers.addresses, honest.slice(1), aggregator);
      for (const address of honest) assertEquals(targets.get(address)?.state, "connected", address);
      assertEquals(targets.get(honest[0])?.problem, "");
      for (const kind of ["drip", "silence"]) assert(targets.get(peers.addresses[kind])?.state !== "connected", kind);
      await eventually(() => aggregator.stderr().includes(SAME_NAME) || undefined, () => aggregator.stderr(), 20_000);
      for (const [address, { problem }] of targets) {
        assert(
          problem.length < 1500,
          `${address}: ${problem.length} characters`,
        );
      }

      const median = answersMs.sort((one, other) => one - other)[answersMs.length >> 1];
      assert(median < ANSWER_MS_MEDIAN_MAX, `answers took ${answersMs.map(Math.round)} ms`);
      const logged = aggregator.stderr();
      assert(logged.split("\n").length < LOG_LINES_MAX, `${logged.split("\n").length} lines of log`);
      assertEquals(logged.split("\n").filter((text) => / error aggregator: /.test(text)), []);
      assert(!logged.includes("\x1b"), "what a peer says is escaped in the log");
      const budget = budgetBytes(logged), takes = await memoryBytes(client);
      assert(takes > 0 && takes < budget, `${takes} bytes of memory, the budget is ${budget}`);
    } finally {
      client.close();
    }
  },
);

interface HostilePeers extends AsyncDisposable {
  readonly addresses: Readonly<Record<string, string>>;
}

async function startHostilePeers(): Promise<HostilePeers> {
  const args = ["run", "--quiet", "--no-prompt", "--frozen", `--config=${join(ROOT, "deno.json")}`, "--ignore-env"];
  args.push("--allow-net=127.0.0.1", join(ROOT, "proto/hostile_peer_fixture.ts"));
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "inherit" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const ports = JSON.parse(value!) as Record<string, number>;
  assertEquals(Object.keys(ports).sort(), Object.keys(SAID).sort());
  return {
    addresses: Object.fromEntries(Object.entries(ports).map(([kind, port]) => [kind, `127.0.0.1:${port}`])),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
    },
  };
}

/** Until the aggregator has exactly these requests of these websites; what bad peers deliver under other names may be more. */
async function untilCounted(
  client: Client,
  written: Readonly<Record<string, number>>,
  answersMs: number[],
  { stderr }: Role,
): Promise<void> {
  let last = "";
  await eventually(
    async () => {
      const beginMs = performance.now();
      const { entries } = await client.topN(
        { window: "60m", groupBy: "website", n: 10_000, sort: REQUESTS, filter: undefined },
        10_000,
      );
      answersMs.push(performance.now() - beginMs);
      const counted = new Map(entries.map(({ label, values }) => [label, values[REQUESTS]]));
      last = JSON.stringify(Object.keys(written).map((name) => counted.get(name) ?? 0));
      for (const [name, lines] of Object.entries(written)) {
        assert((counted.get(name) ?? 0) <= lines, `${name}: ${last}`);
      }
      return Object.entries(written).every(([name, lines]) => counted.get(name) === lines) || undefined;
    },
    () => `${last} counted, ${JSON.stringify(written)} written; it said:\n${stderr().slice(-4000)}`,
    30_000,
  );
}

/** Until of every peer is said what has to be, and of the twins that they are; by address. */
async function untilAllSaid(
  client: Client,
  addresses: Readonly<Record<string, string>>,
  twins: readonly string[],
  { stderr }: Role,
): Promise<Map<string, TargetInfo>> {
  let lacking: string[] = [];
  return await eventually(
    async () => {
      const targets = new Map((await client.targets(10_000)).map((target) => [target.address, target]));
      lacking = Object.entries(SAID).flatMap(([kind, said]) => {
        const { problem, state } = targets.get(addresses[kind])!;
        const isSaid = typeof said === "string" ? problem.includes(said) : said.test(problem);
        return isSaid ? [] : [`${kind} is ${state}: ${JSON.stringify(problem)}`];
      });
      lacking.push(...twins.filter((address) => !targets.get(address)!.problem.includes(SAME_NAME)));
      return lacking.length === 0 ? targets : undefined;
    },
    () => `${lacking.join("\n")}\nit said:\n${stderr().slice(-4000)}`,
    60_000,
  );
}
