/** The ground that the other tests of this folder stand on: what nginx logs is what was sent. */
import { assert, assertEquals } from "@std/assert";
import { countLogs, prefixOf } from "./naive_count.ts";
import { realTest, say } from "./need.ts";
import { startNginx } from "./nginx.ts";
import { eventually } from "./ports.ts";
import { HOSTS, planRequests, STATUSES } from "./requests.ts";
import { send } from "./sender.ts";
import { Tally, tallyDifferences } from "./tally.ts";

realTest(["nginx", "ipv6"], "nginx logs exactly what was sent, over a rotation too", async () => {
  const requests = planRequests(21_000, 1);
  const sent = new Tally();
  sent.addAll(requests.map((request) => request.labels));
  for (const status of STATUSES) assert((sent.by.status.get(status) ?? 0) >= 20, `${status} is sent often enough`);
  for (const host of HOSTS) assert(sent.by.website.has(host), `${host} is asked`);
  assert([...sent.by.uri.keys()].some((uri) => uri.length > 2000));

  await using nginx = await startNginx();
  const started = performance.now();
  await send(nginx, requests.slice(0, 10_000));
  await nginx.rotate();
  await send(nginx, requests.slice(10_000));
  say(`sent ${sent.total} requests in ${Math.round(performance.now() - started)} ms`);

  const wrong = (): readonly string[] => tallyDifferences(sent, countLogs(nginx.readLogs()));
  await eventually(() => wrong().length === 0 || undefined, () => wrong().join("\n"), 5000);
  const parts = countLogs(nginx.partLogs.map((path) => Deno.readTextFileSync(path)));
  assertEquals(parts.by.uri, sent.by.uri);
  assertEquals(parts.by.prefix, sent.by.prefix);
});

Deno.test("the naive count masks addresses", () => {
  assertEquals(prefixOf("198.18.7.9"), "198.18.7.0/24");
  assertEquals(prefixOf("::ffff:203.0.113.9"), "203.0.113.0/24");
  assertEquals(prefixOf("2001:db8:1f::9"), "2001:db8:1f::/48");
  assertEquals(prefixOf("2001:db8::9"), "2001:db8::/48");
  assertEquals(prefixOf("::1"), "::/48");
});

Deno.test("tallies that differ say where", () => {
  const labels = { website: "a", prefix: "p", uri: "/", status: "200", method: "GET", asn: "-", tor: "no" };
  const one = new Tally();
  const two = new Tally();
  one.add(labels);
  two.add({ ...labels, status: "404" });
  assertEquals(tallyDifferences(one, one), []);
  assertEquals(tallyDifferences(one, two), ['status "200": expected 1, got 0', 'status "404": expected 0, got 1']);
});
