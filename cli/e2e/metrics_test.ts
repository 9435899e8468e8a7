/** What every role says of itself over HTTP: Prometheus' tool finds nothing to complain of, and alerts and dashboard ask for what is there. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sendDatagrams } from "./datagrams.ts";
import { line, TestFolder } from "./lines.ts";
import { readMetrics } from "./metrics.ts";
import { realTest } from "./need.ts";
import { CLOSED_PORT, eventually, freePort } from "./ports.ts";
import { askOf, checkMetrics } from "./promtool.ts";
import { ROOT, runCli, startAggregatorWith, startCollector, startFrontend } from "./roles.ts";

const RULES = `${ROOT}packaging/prometheus/nginx-logtail.rules.yml`;
const BOARD = `${ROOT}packaging/grafana/nginx-logtail.json`;

async function page(port: number, path = "/metrics"): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
}

/** Names of series that texts ask for. */
function asked(...texts: readonly string[]): ReadonlySet<string> {
  const names = texts.flatMap((text) => text.match(/\b(?:logtail|nginx_http|process)_[a-z_]+/g) ?? []);
  return new Set(names.filter((name) => name !== "nginx_http"));
}

realTest(
  ["promtool"],
  "a fleet's metrics are clean, count what was sent, and are all that alerts and dashboard need",
  async (t) => {
    using folder = new TestFolder();
    folder.append("");
    const [udp, tcp, ...ports] = Array.from({ length: 5 }, () => freePort()), [c, a, f] = ports;
    const state = folder.path("state"), kept = folder.path("kept");
    for (const path of [state, kept]) Deno.mkdirSync(path);
    // As the kernel writes it, with this one socket and no drops.
    const hexPort = udp.toString(16).toUpperCase().padStart(4, "0");
    folder.append(
      `   0: 0100007F:${hexPort} 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0\n`,
      "udp",
    );
    await using collector = await startCollector({
      source: "web-1",
      logs: [folder.path()],
      flags: [
        `--prom-listen=127.0.0.1:${c}`,
        `--udp-listen=127.0.0.1:${udp}`,
        `--syslog-listen=tcp://127.0.0.1:${tcp}`,
        `--udp-drops=${folder.path("udp")}`,
        `--state-dir=${state}`,
      ],
      listens: [c, udp, tcp].map((port) => `127.0.0.1:${port}`),
      keeps: [state],
    });
    const away = `127.0.0.1:${CLOSED_PORT}`;
    await using aggregator = await startAggregatorWith({
      source: "all",
      collectors: [collector.address, away],
      flags: [`--prom-listen=127.0.0.1:${a}`, "--log-format=json", `--state-dir=${kept}`],
      folders: [kept],
    });
    await using frontend = await startFrontend(aggregator.address, [`--prom-listen=127.0.0.1:${f}`]);

    const requests = ["200", "200", "503"].map((status) => line({ host: "shop.example", status }));
    folder.append(requests.join("") + line({ status: "x" }));
    await sendDatagrams(udp, [line({ host: 'quo"te\\d' })]);
    await page(Number(frontend.address.split(":")[1]), "/");
    await eventually(
      async () =>
        (await readMetrics(a)).get(
            `logtail_aggregator_source_lines_read_total{source="web-1",address="${collector.address}"}`,
          ) === 5 || undefined,
      () => `the aggregator was not told; it said:\n${aggregator.stderr()}`,
    );
    assertEquals((await runCli(["topn", `--target=${collector.address}`])).code, 0);
    const shown = await Promise.all(ports.map(async (port) => (await page(port)).text));

    await t.step("promtool check metrics", async () => {
      for (const text of shown) assertEquals(await checkMetrics(text), { code: 0, said: "" });
    });
    await t.step("the requests are there, by website, method and status, with their times", async () => {
      const metrics = await readMetrics(c),
        of = (rest: string): number | undefined => metrics.get(`nginx_http_${rest}`);
      assertEquals(of('requests_total{host="shop.example",method="GET",status="200"}'), 2);
      assertEquals(of('requests_total{host="shop.example",method="GET",status="503"}'), 1);
      assertEquals(of('requests_total{host="quo\\"te\\\\d",method="GET",status="200"}'), 1);
      assertEquals(of('request_duration_seconds_bucket{host="shop.example",source_tag="-",le="0.005"}'), 3);
      assertEquals(of('bytes_sent_sum{host="shop.example",source_tag="-"}'), 3 * 612);
      assertEquals(metrics.get('logtail_collector_lines_not_counted_total{reason="malformed_status"}'), 1);
    });
    await t.step("alerts and dashboard ask for nothing that is not there", () => {
      const names = asked(Deno.readTextFileSync(RULES), Deno.readTextFileSync(BOARD)), there = asked(...shown);
      assertEquals([...names].filter((name) => !there.has(name)), []);
      assert(names.size > 40);
    });
    await t.step("each is alive and ready; the aggregator names the source that is away", async () => {
      for (const port of ports) assertEquals(await page(port, "/healthz"), { status: 200, text: "ok\n" });
      assertEquals([(await page(c, "/readyz")).text, (await page(f, "/readyz")).text], ["ok\n", "ok\n"]);
      const { status, text } = await page(a, "/readyz");
      assertEquals(status, 200);
      assertStringIncludes(text, `ok\n${away}: `);
    });
    await t.step("events are JSON objects where they shall be", () => {
      const events = aggregator.stderr().trimEnd().split("\n").map((event) => JSON.parse(event));
      assertEquals(new Set(events.map(({ role }) => role)), new Set(["aggregator"]));
      assert(events.some(({ level, address }) => level === "warn" && address === away));
    });
    await t.step("without its target a frontend is not ready, and says why", async () => {
      await aggregator.stop();
      await page(Number(frontend.address.split(":")[1]), "/?w=1m");
      const { status, text } = await eventually(async () => {
        const ready = await page(f, "/readyz");
        return ready.status === 503 ? ready : undefined;
      }, () => "the frontend stays ready");
      assertEquals([status, text.split("\n").length], [503, 2]);
      assertStringIncludes(text, aggregator.address);
    });
  },
);

realTest(
  ["promtool"],
  "promtool accepts the alerts, their tests, the example, and every question of the dashboard",
  async () => {
    const { code, said } = await askOf("check rules", RULES);
    assertEquals(code, 0, said);
    const tests = await askOf("test rules", RULES.replace(".yml", ".test.yml"));
    assertEquals(tests.code, 0, tests.said);
    const example = await askOf("check config", RULES.replace(/[^/]*$/, "prometheus.yml"));
    assertEquals(example.code, 0, example.said);

    using folder = new TestFolder();
    const board = JSON.parse(Deno.readTextFileSync(BOARD)) as { panels: { targets?: { expr: string }[] }[] };
    const questions = board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    assert(questions.length > 40);
    const rules = questions.map((expr, at) => ({
      record: `question_${at}`,
      expr: expr.replaceAll("$__rate_interval", "5m"),
    }));
    folder.append(JSON.stringify({ groups: [{ name: "board", rules }] }), "board.json");
    const verdict = await askOf("check rules", folder.path("board.json"));
    assertEquals(verdict.code, 0, verdict.said);
  },
);
