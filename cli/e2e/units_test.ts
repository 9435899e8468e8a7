/**
 * The systemd units, run as they stand: only paths, ports and the command itself are exchanged for this machine's. So the
 * permissions that a unit spells out are known to be enough for the whole line from log to page.
 */
import { join } from "@std/path";
import { assertEquals } from "@std/assert";
import { line, TestFolder } from "./lines.ts";
import { answers, eventually, freePort } from "./ports.ts";
import { sendDatagrams } from "./datagrams.ts";
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
  };
  const local = (text: string): string => {
    for (const [from, to] of Object.entries(places)) text = text.replaceAll(from, to);
    const all = { ...ports, "9100": metricsPort, "9514": udpPort };
    for (const [from, to] of Object.entries(all)) text = text.replaceAll(`:${from}`, `:${to}`);
    return text;
  };
  const children = ROLES.map((role) => {
    const { command, environment } = readUnit(role);
    const [program, ...args] = command.map(local);
    const env = Object.fromEntries(environment.map(([name, value]) => [name, local(value)]));
    delete env.DENO_DIR;
    // The log is there before or after the collector: a race that operators do not have.
    env.COLLECTOR_FROM = "start";
    env.COLLECTOR_PROM_LISTEN = `:${metricsPort}`;
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
});

/** The command of a unit, split into words, and its Environment= settings. */
function readUnit(role: string): { command: string[]; environment: [string, string][] } {
  const text = Deno.readTextFileSync(join(ROOT, "systemd", `nginx-logtail-${role}.service`)).replaceAll("\\\n", " ");
  const values = (key: string): string[] =>
    text.split("\n").filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  return {
    command: values("ExecStart")[0].split(/\s+/),
    environment: values("Environment").map((setting) => {
      const at = setting.indexOf("=");
      return [setting.slice(0, at), setting.slice(at + 1)];
    }),
  };
}
