import { assertEquals } from "@std/assert";
import type { TopNAnswer } from "./answer.ts";
import { type Values, zeroValues } from "./measures.ts";
import { proxyAmongClients } from "./special_prefixes.ts";

function answer(label: string, requests: number, of: number, groupBy: TopNAnswer["groupBy"] = "prefix"): TopNAnswer {
  const values = (count: number): Values => Object.assign(zeroValues(), { 0: count });
  const entries = [{ label, values: values(requests), countMax: requests }];
  const coverage = { expected: 1, present: 1, missing: [], secondsCovered: 300, seconds: 300 };
  const rest = { unlistedMax: 0, totalMax: of, other: values(of - requests), total: values(of) };
  return { source: "a", window: "5m", groupBy, fromS: 0, toS: 300, coverage, entries, ...rest };
}

Deno.test("one private client with more than 90 % of the requests is what stands in front of nginx", () => {
  for (const label of ["10.1.2.0/24", "192.168.0.0/24", "127.0.0.0/24", "100.64.9.0/24", "fd00:1::/48", "unix:"]) {
    assertEquals(proxyAmongClients(answer(label, 950, 1000)), label);
  }
});

Deno.test("nothing is concluded from a share of 90 %, few requests, a public client, or another ranking", () => {
  assertEquals(proxyAmongClients(answer("10.1.2.0/24", 900, 1000)), undefined);
  assertEquals(proxyAmongClients(answer("10.1.2.0/24", 999, 999)), undefined);
  for (const label of ["203.0.113.0/24", "2001:db8::/48", "-", "(other)", "0.0.0.0/0"]) {
    assertEquals(proxyAmongClients(answer(label, 1000, 1000)), undefined, label);
  }
  assertEquals(proxyAmongClients(answer("10.1.2.0/24", 1000, 1000, "website")), undefined);
  assertEquals(proxyAmongClients({ ...answer("10.1.2.0/24", 1000, 1000), entries: [] }), undefined);
});
