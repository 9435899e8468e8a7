import { assertEquals, assertStringIncludes } from "@std/assert";
import type { TopNAnswer } from "@/core/answer.ts";
import { openLog } from "@/core/host/log.ts";
import { zeroValues } from "@/core/measures.ts";
import { ProxyHint } from "./proxy_hint.ts";

/** What a look at these clients writes to the log, second by second. */
function hints(client: string, requests: number, seconds: readonly number[]): { lines: string[]; asked: number } {
  const lines: string[] = [], values = Object.assign(zeroValues(), { 0: requests });
  const total = Object.assign(zeroValues(), { 0: 1000 });
  let asked = 0;
  const view = {
    topN: (question: { window: string; groupBy: string; filter?: unknown }): TopNAnswer => {
      asked++;
      assertEquals([question.window, question.groupBy, question.filter], ["5m", "prefix", undefined]);
      return { groupBy: "prefix", total, entries: [{ label: client, values, countMax: requests }] } as never;
    },
  };
  const hint = new ProxyHint(view, openLog("collector", (line) => void lines.push(line), () => 0));
  for (const second of seconds) hint.look(second);
  return { lines, asked };
}

Deno.test("a load balancer among the clients is told once a day, with what helps, and looked for once a minute", () => {
  const seconds = Array.from({ length: 600 }, (_, i) => i);
  const { lines, asked } = hints("10.0.0.0/24", 990, seconds);
  assertEquals([lines.length, asked], [1, 10]);
  assertStringIncludes(lines[0], "warn collector: nearly all requests come from one private client");
  assertStringIncludes(lines[0], "client=10.0.0.0/24 requests=990 of=1000");
  assertStringIncludes(lines[0], "set_real_ip_from");
  assertEquals(hints("10.0.0.0/24", 990, [0, 3600, 86_400]).lines.length, 2);
});

Deno.test("clients that are clients are not mentioned", () => {
  assertEquals(hints("10.0.0.0/24", 500, [0, 60]).lines, []);
  assertEquals(hints("203.0.113.0/24", 990, [0, 60]).lines, []);
});
