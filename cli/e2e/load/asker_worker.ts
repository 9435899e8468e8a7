/**
 * Asks an aggregator, in a thread of its own: what is measured must not wait for those who make the load.
 *
 * Messages in: a port to ask; a slice that has been published, to be told when all sources have delivered it.
 */
import { connect } from "@/proto/client.ts";
import { type AskerOrder, type AskerReport, QUESTIONS } from "./asker.ts";

/** Milliseconds between two looks at whether a slice has come. */
const LAG_STEP_MS = 100;
const TIMEOUT_MS = 20_000;
/** Milliseconds after which a slice that has not come is given up. */
const LAG_MS_MAX = 120_000;

const scope = self as unknown as {
  onmessage: (event: MessageEvent<AskerOrder>) => void;
  postMessage(report: AskerReport): void;
};

scope.onmessage = ({ data }) => {
  const client = connect(`127.0.0.1:${data.port}`);
  let asked = 0, inFlight = 0;
  // At fixed times, whether or not the one before has been answered: who waits must not make the load lighter.
  if (data.questionsPerS > 0) setInterval(() => void ask(), 1000 / data.questionsPerS);
  scope.onmessage = ({ data }): void => void watch(data.endS, data.sources);

  async function ask(): Promise<void> {
    if (inFlight >= IN_FLIGHT_MAX) return scope.postMessage({ kind: "skipped" });
    inFlight++;
    const question = QUESTIONS[asked++ % QUESTIONS.length], began = performance.now();
    try {
      await client.topN(question, TIMEOUT_MS);
      scope.postMessage({ kind: "answered", ms: performance.now() - began });
    } catch (error) {
      scope.postMessage({ kind: "failed", why: String(error) });
    } finally {
      inFlight--;
    }
  }

  async function watch(endS: number, sources: number): Promise<void> {
    const began = performance.now();
    while (performance.now() - began < LAG_MS_MAX) {
      const targets = await client.targets(TIMEOUT_MS).catch(() => []);
      if (targets.filter(({ newestS }) => newestS >= endS).length >= sources) break;
      await new Promise((resolve) => setTimeout(resolve, LAG_STEP_MS));
    }
    scope.postMessage({ kind: "delivered", endS, ms: performance.now() - began });
  }
};

/** Questions under way at once. One more is skipped, which is told. */
const IN_FLIGHT_MAX = 16;
