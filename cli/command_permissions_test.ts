import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HelpRequested, UsageError } from "@/core/host/exit.ts";
import { permissionFlags } from "@/core/host/permissions.ts";
import { runCommand } from "./command.ts";
import { programOf, roleGrants, type RoleName } from "./command_permissions.ts";
import { fakeShell } from "./fake_shell.ts";
import { COMMANDS, ROLES } from "./flags.ts";

/** The checkout: where threads have their modules. */
const MODULES = decodeURIComponent(new URL("../", import.meta.url).pathname).replace(/\/$/, "");

async function printed(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const shell = fakeShell({});
  assertEquals(await runCommand(["permissions", ...args], (name) => env[name], shell), 0);
  return shell.printed.join("");
}

async function flags(role: RoleName, ...args: string[]): Promise<readonly string[]> {
  return permissionFlags(await roleGrants(role, args, () => undefined));
}

const QUIET = "--ignore-env";

Deno.test("a collector listens where its flags say, reads its logs and modules, and nothing else", async () => {
  const mine = ["--listen=127.0.0.1:1", "--source=a", "--prom-listen="];
  assertEquals(await flags("collector", "--logs=/logs/*.log,/logs/a/b.log,/other/x.log", ...mine), [
    "--allow-net=127.0.0.1:1",
    `--allow-read=${MODULES},/logs,/other`,
    QUIET,
  ]);
  const [net, read, write] = await flags(
    "collector",
    ...["--udp-listen=:2", "--syslog-listen=tcp://:3,udp://127.0.0.1:4,unix:/run/x.sock", ...mine],
    ...["--state-dir=/state", "--udp-drops=-,/drops", "--tls-cert=/c", "--tls-key=/k", "--token-file=/t"],
  );
  assertEquals(net, "--allow-net=127.0.0.1:1,[::]:2,[::]:3,127.0.0.1:4,unix:/run/x.sock");
  assertEquals(
    new Set(read.split("=")[1].split(",")),
    new Set(["/state", "/c", "/k", "/t", MODULES, "/run/x.sock", "/drops"]),
  );
  assertEquals(write, "--allow-write=/state,/run/x.sock");
});

Deno.test("a collector without a name asks for the host's, and serves metrics by default", async () => {
  const [net, , sys] = await flags("collector", "--stdin");
  assertEquals([net, sys], ["--allow-net=[::]:9090,[::]:9100", "--allow-sys=hostname"]);
});

Deno.test("what a list of logs and nginx's configuration lead to is granted, and so are their own files", async () => {
  const folder = await Deno.makeTempDir({ prefix: "logtail-permissions-" });
  try {
    await Deno.mkdir(`${folder}/sites`);
    await Deno.writeTextFile(`${folder}/nginx.conf`, "http { include sites/*.conf; access_log /a/access.log; }");
    await Deno.writeTextFile(`${folder}/sites/one.conf`, "server { access_log /b/access.log; }");
    await Deno.writeTextFile(`${folder}/logs.conf`, "/c/*.log # all\n/b/more.log\n");
    const lists = [`--nginx-conf=${folder}/nginx.conf`, `--logs-file=${folder}/logs.conf`];
    const [, read] = await flags("collector", "--source=a", ...lists);
    const wanted = [MODULES, `${folder}/nginx.conf`, `${folder}/sites`, `${folder}/logs.conf`, "/a", "/b", "/c"];
    assertEquals(new Set(read.split("=")[1].split(",")), new Set(wanted));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an aggregator reaches the collectors that it names, and any when a list may change", async () => {
  const mine = ["--listen=127.0.0.1:1", "--source=a", "--prom-listen="];
  assertEquals(await flags("aggregator", "--collectors=10.0.0.1:9090,[::1]:9090", ...mine), [
    "--allow-net=127.0.0.1:1,10.0.0.1:9090,[::1]:9090",
    `--allow-read=${MODULES}`,
    QUIET,
  ]);
  assertEquals((await flags("aggregator", "--collectors=col-1:9090", ...mine))[0], "--allow-net");
  assertEquals(await flags("aggregator", "--collectors=@/list", ...mine), [
    "--allow-net",
    `--allow-read=${MODULES},/list`,
    QUIET,
  ]);
});

Deno.test("a frontend reaches its target and those that it allows", async () => {
  assertEquals(await flags("frontend", "--target=10.0.0.1:1", "--target-allow=10.0.0.2:2", "--password-file=/p"), [
    "--allow-net=[::]:8080,10.0.0.1:1,10.0.0.2:2",
    "--allow-read=/p",
    QUIET,
  ]);
});

Deno.test("a command that asks reaches its targets, one that counts reads its files", async () => {
  assertEquals(await flags("cli", "topn", "--target=10.0.0.1:1"), ["--allow-net=10.0.0.1:1", QUIET]);
  assertEquals(await flags("cli", "count", "/a.log", "b.gz", "-"), ["--allow-read=/a.log,b.gz"]);
  assertEquals(await flags("cli", "count", "/a.log", "--threads=2"), [`--allow-read=/a.log,${MODULES}`]);
  assertEquals(await flags("cli", "version"), []);
  // As installed: any target, any file.
  assertEquals(await flags("cli"), ["--allow-net", "--allow-read", QUIET, "--allow-env=CLI_*,LC_ALL,LC_CTYPE,LANG"]);
});

Deno.test("what stands before the role is the command's own, what follows is the role's, --format too", async () => {
  const role = ["--format=combined", "--logs=/l/a.log", "--source=a", "--prom-listen=", "--listen=127.0.0.1:1"];
  const wanted = `--allow-net=127.0.0.1:1 --allow-read=${MODULES},/l --ignore-env\n`;
  assertEquals(await printed(["--format=flags", "collector", ...role]), wanted);
  const shell = fakeShell({});
  await runCommand(["--format", "flags", "permissions", "collector", ...role], () => undefined, shell);
  assertEquals(shell.printed.join(""), wanted);
});

Deno.test("a table gives the reason of each grant, JSON both, and flags are quoted for a shell", async () => {
  const table = await printed(["frontend", "--target=[::1]:9091"]);
  assertStringIncludes(table, "--allow-net=[::]:8080   it listens on :8080 (--listen)");
  assertStringIncludes(table, "--allow-net=[::1]:9091  it connects to [::1]:9091 (--target)");
  const { flags, grants } = JSON.parse(await printed(["--format=json", "frontend", "--target=[::1]:9091"]));
  assertEquals(flags, ["--allow-net=[::]:8080,[::1]:9091", QUIET]);
  assertEquals(Object.keys(grants[0]), ["permission", "value", "why"]);
  assertEquals(
    await printed(["--format=flags", "frontend", "--target=[::1]:9091"]),
    "'--allow-net=[::]:8080,[::1]:9091' --ignore-env\n",
  );
});

Deno.test("variables that are set count like flags, and are granted", async () => {
  const env = { FRONTEND_TARGET: "10.0.0.1:1", FRONTEND_N: "10", OTHER: "x" };
  const text = await printed(["--format=flags", "frontend", "--n=20"], env);
  assertEquals(text, "'--allow-net=[::]:8080,10.0.0.1:1' --ignore-env --allow-env=FRONTEND_TARGET\n");
});

Deno.test("a wrong role, and mistakes in a role's flags, are told as the role would tell them", async () => {
  const mistakes = async (...args: string[]): Promise<UsageError> =>
    await assertRejects(() => printed(args), UsageError);
  assertEquals((await mistakes("colector")).mistakes, [
    '"colector": no such role; did you mean collector? (collector, aggregator, frontend, cli)',
  ]);
  assertEquals((await mistakes()).mistakes, ["a role is missing (collector, aggregator, frontend, cli)"]);
  assertEquals(
    (await mistakes("cli", "topm")).mistakes[0].startsWith('"topm": no such command; did you mean topn?'),
    true,
  );
  const { mistakes: collector, program } = await mistakes("collector", "--lgs=x");
  assertEquals([collector.length, program], [2, "nginx-logtail-collector"]);
  assertEquals((await mistakes("--networks=fe80::/10", "cli")).mistakes.length, 1);
  await assertRejects(() => printed(["aggregator", "--help"]), HelpRequested, "nginx-logtail-aggregator");
});

Deno.test("the tasks that start a role with given flags, and the CLI as installed, have these permissions and no others", async () => {
  const { tasks }: { tasks: Record<string, string | { command: string }> } = JSON.parse(
    Deno.readTextFileSync(new URL("../deno.json", import.meta.url)),
  );
  const started: Readonly<Record<string, RoleName>> = {
    "demo:collector": "collector",
    "demo:frontend": "frontend",
    "up:collector": "collector",
    "up:frontend": "frontend",
    cli: "cli",
    install: "cli",
  };
  for (const [name, role] of Object.entries(started)) {
    const task = tasks[name], command = typeof task === "string" ? task : task.command;
    const words = command.replaceAll("$LOGTAIL_DEMO_DIR", "/demo").replaceAll("'", "").split(" ");
    const entry = words.indexOf(`${role}/main.ts`), args = words.slice(entry + 1);
    const given = words.slice(0, entry).filter((word) => /^--(allow|ignore)-/.test(word));
    const anyVariable = given.some((word) => word.includes("_*"));
    const wanted = permissionFlags(await roleGrants(role, args, () => undefined, { anyVariable }));
    assertEquals(given.map(sorted), wanted.map((flag) => sorted(flag.replace(MODULES, "."))), name);
  }
  const launcher = Deno.readTextFileSync(new URL("../packaging/bin/nginx-logtail", import.meta.url));
  const installed = permissionFlags(await roleGrants("cli", [], () => undefined));
  for (const flag of installed) assertStringIncludes(launcher, flag);
  assertEquals(launcher.match(/--(allow|ignore)-/g)?.length, installed.length);
});

/** The values of a flag in one order. */
function sorted(flag: string): string {
  const [name, values] = flag.split("=");
  return values === undefined ? name : `${name}=${values.split(",").sort().join(",")}`;
}

Deno.test("every flag that names a place says what it touches", async () => {
  const roles = await Promise.all(ROLES.filter((role) => role !== "cli").map((role) => programOf(role, [])));
  const flags = [...roles.map(([program]) => program), ...Object.values(COMMANDS)].flatMap(({ flags }) => flags);
  const places = flags.filter(({ placeholder = "" }) => /PATH|HOST|URL/.test(placeholder));
  assertEquals(places.length > 20, true);
  assertEquals(places.filter(({ touches }) => touches === undefined).map(({ name }) => name), []);
});
