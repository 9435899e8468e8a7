import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import type { TopNAnswer, TopNQuestion } from "@/core/answer.ts";
import type { Delta } from "@/core/bucket.ts";
import { CounterTable } from "@/core/counter_table.ts";
import { emptyLedger } from "@/core/ledger.ts";
import { REQUESTS } from "@/core/measures.ts";
import { LiveView } from "@/core/live_view.ts";
import { seal } from "@/core/seal.ts";
import { TIERS } from "@/core/slices.ts";
import { countRequest, randomFrom, randomRequest } from "@/core/test_lines.ts";
import { MachineRefusal } from "@/core/host/endings.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { type Client, connect } from "@/proto/client.ts";
import { type AnsweringOptions, AnsweringThread } from "./answering_thread.ts";

const START = 1_700_006_400;
const QUESTION: TopNQuestion = { window: "1m", groupBy: "uri", n: 20, sort: REQUESTS, filter: undefined };

function newView(): LiveView {
  const ledger = emptyLedger();
  return new LiveView({
    source: "agg",
    seed: 1,
    regex: linearRegex,
    targets: () => [
      { name: "a", address: "a:1", state: "connected", newestS: START, problem: "", ledger, delivers: new Set(["a"]) },
    ],
    mergesMax: 2,
  });
}

function deltaOf(sequence: number): Delta {
  const random = randomFrom(sequence), table = new CounterTable(11);
  for (let i = 0; i < 50; i++) countRequest(table, randomRequest(random, 40));
  const bucket = seal(table, START - 10, 10, emptyLedger(), TIERS[0].freshCaps);
  return { identity: { source: "a", instance: "0".repeat(16), sequence, checksum: 0 }, bucket };
}

interface Tried {
  readonly view: LiveView;
  readonly client: Client;
  readonly thread: AnsweringThread;
  readonly said: readonly string[];
}

/** Runs `body` with a thread that answers for a view which has a delta already. */
async function withThread(body: (tried: Tried) => Promise<void>, more: Partial<AnsweringOptions> = {}): Promise<void> {
  const view = newView(), said: string[] = [];
  view.advance(START);
  view.accept(deltaOf(1), START);
  const thread = new AnsweringThread(options(view, said, more));
  const client = connect(`127.0.0.1:${await thread.start()}`);
  try {
    await body({ view, client, thread, said });
  } finally {
    client.close();
    await thread.stop(1000);
  }
}

function options(view: LiveView, said: string[], more: Partial<AnsweringOptions> = {}): AnsweringOptions {
  return {
    listen: "127.0.0.1:0",
    seed: 1,
    view,
    credentials: {},
    log: openLog("t", (line) => said.push(line)),
    style: { format: "text", toJournal: false },
    monotonicMs: () => performance.now(),
    ...more,
  };
}

async function untilEqual(client: Client, view: LiveView): Promise<TopNAnswer> {
  for (let tries = 0;; tries++) {
    const answer = await client.topN(QUESTION, 5000);
    if (answer.total[REQUESTS] === view.topN(QUESTION).total[REQUESTS]) return answer;
    assert(tries < 500, `${answer.total[REQUESTS]} of ${view.topN(QUESTION).total[REQUESTS]} answered`);
    await delay(10);
  }
}

Deno.test("a thread answers from the first moment on, and soon what came later", async () => {
  await withThread(async ({ view, client, thread }) => {
    const first = await client.topN(QUESTION, 5000);
    assertEquals(first.total[REQUESTS], 50);
    assertEquals(first.coverage, { expected: 1, present: 1, missing: [], secondsCovered: 10, seconds: 60 });
    for (let sequence = 2; sequence <= 300; sequence++) view.accept(deltaOf(sequence), START);
    const later = await untilEqual(client, view), here = view.topN(QUESTION);
    assertEquals(later.entries.map(({ label, values }) => [label, values]), [
      ...here.entries.map(({ label, values }) => [label, values]),
    ]);
    assertEquals((await client.targets(5000)).map(({ address }) => address), ["a:1"]);
    await thread.refreshCalls();
    const asked = thread.calls.methods.find(({ name }) => name === "TopN");
    assert((asked?.ended.get("OK") ?? 0) >= 2);
  });
});

Deno.test("who follows gets what it lacks and what is new, through both threads", async () => {
  await withThread(async ({ view, client }) => {
    view.accept(deltaOf(2), START);
    const leaving = new AbortController(), got: number[] = [];
    for await (const item of client.deltas(leaving.signal, [])) {
      if ("caughtUp" in item && item.caughtUp) view.accept(deltaOf(3), START);
      if ("identity" in item) got.push(item.identity.sequence);
      if (got.length === 3) break;
    }
    leaving.abort();
    assertEquals(got, [2, 1, 3]);
    for (let tries = 0; view.deltaLog.followers > 0; tries++) {
      assert(tries < 500, "nobody reads, and it is still followed");
      await delay(10);
    }
  });
});

Deno.test("a thread that dies is replaced, at the same port, by one that knows what it knew", async () => {
  const entry = new URL("./dying_answering_fixture.ts", import.meta.url);
  await withThread(async ({ view, client, thread, said }) => {
    await thread.refreshCalls();
    assert(said.some((line) => line.includes("the answering thread died")), said.join("\n"));
    for (let tries = 0;; tries++) {
      const answer = await client.topN(QUESTION, 5000).catch(() => undefined);
      if (answer?.total[REQUESTS] === view.topN(QUESTION).total[REQUESTS]) return;
      assert(tries < 200, "nobody answers any more");
      await delay(50);
    }
  }, { entry });
});

Deno.test("a thread that does nothing any more holds up no stop", async () => {
  const entry = new URL("./hanging_answering_fixture.ts", import.meta.url);
  await withThread(async ({ thread }) => {
    void thread.refreshCalls();
    await delay(50);
    const beganMs = performance.now();
    await thread.stop(100);
    assert(performance.now() - beganMs < 5000);
  }, { entry });
});

Deno.test("what cannot be served is refused with a reason", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const busy = new AnsweringThread(options(newView(), [], { listen: `127.0.0.1:${port}` }));
  await assertRejects(() => busy.start(), MachineRefusal, `${port}`);
  const lost = new AnsweringThread(
    options(newView(), [], { credentials: { "token-file": "/tmp/logtail-no-such-token" } }),
  );
  await assertRejects(() => lost.start(), MachineRefusal, "--token-file");
});
