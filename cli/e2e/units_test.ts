/**
 * The systemd units, run as they stand: their commands, arguments and variables, the programs of the package that they start,
 * and the permissions that these work out for themselves. Only paths and ports are exchanged for this machine's.
 */
import { walkSync } from "@std/fs";
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
  const tree = folder.path("package");
  await packageTree(tree);
  const ports = Object.fromEntries(
    ["9090", "9091", "8080", "9190", "9191", "9192", "9514"].map((port) => [port, freePort()]),
  );
  const log = folder.path(), list = folder.path("logs.conf");
  Deno.writeTextFileSync(list, `${log}  # the only one\n`);
  const places: Record<string, string> = {
    "/usr/bin/nginx-logtail": `${tree}/usr/bin/nginx-logtail`,
    "/etc/nginx-logtail/logs.conf": list,
    "/usr/lib/nginx-logtail": `${tree}/usr/lib/nginx-logtail`,
    "/var/lib/nginx-logtail": folder.path("state"),
    "/run/systemd/notify": NOTIFY_SOCKET,
    "/run/nginx-logtail": folder.path("run"),
  };
  const local = (text: string): string => {
    for (const [from, to] of Object.entries(places)) text = text.replaceAll(from, to);
    for (const [from, to] of Object.entries(ports)) text = text.replaceAll(`:${from}`, `:${to}`);
    return text;
  };
  // The programs name the package's places, too.
  for (const { path } of walkSync(`${tree}/usr`, { exts: ["js"], includeDirs: false })) rewrite(path, local);
  for (const { path } of walkSync(`${tree}/usr/bin`, { includeDirs: false })) rewrite(path, local);
  using manager = new Manager();
  const children = ROLES.map((role) => {
    const { command, environment } = readUnit(role), runtime = folder.path(`run/${role}`);
    const [program, args] = command.map(local);
    // What stands in the environment file.
    assertEquals(args, `$${role.toUpperCase()}_ARGS`);
    const env: Record<string, string> = Object.fromEntries(
      environment.map(([name, value]) => [name, local(value).replace("%H", "web1")]),
    );
    // The log is there before or after the collector: a race that operators do not have.
    if (role === "collector") env.COLLECTOR_FROM = "start";
    if (role === "aggregator") env.AGGREGATOR_COLLECTORS = `localhost:${ports["9090"]}`;
    Object.assign(env, { NOTIFY_SOCKET, WATCHDOG_USEC: "500000", RUNTIME_DIRECTORY: runtime, PATH: "/usr/bin:/bin" });
    Deno.mkdirSync(runtime, { recursive: true });
    Deno.mkdirSync(folder.path(`state/${role}`), { recursive: true });
    // As in the unit (NoNewPrivileges=); it becomes the program, as the program's script becomes the runtime.
    const options = { args: ["--no-new-privs", program], env, clearEnv: true, cwd: "/" };
    return new Deno.Command("setpriv", { ...options, stdin: "null", stdout: "null", stderr: "inherit" }).spawn();
  });
  try {
    for (const port of ["9090", "9091", "8080", "9190", "9191", "9192"]) {
      await eventually(
        async () => await answers("127.0.0.1", ports[port]) || undefined,
        () => `nobody listens: ${port}`,
      );
    }
    folder.append(line());
    await sendDatagrams(ports["9514"], [line()]);
    const answer = await eventually(async () => {
      const response = await fetch(`http://127.0.0.1:${ports["8080"]}/?w=1m&by=source&raw=1`);
      const { total, entries }: { total?: number; entries?: { label: string }[] } = await response.json();
      return total !== undefined && total > 1 ? [total, entries?.map(({ label }) => label)] : undefined;
    }, () => "the lines are not on the page");
    assertEquals(answer, [2, ["web1"]]);
    const metrics = await (await fetch(`http://127.0.0.1:${ports["9190"]}/metrics`)).text();
    assert(/^logtail_udp_loglines_consumed_total 1$/m.test(metrics), metrics);
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
  // Both keep their state where systemd made room for it.
  for (const role of ["collector", "aggregator"]) {
    assert([...Deno.readDirSync(folder.path(`state/${role}`))].length > 0, role);
  }
});

Deno.test("what is not configured listens on the loopback alone, on a port of its own, and keeps its state", () => {
  const settings = ROLES.flatMap((role) => readUnit(role).environment);
  const listens = settings.filter(([name]) => /_(PROM_)?LISTEN$/.test(name) && name !== "COLLECTOR_UDP_LISTEN");
  assertEquals(listens.length, 6);
  for (const [name, value] of listens) assert(value.startsWith("127.0.0.1:"), `${name}=${value}`);
  assertEquals(new Set(listens.map(([, value]) => value)).size, 6);
  for (const role of ["collector", "aggregator"]) {
    const directory = `/var/lib/nginx-logtail/${role}`;
    assertEquals(settings.find(([name]) => name === `${role.toUpperCase()}_STATE_DIR`)?.[1], directory);
    assertEquals(valuesOf(role, "StateDirectory"), [`nginx-logtail/${role}`]);
    assertEquals(settings.find(([name]) => name === `${role.toUpperCase()}_SOURCE`)?.[1], "%H");
  }
  // Only the collector reads what belongs to a group; nobody has a capability.
  assertEquals(ROLES.map((role) => valuesOf(role, "SupplementaryGroups")), [["adm"], [], []]);
  for (const role of ROLES) {
    for (const key of ["CapabilityBoundingSet", "AmbientCapabilities"]) assertEquals(valuesOf(role, key), [""], key);
    assertEquals([...valuesOf(role, "User"), ...valuesOf(role, "ProtectSystem")], ["_logtail", "strict"]);
    assertEquals(valuesOf(role, "EnvironmentFile"), ["-/etc/default/nginx-logtail"]);
  }
});

realTest(["systemd-analyze"], "the units are right to systemd, and leave as little open as they may", async (t) => {
  using folder = new TestFolder();
  for (const role of ROLES) {
    const name = `nginx-logtail-${role}.service`, text = Deno.readTextFileSync(join(ROOT, "systemd", name));
    await t.step(name, async () => {
      folder.append(startable(text), name);
      const verify = ["verify", "--recursive-errors=yes", "--man=no", folder.path(name)];
      assertEquals(await systemdAnalyze(verify), "");
      // In tenths: 1.5 of 10.
      await systemdAnalyze(["security", "--offline=true", "--threshold=15", folder.path(name)]);
    });
  }
});

realTest(["systemd-analyze"], "the examples of drop-ins are right to systemd, and leave little open", async (t) => {
  for (const { name, path } of walkSync(join(ROOT, "packaging/examples"), { includeDirs: false })) {
    await t.step(name, async () => {
      using folder = new TestFolder();
      const unit = `nginx-logtail-${name.split("-")[0]}.service`;
      folder.append(startable(Deno.readTextFileSync(join(ROOT, "systemd", unit))), unit);
      Deno.mkdirSync(folder.path(`${unit}.d`));
      Deno.copyFileSync(path, folder.path(`${unit}.d/${name}`));
      const verify = ["verify", "--recursive-errors=yes", "--man=no", folder.path(unit)];
      assertEquals(await systemdAnalyze(verify), "");
      assert(Deno.readTextFileSync(path).startsWith(`# systemctl edit ${unit.replace(".service", "")}: `), name);
    });
  }
});

Deno.test("a unit leaves its program at least the memory that it says it takes at most", () => {
  const budgets = {
    // Datagrams, and syslog by two more ways.
    collector: memoryBudget({
      ingestThreads: 1,
      sockets: 3,
      followsSources: false,
      savesState: true,
      showsRequests: true,
    }),
    aggregator: memoryBudget({ ingestThreads: 0, followsSources: true, sources: 250, savesState: true }),
  };
  for (const [role, budget] of Object.entries(budgets)) {
    const { data_mb, runtime_mb } = budgetFacts(budget);
    const [megabytes] = valuesOf(role, "MemoryMax").map((value) => Number(value.replace("M", "")) * 1.048576);
    assert(Number(data_mb) + Number(runtime_mb) <= megabytes, `${role}: ${data_mb} + ${runtime_mb} > ${megabytes}`);
  }
});

/** Writes the package's files, the runtime as a link. */
async function packageTree(tree: string): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "deb", "--tree", `--out=${tree}`],
    env: { SOURCE_DATE_EPOCH: "1795219200" },
    cwd: ROOT,
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

function rewrite(path: string, change: (text: string) => string): void {
  Deno.writeTextFileSync(path, change(Deno.readTextFileSync(path)));
}

/** The unit with a program that is on this machine. */
function startable(unit: string): string {
  return unit.replace(/ExecStart=\S+/, `ExecStart=${Deno.execPath()}`);
}

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
