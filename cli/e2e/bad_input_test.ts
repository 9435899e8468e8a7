/** What goes wrong is named, with what would work; and it stops nothing else. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { cliJson } from "./answers.ts";
import { line, TestFolder } from "./lines.ts";
import { isRoot, realTest } from "./need.ts";
import { CLOSED_PORT, eventually, freePort, pause } from "./ports.ts";
import {
  collectorGrants,
  environmentGrants,
  type Role,
  runCli,
  runRole,
  startAggregator,
  startCollector,
  startFrontend,
} from "./roles.ts";

realTest([], "every mistake in a collector's flags is named at once, with the near miss", async () => {
  const flags = ["--lisen=:9090", "--v4prefix=33", "--from=middle", "--logs="];
  const { code, stdout, stderr } = await runRole("collector", environmentGrants("collector"), flags);
  assertEquals([code, stdout], [2, ""], stderr);
  for (const named of ["--lisen", "--listen", "--v4prefix", "33", "--from", "middle", "start"]) {
    assertStringIncludes(stderr, named);
  }
});

realTest([], "a collector without any input says which flags give it one", async () => {
  const { code, stderr } = await runRole("collector", collectorGrants(freePort(), []), []);
  assertEquals(code, 2, stderr);
  assertStringIncludes(stderr, "--logs");
});

realTest([], "a mistake in a variable is named by the variable; a flag wins over it", async () => {
  const env = { COLLECTOR_V4PREFIX: "99", COLLECTOR_FROM: "start" };
  const { code, stderr } = await runRole("collector", environmentGrants("collector"), ["--from=middle"], env);
  assertEquals(code, 2, stderr);
  assertStringIncludes(stderr, "COLLECTOR_V4PREFIX");
  assertStringIncludes(stderr, "middle");
});

realTest([], "a processor on which the kernel does not start is named at once", async (t) => {
  if (Deno.build.arch !== "x86_64") return; // the others have no such flag
  using folder = new TestFolder();
  const log = folder.path();
  folder.append(line());
  const older = ["--v8-flags=--no-enable-sse4-1"];
  const cases = [
    ["collector", [...older, ...collectorGrants(freePort(), [folder.folder])], [`--logs=${log}`]],
    ["cli", [...older, "--allow-read", ...environmentGrants("cli")], ["count", log]],
  ] as const;
  for (const [role, grants, flags] of cases) {
    await t.step(role, async () => {
      const { code, stderr } = await runRole(role, grants, [...flags]);
      assertEquals(code, 3, stderr);
      assertStringIncludes(stderr, "SSE4.1");
    });
  }
});

realTest([], "aggregator, frontend and cli name their mistakes", async (t) => {
  const cases = [
    ["aggregator", [], ["--collectors"]],
    ["aggregator", ["--collectors=a:1", "--listen=nowhere", "--colectors=x"], ["--listen", "nowhere", "--colectors"]],
    ["frontend", ["--n=none", "--refesh=3"], ["--n", "none", "--refesh", "--refresh"]],
    ["cli", ["topn", "--window=7m", "--groupby=uri", "--n=0"], ["--window", "7m", "--groupby", "--group-by", "--n"]],
    ["cli", ["topm"], ["topm", "topn"]],
    ["cli", ["topn", "--filter=status=="], ["--filter", "column"]],
  ] as const;
  for (const [role, flags, named] of cases) {
    await t.step(`${role} ${flags.join(" ")}`, async () => {
      const { code, stderr } = await runRole(role, environmentGrants(role), flags);
      assertEquals(code, 2, stderr);
      for (const text of named) assertStringIncludes(stderr, text);
    });
  }
});

realTest([], "--help and --version of every role go to standard output and end with 0", async (t) => {
  for (const role of ["collector", "aggregator", "frontend", "cli"] as const) {
    for (const flag of ["--help", "--version"]) {
      await t.step(`${role} ${flag}`, async () => {
        const { code, stdout, stderr } = await runRole(role, environmentGrants(role), [flag]);
        assertEquals([code, stderr], [0, ""]);
        assertStringIncludes(stdout, flag === "--help" ? "--listen".slice(0, role === "cli" ? 2 : 8) : "0.");
      });
    }
  }
});

realTest([], "an unreadable log is named with what would help, and the others are counted", async () => {
  using log = new TestFolder();
  log.append("");
  log.append("", "secret.log");
  Deno.chmodSync(log.path("secret.log"), 0o000);
  const secret = log.path("secret.log");
  await using collector = await startCollector({
    source: "col-1",
    logs: [log.path(), secret],
    unreadable: [secret],
    // root reads everything unless it gives up the capability to
    prefix: isRoot() ? withoutCapability("dac_override,-dac_read_search") : [],
  });
  log.append(line());
  await eventually(
    async () => (await cliJson(collector.address, "website")).total === 1 || undefined,
    () => "the readable log is not counted",
  );
  await eventually(
    () => collector.stderr().includes(secret) || undefined,
    () => `nothing about ${secret}:\n${collector.stderr()}`,
  );
  const told = collector.stderr().split("\n").find((text) => text.includes(secret)) ?? "";
  assert(/permission denied/i.test(told), told);
  assert(/chmod|setfacl|group|adm|readable/i.test(told), `it says what would help: ${told}`);
});

realTest([], "lines that do not count are named by reason, with a sample; good ones around them count", async () => {
  using log = new TestFolder();
  log.append("");
  await using collector = await startCollector({ source: "col-1", logs: [log.path()] });
  const bad: readonly (readonly [string, string])[] = [
    ["malformed_fields", "only one field\n"],
    ["malformed_address", line({ client: "999.1.2.3", host: "evil\u001b[2Jhost" })],
    ["malformed_time", line({ time: "yesterday" })],
    ["malformed_status", line({ status: "OK" })],
    ["too_long", `${"x".repeat(300 * 1024)}\n`],
    ["too_old", line({ time: 1 })],
    ["future", line({ time: Date.now() / 1000 + 3600 })],
  ];
  for (const [reason, text] of bad) {
    log.append(line() + text + "\n\xff\xfe\0\n" + line());
    await eventually(
      () => collector.stderr().includes(`reason=${reason} `) || undefined,
      () => `nothing about ${reason}:\n${collector.stderr()}`,
    );
  }
  await eventually(
    async () => (await cliJson(collector.address, "website")).total === 2 * bad.length || undefined,
    () => `the good lines are not counted:\n${collector.stderr()}`,
  );
  assertStringIncludes(collector.stderr(), "999.1.2.3");
  assertStringIncludes(collector.stderr(), log.path());
  assert(!collector.stderr().includes("\u001b"), "nothing in the log can move a terminal's cursor");
});

realTest([], "a target that is down: exit code 1, which one, what next; the others still print", async () => {
  using log = new TestFolder();
  log.append("");
  await using collector = await startCollector({ source: "col-1", logs: [log.path()] });
  const down = `127.0.0.1:${CLOSED_PORT}`;
  const args = ["topn", `--target=${down},${collector.address}`, "--timeout=2s"];
  const { code, stdout, stderr } = await runCli(args);
  assertEquals(code, 1);
  assertStringIncludes(stderr, down);
  assert(/refused/i.test(stderr), stderr);
  assertStringIncludes(stdout, "col-1");
  assert(!stderr.includes("    at "), `no stack trace: ${stderr}`);

  await using frontend = await startFrontend(down);
  const response = await fetch(`http://${frontend.address}/`);
  assertEquals(response.status, 502);
  assertStringIncludes(await response.text(), down);
});

realTest([], "an aggregator whose collector is down starts, names it, and follows it once it is there", async () => {
  using log = new TestFolder();
  log.append("");
  const port = freePort();
  await using aggregator = await startAggregator("agg", [`127.0.0.1:${port}`]);
  const before = await cliJson(aggregator.address, "website");
  assertEquals(before.coverage, { ...before.coverage, expected: 1, present: 0, missing: [`127.0.0.1:${port}`] });
  await eventually(
    () => aggregator.stderr().includes(`127.0.0.1:${port}`) || undefined,
    () => `it says nothing about its collector:\n${aggregator.stderr()}`,
  );
  await using _collector = await startCollector({ source: "late", logs: [log.path()], port });
  log.append(line());
  const after = await eventually(
    async () => {
      const answer = await cliJson(aggregator.address, "website");
      return answer.total === 1 ? answer : undefined;
    },
    () => `it does not follow the collector:\n${aggregator.stderr()}`,
    40_000,
  );
  assertEquals(after.coverage.missing, []);
});

realTest([], "whatever is sent to a port, the role goes on answering", async () => {
  using log = new TestFolder();
  log.append("");
  await using collector = await startCollector({ source: "col-1", logs: [log.path()] });
  await using aggregator = await startAggregator("agg", [collector.address]);
  await using frontend = await startFrontend(aggregator.address);
  const noise = crypto.getRandomValues(new Uint8Array(64 * 1024));
  const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const texts = ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01", "\r\n".repeat(10_000)].map((text) =>
    new TextEncoder().encode(text)
  );
  for (const role of [collector, aggregator, frontend]) {
    for (const bytes of [noise, ...texts, new Uint8Array([...preface, ...noise])]) await sendNoise(role, bytes);
    assert(role.alive(), role.stderr());
  }
  log.append(line());
  await eventually(async () => {
    const response = await fetch(`http://${frontend.address}/?raw=1`);
    return (await response.json() as { total: number }).total === 1 || undefined;
  }, () => "the line is not in the answer");
});

realTest([], "a busy port ends a role with 3 and the next step", async (t) => {
  using log = new TestFolder();
  log.append("");
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${(taken.addr as Deno.NetAddr).port}`;
  const grants = ["--allow-net=127.0.0.1", `--allow-read`, "--allow-sys=hostname"];
  const cases = [
    ["collector", [`--logs=${log.path()}`]],
    ["aggregator", ["--collectors=127.0.0.1:1"]],
    ["frontend", ["--target=127.0.0.1:1"]],
  ] as const;
  for (const [role, flags] of cases) {
    await t.step(role, async () => {
      const { code, stderr } = await runRole(role, [...grants, ...environmentGrants(role)], [
        `--listen=${address}`,
        ...flags,
      ]);
      assertEquals(code, 3, stderr);
      assertStringIncludes(stderr, address);
      assert(/another (program|process)/i.test(stderr), stderr);
    });
  }
});

function withoutCapability(capabilities: string): readonly string[] {
  return ["setpriv", `--bounding-set=-${capabilities}`, `--inh-caps=-${capabilities}`];
}

/** Sends and hangs up, with a moment for the role to say something. */
async function sendNoise(role: Role, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const [hostname, port] = role.address.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  try {
    await connection.write(bytes);
    await Promise.race([connection.read(new Uint8Array(4096)), pause(200)]);
  } catch {
    // it may close on us
  }
}
