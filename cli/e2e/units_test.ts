/**
 * The systemd units, run as they stand: only paths, ports and the command itself are exchanged for this machine's. So the
 * permissions that a unit spells out are known to be enough for the whole line from log to page.
 */
import { join } from "@std/path";
import { assert, assertEquals } from "@std/assert";
import { budgetFacts, memoryBudget } from "@/core/memory_budget.ts";
import { line, TestFolder } from "./lines.ts";
import { answers, eventually, freePort } from "./ports.ts";
import { sendDatagrams } from "./datagrams.ts";
import { programPath, realTest } from "./need.ts";
import { ROOT } from "./roles.ts";

const ROLES = ["collector", "aggregator", "frontend"] as const;

Deno.test("the units' permissions are enough for a line to get from a log, and by UDP, to the page", async () => {
  using folder = new TestFolder();
  const ports: Record<string, number> = { "9090": freePort(), "9091": freePort(), "8080": freePort() };
  const udpPort = freePort(), metricsPort = freePort();
  const log = folder.path(), list = folder.path("logs.conf");
  Deno.writeTextFileSync(list, `${log}  # the only one\n`);
  const places: Record<string, string> = {
    "/usr/bin/deno": Deno.execPath(),
    "/etc/nginx-logtail/logs.conf": list,
    "/usr/lib/nginx-logtail": ROOT.replace(/\/$/, ""),
    "/var/log/nginx": folder.folder,
    "/var/lib/nginx-logtail/collector": folder.path("state"),
    "/run/systemd/notify": NOTIFY_SOCKET,
    "/run/nginx-logtail": folder.path("run"),
  };
  const local = (text: string): string => {
    for (const [from, to] of Object.entries(places)) text = text.replaceAll(from, to);
    const all = { ...ports, "9100": metricsPort, "9514": udpPort };
    for (const [from, to] of Object.entries(all)) text = text.replaceAll(`:${from}`, `:${to}`);
    return text;
  };
  using manager = new Manager();
  const children = ROLES.map((role) => {
    const { command, environment } = readUnit(role);
    const [program, ...args] = command.map(local);
    const env = Object.fromEntries(environment.map(([name, value]) => [name, local(value)]));
    delete env.DENO_DIR;
    // The log is there before or after the collector: a race that operators do not have.
    env.COLLECTOR_FROM = "start";
    env.COLLECTOR_PROM_LISTEN = `:${metricsPort}`;
    env.NOTIFY_SOCKET = NOTIFY_SOCKET;
    env.WATCHDOG_USEC = "500000";
    env.RUNTIME_DIRECTORY = folder.path(`run/${role}`);
    Deno.mkdirSync(env.RUNTIME_DIRECTORY, { recursive: true });
    if (role === "aggregator") env.AGGREGATOR_COLLECTORS = `localhost:${ports["9090"]}`;
    return new Deno.Command(program, { args, env, cwd: ROOT, stdin: "null", stdout: "null", stderr: "inherit" })
      .spawn();
  });
  try {
    // The page of metrics is the last thing that a collector opens: then it receives.
    for (const port of [...Object.values(ports), metricsPort]) {
      await eventually(async () => await answers("127.0.0.1", port) || undefined, () => `nobody listens on ${port}`);
    }
    folder.append(line());
    await sendDatagrams(udpPort, [line()]);
    const total = await eventually(async () => {
      const response = await fetch(`http://127.0.0.1:${ports["8080"]}/?w=1m&raw=1`);
      const { total }: { total?: number } = await response.json();
      return total !== undefined && total > 1 ? total : undefined;
    }, () => "the lines are not on the page");
    assertEquals(total, 2);
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    assertEquals(/^logtail_udp_loglines_consumed_total 1$/m.test(metrics), true, metrics);
  } finally {
    for (const child of children) child.kill("SIGTERM");
    assertEquals((await Promise.all(children.map(({ status }) => status))).map(({ code }) => code), [0, 0, 0]);
  }
  const told = (what: string): number =>
    manager.messages.filter((message) => message.split("\n").includes(what)).length;
  assertEquals(
    [told("READY=1"), told("STOPPING=1"), told("WATCHDOG=1") >= 3],
    [3, 3, true],
    manager.messages.join(" | "),
  );
});

realTest(["systemd-analyze"], "the units are right to systemd, and leave as little open as they may", async (t) => {
  using folder = new TestFolder();
  for (const role of ROLES) {
    const name = `nginx-logtail-${role}.service`, text = Deno.readTextFileSync(join(ROOT, "systemd", name));
    await t.step(name, async () => {
      // Only the runtime is elsewhere here.
      folder.append(text.replace("ExecStart=/usr/bin/deno", `ExecStart=${Deno.execPath()}`), name);
      const verify = ["verify", "--recursive-errors=yes", "--man=no", folder.path(name)];
      assertEquals(await systemdAnalyze(verify), "");
      // In tenths: 1.5 of 10.
      await systemdAnalyze(["security", "--offline=true", "--threshold=15", folder.path(name)]);
    });
  }
});

Deno.test("a unit leaves its program at least the memory that it says it takes at most", () => {
  const budgets = {
    collector: memoryBudget({ ingestThreads: 1, sockets: 1, followsSources: false, savesState: true }),
    aggregator: memoryBudget({ ingestThreads: 0, followsSources: true }),
  };
  for (const [role, budget] of Object.entries(budgets)) {
    const { data_mb, runtime_mb } = budgetFacts(budget);
    const [megabytes] = valuesOf(role, "MemoryMax").map((value) => Number(value.replace("M", "")) * 1.048576);
    assert(Number(data_mb) + Number(runtime_mb) <= megabytes, `${role}: ${data_mb} + ${runtime_mb} > ${megabytes}`);
  }
});

/** Where the programs tell that they serve; `deno.json` grants the tests this one. */
const NOTIFY_SOCKET = "/tmp/logtail-notify-test.sock";

/** What stands in for systemd. */
class Manager implements Disposable {
  readonly messages: string[] = [];
  readonly #socket: Deno.DatagramConn;

  constructor() {
    this.#remove();
    this.#socket = Deno.listenDatagram({ path: NOTIFY_SOCKET, transport: "unixpacket" });
    void this.#read();
  }

  async #read(): Promise<void> {
    for await (const [bytes] of this.#socket) this.messages.push(new TextDecoder().decode(bytes));
  }

  #remove(): void {
    try {
      Deno.removeSync(NOTIFY_SOCKET);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
    this.#remove();
  }
}

/** What it says of what is wrong; it must end with 0. */
async function systemdAnalyze(args: readonly string[]): Promise<string> {
  const command = new Deno.Command(programPath("systemd-analyze")!, { args: [...args], stdin: "null" });
  const { code, stdout, stderr } = await command.output(), decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
  return decoder.decode(stderr);
}

/** The values of one key of a unit. */
function valuesOf(role: string, key: string): string[] {
  const text = Deno.readTextFileSync(join(ROOT, "systemd", `nginx-logtail-${role}.service`)).replaceAll("\\\n", " ");
  return text.split("\n").filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
}

/** The command of a unit, split into words, and its Environment= settings. */
function readUnit(role: string): { command: string[]; environment: [string, string][] } {
  const values = (key: string): string[] => valuesOf(role, key);
  return {
    command: values("ExecStart")[0].split(/\s+/),
    environment: values("Environment").map((setting) => {
      const at = setting.indexOf("=");
      return [setting.slice(0, at), setting.slice(at + 1)];
    }),
  };
}
