/** An aggregator answers as one collector would that had counted everything, and keeps what a lost one delivered. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { cliJson, exactCounts, type JsonAnswer, untilEqual } from "./answers.ts";
import { countLogs } from "./naive_count.ts";
import { realTest } from "./need.ts";
import { startNginx } from "./nginx.ts";
import { eventually } from "./ports.ts";
import { planRequests } from "./requests.ts";
import { runCli, startAggregator, startCollector, startFrontend } from "./roles.ts";
import { send } from "./sender.ts";
import { TALLIED, Tally } from "./tally.ts";

realTest(["nginx", "ipv6"], "one collector, and an aggregator over three that share the traffic, agree", async (t) => {
  await using nginx = await startNginx();
  const requests = planRequests(6000, 3);
  const sent = new Tally();
  sent.addAll(requests.map((request) => request.labels));

  // Half of it is there before anybody looks, and has its own times: a backlog.
  await send(nginx, requests.slice(0, 3000));
  const from = ["--from=start"];
  await using whole = await startCollector({ source: "whole", logs: nginx.partLogs, flags: from });
  await using a = await startCollector({ source: "col-a", logs: [nginx.partLogs[0]], flags: from });
  await using b = await startCollector({ source: "col-b", logs: [nginx.partLogs[1]], flags: from });
  await using c = await startCollector({ source: "col-c", logs: [nginx.partLogs[2]], flags: from });
  await using aggregator = await startAggregator("agg", [a.address, b.address, c.address]);
  await send(nginx, requests.slice(3000));

  for (const dimension of TALLIED) {
    await t.step(`by ${dimension}`, async () => {
      // The 8-field format knows neither Tor nor ASN.
      const counts = dimension === "asn" || dimension === "tor" ? new Map([["-", sent.total]]) : sent.by[dimension];
      const expected = { total: sent.total, counts };
      const one = await untilEqual(expected, () => cliJson(whole.address, dimension), `collector by ${dimension}`);
      const many = await untilEqual(
        expected,
        () => cliJson(aggregator.address, dimension),
        `aggregator by ${dimension}`,
      );
      assertEquals(bare(many), bare(one));
    });
  }

  await t.step("by source: each collector's share", async () => {
    const shares = nginx.partLogs.map((path) => countLogs([Deno.readTextFileSync(path)]).total);
    const counts = exactCounts(await cliJson(aggregator.address, "source"));
    assertEquals(counts, new Map(["col-a", "col-b", "col-c"].map((name, i) => [name, shares[i]])));
  });

  await t.step("everybody asked at once: each answer is labelled", async () => {
    const targets = [whole, aggregator].map((role) => role.address).join(",");
    const { code, stdout } = await runCli(["topn", `--target=${targets}`, "--group-by=status", "--n=3"]);
    assertEquals(code, 0);
    assertStringIncludes(stdout, `=== whole (${whole.address}) ===`);
    assertStringIncludes(stdout, `=== agg (${aggregator.address}) ===`);
  });

  await t.step("one collector stopped: coverage names it, what it delivered stays", async () => {
    await using frontend = await startFrontend(aggregator.address);
    const before = await cliJson(aggregator.address, "uri");
    assertEquals(before.coverage, { ...before.coverage, expected: 3, present: 3, missing: [] });
    await c.stop();
    const after = await eventually(async () => {
      const answer = await cliJson(aggregator.address, "uri");
      return answer.coverage.present === 2 ? answer : undefined;
    }, () => "the stopped collector is still present");
    assertEquals(after.coverage.missing, ["col-c"]);
    assertEquals(bare(after), bare(before));
    const page = await (await fetch(`http://${frontend.address}/`)).text();
    assertStringIncludes(page, "col-c");
  });
});

/** What must not depend on who answers: all but names and times. */
function bare(answer: JsonAnswer): unknown {
  const entries = answer.entries.map(({ label, count, count_max, bytes }) => ({ label, count, count_max, bytes }));
  // Entries of equal count have no order that was promised.
  entries.sort((one, other) => one.count - other.count || (one.label < other.label ? -1 : 1));
  return { total: answer.total, other: answer.other, entries };
}
