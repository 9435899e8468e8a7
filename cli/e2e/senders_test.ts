/** Real senders of log lines: what they send over UDP, TCP and unix sockets is counted, all of it and once. */
import { assertEquals } from "@std/assert";
import { cliJson, exactCounts, untilEqual } from "./answers.ts";
import { sendDatagrams } from "./datagrams.ts";
import { line, TestFolder } from "./lines.ts";
import { countedOf, readMetrics } from "./metrics.ts";
import { realTest } from "./need.ts";
import { type Nginx, startNginx } from "./nginx.ts";
import { answers, eventually, freePort, pause } from "./ports.ts";
import { planRequests, type Request } from "./requests.ts";
import { environmentGrants, type Role, ROOT, runRole, startCollector } from "./roles.ts";
import { startRsyslog } from "./rsyslog.ts";
import { send } from "./sender.ts";
import { TALLIED, Tally } from "./tally.ts";

/**
 * Requests that are sent at once, and milliseconds until the next: a unix socket of a machine that is not set up for this keeps
 * ten datagrams, and on a busy one a receiver may have to wait for its turn.
 */
const REQUESTS_AT_ONCE = 4, PAUSE_MS = 40;

interface Receiving extends AsyncDisposable {
  readonly collector: Role;
  readonly metricsPort: number;
}

/** A collector without logs that takes these inputs; resolves when it listens on all of them. */
async function receiving(
  flags: readonly string[],
  listens: readonly string[],
  prefix?: readonly string[],
): Promise<Receiving> {
  const metricsPort = freePort();
  const collector = await startCollector({
    source: "col-1",
    logs: [],
    flags: [...flags, `--prom-listen=127.0.0.1:${metricsPort}`],
    listens: [...listens, `127.0.0.1:${metricsPort}`],
    prefix,
  });
  await eventually(
    () => collector.stderr().includes("serving metrics") || undefined,
    () => `it does not receive; it said:\n${collector.stderr()}`,
  );
  return { collector, metricsPort, [Symbol.asyncDispose]: () => collector[Symbol.asyncDispose]() };
}

/** Resolves when so many lines of an input have been counted; fails when there are more. */
async function untilCounted(metricsPort: number, expected: Readonly<Record<string, number>>): Promise<void> {
  let last = {};
  await eventually(
    async () => {
      const metrics = await readMetrics(metricsPort);
      last = Object.fromEntries(Object.keys(expected).map((input) => [input, countedOf(metrics, input)]));
      return JSON.stringify(last) === JSON.stringify(expected) || undefined;
    },
    () => `lines counted: ${JSON.stringify(last)}, expected ${JSON.stringify(expected)}`,
  );
}

/** Sends requests a few at a time. */
async function sendGently(nginx: Nginx, requests: readonly Request[]): Promise<void> {
  for (let at = 0; at < requests.length; at += REQUESTS_AT_ONCE) {
    await send(nginx, requests.slice(at, at + REQUESTS_AT_ONCE));
    await pause(PAUSE_MS);
  }
}

realTest(
  ["nginx", "ipv6"],
  "nginx to UDP syslog and to a unix socket: every request is counted, in every dimension",
  async () => {
    using folder = new TestFolder();
    Deno.chmodSync(folder.folder, 0o755); // nginx runs as another user
    const port = freePort(), unix = `unix:${folder.path("syslog.sock")}`;
    await using udp = await receiving([`--syslog-listen=udp://127.0.0.1:${port}`], [`127.0.0.1:${port}`]);
    await using local = await receiving([`--syslog-listen=${unix}`], [unix]);
    await using nginx = await startNginx([
      `syslog:server=127.0.0.1:${port}`,
      `syslog:server=${unix},nohostname,tag=web`,
    ]);
    const requests = planRequests(240, 7).filter(({ labels }) => labels.status !== "504"), sent = new Tally();
    await sendGently(nginx, requests);
    sent.addAll(requests.map(({ labels }) => labels));
    for (const [way, { collector }] of [["UDP", udp], ["a unix socket", local]] as const) {
      for (const dimension of TALLIED) {
        const expected = { total: sent.total, counts: sent.by[dimension] };
        await untilEqual(expected, () => cliJson(collector.address, dimension), `${dimension} over ${way}`);
      }
    }
  },
);

realTest(["logger"], "logger over UDP, over TCP framed both ways, and to a unix socket, in both formats", async () => {
  using folder = new TestFolder();
  const [udp, tcp] = [freePort(), freePort()], unix = folder.path("syslog.sock");
  const inputs = [`udp://127.0.0.1:${udp}`, `tcp://127.0.0.1:${tcp}`, `unix:${unix}`];
  const listens = [`127.0.0.1:${udp}`, `127.0.0.1:${tcp}`, `unix:${unix}`];
  await using there = await receiving([`--syslog-listen=${inputs.join(",")}`], listens);
  const ways: readonly (readonly [string, readonly string[]])[] = [
    ["udp", ["--udp", "--server=127.0.0.1", `--port=${udp}`]],
    ["tcp", ["--tcp", "--server=127.0.0.1", `--port=${tcp}`]],
    ["counted", ["--tcp", "--octet-count", "--server=127.0.0.1", `--port=${tcp}`]],
    ["unix", ["--udp", `--socket=${unix}`]],
  ];
  const expected = new Map<string, number>();
  for (const [way, place] of ways) {
    for (const format of ["rfc3164", "rfc5424"]) {
      const uri = `/${way}/${format}`, text = folder.path(`${way}-${format}`);
      Deno.writeTextFileSync(text, line({ uri }) + line({ uri, client: "198.18.7.1" }));
      const args = [...place, `--${format}`, "--tag=nginx", `--file=${text}`];
      const { code } = await new Deno.Command("logger", { args, stdin: "null" }).output();
      assertEquals(code, 0, uri);
      expected.set(uri, 2);
    }
  }
  await untilCounted(there.metricsPort, { [inputs[0]]: 4, [inputs[1]]: 8, [inputs[2]]: 4 });
  await untilEqual({ total: 16, counts: expected }, () => cliJson(there.collector.address, "uri"), "uri");
});

realTest(["rsyslogd"], "rsyslog forwarding over UDP, and over TCP framed by newlines and by counts", async () => {
  const [udp, lines, counted] = [freePort(), freePort(), freePort()];
  const inputs = [`udp://127.0.0.1:${udp}`, `tcp://127.0.0.1:${lines}`, `tcp://127.0.0.1:${counted}`];
  const listens = [udp, lines, counted].map((port) => `127.0.0.1:${port}`);
  await using there = await receiving([`--syslog-listen=${inputs.join(",")}`], listens);
  await using rsyslog = await startRsyslog([
    `port="${udp}" protocol="udp" template="RSYSLOG_SyslogProtocol23Format"`,
    `port="${lines}" protocol="tcp"`,
    `port="${counted}" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_ForwardFormat"`,
  ]);
  const count = 300, expected = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    // Each from another port, as nginx does after a reload.
    await sendDatagrams(rsyslog.port, [`<190>Nov 21 11:05:27 web1 nginx: ${line({ uri: `/${i}` }).trimEnd()}`]);
    expected.set(`/${i}`, 3);
  }
  await untilCounted(there.metricsPort, Object.fromEntries(inputs.map((input) => [input, count])));
  await untilEqual({ total: 3 * count, counts: expected }, () => cliJson(there.collector.address, "uri"), "uri");
});

realTest(
  [],
  "datagrams of one line and of forty are counted, those with an old time are not, and the page says so",
  async () => {
    const port = freePort();
    await using there = await receiving([`--udp-listen=127.0.0.1:${port}`], [`127.0.0.1:${port}`]);
    const old = Date.now() / 1000 - 90;
    await sendDatagrams(port, [
      line(),
      Array.from({ length: 40 }, () => line()).join(""),
      line({ time: old.toFixed(3) }),
      "nonsense",
      "",
    ]);
    let last = new Map<string, number>() as ReadonlyMap<string, number>;
    await eventually(async () => {
      last = await readMetrics(there.metricsPort);
      return last.get('logtail_collector_lines_not_counted_total{reason="late"}') === 1 || undefined;
    }, () => "the late line is not told");
    const names = ["packets_received", "loglines_success", "loglines_consumed"];
    assertEquals(names.map((name) => last.get(`logtail_udp_${name}_total`)), [5, 42, 41]);
    assertEquals(last.has("logtail_udp_kernel_drops_total"), false, "nobody has handed in what the kernel knows");
    assertEquals(exactCounts(await cliJson(there.collector.address, "uri")).get("/"), 41);
  },
);

realTest([], "datagrams sent are those received and those that the kernel dropped, exactly", async () => {
  const port = freePort(), count = 20_000;
  const kernelTable = ["/usr/bin/bash", "-c", 'exec "$0" "$@" </proc/net/udp'];
  await using there = await receiving(
    [`--udp-listen=127.0.0.1:${port}`, "--udp-drops=-"],
    [`127.0.0.1:${port}`],
    kernelTable,
  );
  const lines = Array.from({ length: count / 2 }, (_, i) => line({ uri: `/${i % 100}` }));
  await sendDatagrams(port, lines);
  there.collector.signal("SIGSTOP"); // busy beyond all measure
  await sendDatagrams(port, lines);
  there.collector.signal("SIGCONT");
  let received = NaN, dropped = NaN;
  await eventually(async () => {
    const metrics = await readMetrics(there.metricsPort);
    received = metrics.get("logtail_udp_packets_received_total") ?? NaN;
    dropped = metrics.get("logtail_udp_kernel_drops_total") ?? NaN;
    return received + dropped === count || undefined;
  }, () => `sent ${count}, received ${received}, dropped ${dropped}`);
  assertEquals(dropped > 0, true, "the kernel keeps no ten thousand datagrams");
});

realTest([], "standard input is counted as it comes, and its end ends a collector that has nothing else", async () => {
  const [port, metricsPort] = [freePort(), freePort()];
  const grants = [
    `--allow-net=127.0.0.1:${port},127.0.0.1:${metricsPort}`,
    `--allow-read=${ROOT}`,
    ...environmentGrants("collector"),
  ];
  const flags = [`--listen=127.0.0.1:${port}`, "--source=s", "--stdin", `--prom-listen=127.0.0.1:${metricsPort}`];
  const args = ["run", "--quiet", "--no-prompt", "--frozen", ...grants, `${ROOT}collector/main.ts`, ...flags];
  const child = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "piped", stderr: "piped" }).spawn();
  const stderr = new Response(child.stderr).text(), input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(line().repeat(1000) + line().trimEnd()));
  await eventually(
    () => answers("127.0.0.1", metricsPort).then((there) => there || undefined),
    () => "it does not listen",
  );
  await untilCounted(metricsPort, { stdin: 1000 });
  await input.close();
  assertEquals((await child.status).code, 0, await stderr);
  assertEquals((await stderr).includes("standard input has ended"), true);
});

realTest([], "an address that is taken ends the start with 3 and the next step", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 }), address = `127.0.0.1:${taken.addr.port}`;
  for (const flags of [[`--syslog-listen=tcp://${address}`], ["--stdin", `--prom-listen=${address}`]]) {
    const port = freePort();
    const grants = [
      `--allow-net=127.0.0.1:${port},${address}`,
      `--allow-read=${ROOT}`,
      ...environmentGrants("collector"),
    ];
    const args = [`--listen=127.0.0.1:${port}`, "--source=s", ...flags];
    const { code, stderr } = await runRole("collector", grants, args);
    assertEquals([code, stderr.includes(`${address}: another process listens there`)], [3, true], stderr);
  }
  taken.close();
});
