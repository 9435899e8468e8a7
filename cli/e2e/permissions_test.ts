/**
 * Every role runs with exactly the permissions that `nginx-logtail permissions` names for its flags, whatever it is put to;
 * the runtime is asked for nothing beyond them; and each of them is missed, with a message, when it is not there.
 */
import { assertEquals } from "@std/assert";
import { walkSync } from "@std/fs";
import type { Grant } from "@/core/host/permissions.ts";
import { CA, SERVER_CERT, SERVER_KEY } from "@/proto/test_certificates.ts";
import { sendDatagrams } from "./datagrams.ts";
import { line, TestFolder } from "./lines.ts";
import { askedBeyond, grantsFor, notMissed, startTrial, type Trial } from "./permission_trial.ts";
import { realTest } from "./need.ts";
import { eventually, freePort } from "./ports.ts";
import type { RoleName } from "./roles.ts";

const DAEMONS = ["collector", "aggregator", "frontend"] as const;

Deno.test("every role works with exactly the permissions of its flags, and asks for nothing more", async () => {
  using fleet = new Fleet();
  const { folder, ports } = fleet;
  const trials = new Map<RoleName, Trial>();
  const start = async (role: RoleName, more: readonly string[] = []): Promise<Trial> => {
    const trial = await startTrial({ role, args: [...fleet.args(role), ...more], audit: folder.path(`audit-${role}`) });
    trials.set(role, trial);
    return trial;
  };
  try {
    const [collector, aggregator] = await Promise.all(DAEMONS.map((role) => start(role)));
    await eventually(() => collector.said().includes(" following ") || undefined, collector.said);
    folder.append(line(), "logs/a.log");
    // Rotation, and a log that is new on the list.
    Deno.renameSync(folder.path("logs/a.log"), folder.path("logs/a.log.1"));
    folder.append(line(), "logs/a.log.1");
    folder.append(line(), "logs/a.log");
    folder.append(`${folder.path("logs/more/*.log")}\n`, "list");
    collector.signal("SIGHUP");
    aggregator.signal("SIGHUP");
    await eventually(() => collector.said().includes("a log is on the list now") || undefined, collector.said);
    folder.append(line(), "logs/more/b.log");
    await sendDatagrams(ports.udp, [line()]);
    const syslog = await Deno.connect({ hostname: "127.0.0.1", port: ports.syslog });
    await syslog.write(new TextEncoder().encode(`<190>Nov 21 15:01:42 nginx: ${line()}`));
    syslog.close();
    await eventually(async () => await fleet.shown() === 6 || undefined, () => fleet.said(trials));
    // The collector comes back with its state, and the others find it again.
    collector.signal("SIGKILL");
    await collector.ended;
    const again = await start("collector");
    await eventually(() => again.said().includes("serving metrics") || undefined, again.said);
    await eventually(() => aggregator.said().split("following a source").length > 2 || undefined, aggregator.said);
    await eventually(async () => await fleet.shown() === 6 || undefined, () => fleet.said(trials));
    for (const port of [ports.collectorPages, ports.aggregatorPages, ports.frontendPages]) {
      const page = await fetch(`http://127.0.0.1:${port}/metrics`);
      assertEquals([page.status, (await page.text()).includes("logtail_")], [200, true]);
    }
    const asking = await start("cli");
    assertEquals(await asking.ended, 0, asking.said());
  } finally {
    for (const role of DAEMONS) assertEquals(await trials.get(role)?.stop(), 0, trials.get(role)?.said());
  }
  for (const role of trials.keys()) {
    assertEquals(askedBeyond(folder.path(`audit-${role}`), await grantsFor(role, fleet.args(role))), [], role);
  }
});

Deno.test("files are counted with the permission to read them, in threads too", async () => {
  using folder = new TestFolder();
  for (const name of ["a.log", "b.log"]) folder.append(line().repeat(10), name);
  for (
    const args of [["count", folder.path("a.log")], [
      "count",
      "--threads=2",
      folder.path("a.log"),
      folder.path("b.log"),
    ]]
  ) {
    const audit = folder.path("audit"), trial = await startTrial({ role: "cli", args, audit });
    assertEquals(await trial.ended, 0, trial.said());
    assertEquals(askedBeyond(audit, await grantsFor("cli", args)), []);
  }
});

Deno.test("with --state-dir '' nothing is written, whatever the environment says and could be written", async () => {
  using fleet = new Fleet();
  const { folder } = fleet, audits = Deno.makeTempDirSync({ prefix: "logtail-audit-" });
  const trials = await Promise.all((["collector", "aggregator"] as const).map(async (role) => {
    const args = [...fleet.args(role).filter((arg) => !/^--(state-dir|syslog-listen)=/.test(arg)), "--state-dir="];
    const variable = `${role.toUpperCase()}_STATE_DIR`,
      writes = (["read", "write"] as const).map((permission) => ({
        ...{ permission, value: folder.folder, why: "the test lets it" },
      }));
    const grants = [
      ...await grantsFor(role, args),
      ...writes,
      { permission: "env", value: variable, why: "" } as const,
    ];
    const env = { [variable]: folder.path("state") };
    return { role, trial: await startTrial({ role, args, grants, env, audit: `${audits}/${role}` }) };
  }));
  const before = filesIn(folder.folder);
  try {
    const [{ trial: collector }, { trial: aggregator }] = trials;
    await eventually(() => collector.said().includes(" following ") || undefined, collector.said);
    await eventually(() => aggregator.said().includes("following a source") || undefined, aggregator.said);
    collector.signal("SIGHUP");
  } finally {
    for (const { trial } of trials) assertEquals(await trial.stop(), 0, trial.said());
  }
  assertEquals(filesIn(folder.folder), before);
  for (const { role } of trials) {
    const asked = Deno.readTextFileSync(`${audits}/${role}`);
    assertEquals([asked.includes('"permission":"read"'), asked.includes('"permission":"write"')], [true, false], role);
  }
  Deno.removeSync(audits, { recursive: true });
});

realTest(
  ["unshare"],
  "a collector that moves is followed where its network is granted, and otherwise it is said why not",
  async () => {
    using folder = new TestFolder();
    const hosts = folder.path("hosts"), name = "col-1.test", port = freePort();
    const namesIt = (address: string): void =>
      Deno.writeTextFileSync(hosts, `127.0.0.1 localhost\n${address} ${name}\n`);
    namesIt("127.0.0.1");
    folder.append("", "a.log");
    const [before, after] = await Promise.all(["127.0.0.1", "127.0.0.2"].map((address) => {
      const args = [
        `--listen=${address}:${port}`,
        `--logs=${folder.path("a.log")}`,
        "--source=col-1",
        "--prom-listen=",
      ];
      return startTrial({ role: "collector", args });
    }));
    // What stands in /etc/hosts is this test's, for these processes alone.
    const mount = 'mount --bind "$0" /etc/hosts && exec "$@"';
    const prefix = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, hosts];
    const follow = async (networks: readonly string[], narrow?: Grant): Promise<Trial> => {
      const args = [
        `--listen=127.0.0.1:${freePort()}`,
        `--collectors=${name}:${port}`,
        "--source=agg",
        "--prom-listen=",
      ];
      const grants = await grantsFor("aggregator", args, networks);
      const given = narrow === undefined ? grants : [...grants.filter(({ value }) => !value.includes("/8")), narrow];
      return startTrial({ role: "aggregator", args, grants: given, prefix });
    };
    const fixed: Grant = { permission: "net", value: `127.0.0.1:${port}`, why: "its address now" };
    const trials = await Promise.all([follow([]), follow(["127.0.0.0/8"]), follow(["127.0.0.0/8"], fixed)]);
    const connected = (trial: Trial): number => trial.said().split("following a source").length - 1;
    try {
      for (const trial of trials) await eventually(() => connected(trial) === 1 || undefined, trial.said);
      namesIt("127.0.0.2");
      before.signal("SIGKILL");
      const [anywhere, network, narrow] = trials;
      for (const trial of [anywhere, network]) await eventually(() => connected(trial) === 2 || undefined, trial.said);
      const why = "the runtime was not given this address";
      await eventually(() => narrow.said().includes(why) || undefined, narrow.said);
    } finally {
      for (const trial of [...trials, after]) assertEquals(await trial.stop(), 0, trial.said());
    }
  },
);

/** Names and sizes of all files below a folder. */
function filesIn(folder: string): readonly string[] {
  return [...walkSync(folder)].map(({ path }) => `${path} ${Deno.statSync(path).size}`).sort();
}

for (const role of [...DAEMONS, "cli"] as const) {
  Deno.test(`every permission of the ${role} is missed when it is not there, with a message that names it`, async () => {
    using first = new Fleet();
    using second = new Fleet();
    using third = new Fleet();
    assertEquals(await notMissed(role, [first, second, third].map((fleet) => fleet.args(role))), []);
  });
}

const TOKEN = "a-token-of-enough-characters";
/** name:secret, in bcrypt's cheapest form. */
const PASSWORDS = "name:$2b$04$Hr0L2apvbwFNt9t0e6Ronu53wZyg.k4vtENciY.Ome2iK7ZzpVxqS\n";

/** Flags of one fleet that takes all there is: sockets, lists, TLS, tokens, passwords, metrics, state. */
class Fleet implements Disposable {
  readonly folder = new TestFolder();
  readonly ports = {
    collector: freePort(),
    aggregator: freePort(),
    frontend: freePort(),
    udp: freePort(),
    syslog: freePort(),
    collectorPages: freePort(),
    aggregatorPages: freePort(),
    frontendPages: freePort(),
  };

  constructor() {
    const { folder } = this;
    for (const name of ["logs", "logs/more"]) Deno.mkdirSync(folder.path(name));
    folder.append("", "logs/a.log");
    folder.append(`${folder.path("logs/*.log")}\n`, "list");
    const texts = { "cert.pem": SERVER_CERT, "key.pem": SERVER_KEY, "ca.pem": CA, token: TOKEN, passwords: PASSWORDS };
    for (const [name, text] of Object.entries(texts)) folder.append(text, name);
  }

  args(role: RoleName): readonly string[] {
    const { ports, folder } = this, path = (name: string): string => folder.path(name);
    const pair = [`--tls-cert=${path("cert.pem")}`, `--tls-key=${path("key.pem")}`];
    const towards = [`--tls-ca=${path("ca.pem")}`];
    switch (role) {
      case "collector":
        return [
          `--listen=127.0.0.1:${ports.collector}`,
          `--logs-file=${path("list")}`,
          `--udp-listen=127.0.0.1:${ports.udp}`,
          `--syslog-listen=tcp://127.0.0.1:${ports.syslog},unix:${path("syslog.sock")}`,
          `--prom-listen=127.0.0.1:${ports.collectorPages}`,
          `--state-dir=${path("state")}`,
          `--token-file=${path("token")}`,
          ...pair,
        ];
      case "aggregator":
        return [
          `--listen=127.0.0.1:${ports.aggregator}`,
          `--collectors=127.0.0.1:${ports.collector}`,
          `--prom-listen=127.0.0.1:${ports.aggregatorPages}`,
          `--state-dir=${path("merged")}`,
          `--collectors-token-file=${path("token")}`,
          ...pair,
          ...towards,
        ];
      case "frontend":
        return [
          `--listen=127.0.0.1:${ports.frontend}`,
          `--target=127.0.0.1:${ports.aggregator}`,
          `--prom-listen=127.0.0.1:${ports.frontendPages}`,
          `--password-file=${path("passwords")}`,
          ...pair,
          ...towards,
        ];
      case "cli":
        return ["topn", `--target=127.0.0.1:${ports.aggregator}`, ...towards];
    }
  }

  /** What the dashboard counts. */
  async shown(): Promise<unknown> {
    const client = Deno.createHttpClient({ caCerts: [CA] });
    try {
      const headers = { authorization: `Basic ${btoa("name:secret")}` };
      const response = await fetch(`https://127.0.0.1:${this.ports.frontend}/?w=5m&raw=1`, { client, headers });
      return (await response.json()).total;
    } catch (error) {
      return error;
    } finally {
      client.close();
    }
  }

  said(trials: ReadonlyMap<RoleName, Trial>): string {
    return [...trials].map(([role, trial]) => `${role}:\n${trial.said()}`).join("\n");
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}
