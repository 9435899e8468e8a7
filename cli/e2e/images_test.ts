/**
 * The images and the compose file, as far as they can be checked without an engine: what is copied is there, what is granted is
 * enough and no kind more than needed, and the commands of the images run in a root that has what the images have.
 */
import { join } from "@std/path";
import { parseAll } from "@std/yaml";
import { assert, assertEquals } from "@std/assert";
import { programOf, roleGrants } from "@/cli/command_permissions.ts";
import { covers, type Grant } from "@/core/host/permissions.ts";
import { variableOf } from "@/core/host/flags.ts";
import { line, TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { ROOT } from "./roles.ts";

const NAMES = ["collector", "aggregator", "frontend"] as const;
type Role = typeof NAMES[number];
type Variables = Readonly<Record<string, string>>;

Deno.test("an image is of what is in the checkout, with the pinned runtime, and runs as nobody in particular", () => {
  for (const { from, copies } of stages()) {
    for (const { source, stage } of copies) {
      if (stage === undefined) assert(Deno.statSync(join(ROOT, source)), source);
      else assert(stages().some(({ name }) => name === stage), stage);
    }
    assert(!from.includes("latest"), from);
  }
  assertEquals(/^ARG DENO_VERSION=(.*)$/m.exec(text())?.[1], Deno.version.deno);
  for (const role of [...NAMES, "cli"]) {
    const { from, user, entrypoint } = image(role);
    assertEquals([from, user], ["gcr.io/distroless/cc-debian12:nonroot", "65532:65532"], role);
    assertEquals([entrypoint[0], entrypoint.at(-1)], [
      "/usr/lib/nginx-logtail/deno",
      `/usr/lib/nginx-logtail/${role}/main.js`,
    ]);
  }
});

Deno.test("an image starts its role with the runtime's flags that the package does, and with flags that the role has", async () => {
  const script = Deno.readTextFileSync(join(ROOT, "packaging/bin/nginx-logtail-role"));
  const bare = /^bare="(.*)"$/m.exec(script)![1].split(" ");
  for (const role of NAMES) {
    const { entrypoint, variables } = image(role),
      heap = role === "frontend" ? [] : ["--v8-flags=--max-semi-space-size=2"];
    const flags = entrypoint.slice(2, -1).filter((word) => !/^--(allow|ignore)-/.test(word));
    assertEquals(flags, [...bare, ...heap], role);
    assertEquals(variables.MALLOC_MMAP_THRESHOLD_, role === "frontend" ? undefined : "16384");
    await assertKnown(role, variables);
  }
});

/** What an operator names who mounts files where they are expected. */
const MOUNTED: Readonly<Record<Role, Variables>> = {
  collector: {
    COLLECTOR_SYSLOG_LISTEN: "unix:/run/logtail/syslog.sock,udp://:514",
    COLLECTOR_TLS_CERT: "/etc/nginx-logtail/cert.pem",
    COLLECTOR_TLS_KEY: "/etc/nginx-logtail/key.pem",
  },
  aggregator: { AGGREGATOR_COLLECTORS: "web1:9090", AGGREGATOR_TLS_CA: "/etc/nginx-logtail/ca.pem" },
  frontend: { FRONTEND_PASSWORD_FILE: "/etc/nginx-logtail/passwords" },
};

Deno.test("an image grants what its variables and those of every example need, and no other kind of permission", async () => {
  const examples = [...imagesOf(compose()), ...documented()];
  assert(examples.length > 5);
  for (const role of NAMES) {
    const { entrypoint, variables } = image(role), given = granted(entrypoint), kinds = new Set<string>();
    for (const [of, more] of [[role, MOUNTED[role]] as const, ...examples]) {
      if (of !== role) continue;
      await assertKnown(role, more);
      const all: Variables = { ...variables, ...more };
      for (const grant of await roleGrants(role, [], (name) => all[name])) {
        const value = grant.value.replace(ROOT.replace(/\/$/, ""), "/usr/lib/nginx-logtail");
        assert(given.some((one) => covers(one, { ...grant, value })), `${role}: ${grant.permission} ${value}`);
        kinds.add(grant.permission);
      }
    }
    // With a source in every example, the host's name is asked for by the image's own variables alone.
    assertEquals(given.filter(({ permission }) => !kinds.has(permission) && permission !== "env"), [], role);
    assertEquals(given.filter(({ permission }) => permission === "env").map(({ value }) => value), [
      `${role.toUpperCase()}_*`,
    ]);
  }
  assertEquals(image("cli").entrypoint.slice(10, -1).filter((word) => word.startsWith("--allow-run")), []);
});

Deno.test("the compose file names stages that are there, and shows nothing beyond the loopback", () => {
  const { services, volumes } = compose();
  assertEquals(Object.keys(services), ["aggregator", "frontend"]);
  for (const [name, service] of Object.entries(services)) {
    assertEquals(service.build, { context: "..", dockerfile: "packaging/Dockerfile", target: name });
    assert(image(service.build!.target).entrypoint.length > 0);
    for (const port of service.ports ?? []) assert(port.startsWith("127.0.0.1:"), port);
    for (const volume of service.volumes ?? []) assert(volume.split(":")[0] in volumes, volume);
    assertEquals([service.read_only, service.cap_drop], [true, ["ALL"]]);
    for (const other of service.depends_on ?? []) assert(other in services, other);
    // No more memory than the unit has, and no less.
    const unit = Deno.readTextFileSync(join(ROOT, `systemd/nginx-logtail-${name}.service`));
    assertEquals(service.mem_limit?.toUpperCase(), /^MemoryMax=(.*)$/m.exec(unit)?.[1]);
  }
  assert(services.aggregator.environment!.AGGREGATOR_COLLECTORS.startsWith("${AGGREGATOR_COLLECTORS:?"));
});

/** Runs images side by side in one root: what is in it are the C library and what the Dockerfile copies. */
const RUN = `
set -euo pipefail
if [ -z "\${INSIDE:-}" ]; then INSIDE=1 exec unshare --mount --pid --net --fork --kill-child /usr/bin/bash -c "$0" logtail-images "$@"; fi
mount -t proc proc /proc
ip link set lo up
root=$1 tree=$2
mkdir -p $root/proc $root/usr/lib/nginx-logtail $root/etc $root/dev $root/var/log/nginx $root/var/lib/nginx-logtail
mount --bind $tree/usr/lib/nginx-logtail $root/usr/lib/nginx-logtail
cp --parents $(ldd $3 | grep -o '/[^ ]*') $root
echo '127.0.0.1 localhost collector aggregator' > $root/etc/hosts
mount -t proc proc $root/proc
touch $root/dev/null $root/dev/urandom
mount --bind /dev/null $root/dev/null
mount --bind /dev/urandom $root/dev/urandom
cp $4 $root/var/log/nginx/access.log
chown 65532:65532 $root/var/lib/nginx-logtail
shift 4
pids=
for command; do
  eval "exec env -i $command" &
  pids="$pids $!"
done
get() { exec 3<> /dev/tcp/127.0.0.1/8080; printf 'GET /?w=5m&raw=1 HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3; }
for _ in $(seq 60); do
  page=$(get 2> /dev/null || true)
  case "$page" in *'"total":1,'*) break ;; esac
  sleep 0.5
done
echo "$page"
for pid in $pids; do kill -TERM $pid; wait $pid && echo "ended 0" || echo "ended $?"; done
`;

realTest(
  ["namespaces"],
  "the images' commands, side by side as nobody without a shell, bring a line to the page",
  async () => {
    using folder = new TestFolder();
    const tree = folder.path("package"), root = folder.path("root");
    folder.append(line());
    await run(Deno.execPath(), ["task", "--quiet", "deb", "--tree", `--out=${tree}`], { SOURCE_DATE_EPOCH: "0" });
    // The image has a runtime of its own.
    Deno.removeSync(`${tree}/usr/lib/nginx-logtail/deno`);
    Deno.copyFileSync(Deno.execPath(), `${tree}/usr/lib/nginx-logtail/deno`);
    const { services } = compose();
    const more: Readonly<Record<Role, Variables>> = {
      collector: { COLLECTOR_FROM: "start", COLLECTOR_LISTEN: ":9090", COLLECTOR_SOURCE: "web1" },
      aggregator: {
        ...services.aggregator.environment,
        AGGREGATOR_COLLECTORS: "collector:9090",
        AGGREGATOR_SOURCE: "all",
      },
      frontend: services.frontend.environment!,
    };
    const commands = NAMES.map((role) => {
      const { entrypoint, variables, user } = image(role);
      const env = Object.entries({ ...variables, ...more[role] }).map(([name, value]) => `${name}=${value}`);
      return [...env, "/usr/sbin/chroot", `--userspec=${user}`, root, ...entrypoint].map((word) => `'${word}'`).join(
        " ",
      );
    });
    const printed = await run("/usr/bin/bash", [
      "-c",
      RUN,
      RUN,
      root,
      tree,
      Deno.execPath(),
      folder.path(),
      ...commands,
    ]);
    assert(printed.includes('"source":"all"') && printed.includes('"total":1,'), printed);
    assertEquals(printed.match(/^ended .*$/gm), ["ended 0", "ended 0", "ended 0"], printed);
    assertEquals([...Deno.readDirSync(`${root}/var/lib/nginx-logtail`)].map(({ name }) => name).sort(), [
      "aggregator",
      "collector",
    ]);
  },
);

interface Stage {
  readonly name: string;
  readonly from: string;
  readonly copies: readonly { readonly source: string; readonly stage: string | undefined }[];
  readonly lines: readonly string[];
}

function text(): string {
  return Deno.readTextFileSync(join(ROOT, "packaging/Dockerfile")).replaceAll("\\\n", " ");
}

function stages(): readonly Stage[] {
  return text().split(/^(?=FROM )/m).slice(1).map((part) => {
    const lines = part.split("\n"), [, from, name] = /^FROM (\S+) AS (\S+)$/.exec(lines[0])!;
    const copies = lines.filter((line) => line.startsWith("COPY ")).flatMap((line) => {
      const words = line.split(/\s+/).slice(1), stage = words.find((word) => word.startsWith("--from="))?.slice(7);
      return words.filter((word) => !word.startsWith("--")).slice(0, -1).map((source) => ({ source, stage }));
    });
    return { name, from, copies, lines };
  });
}

/** A stage with what it has from those it stands on. */
function image(
  name: string,
): {
  readonly from: string;
  readonly user: string;
  readonly variables: Variables;
  readonly entrypoint: readonly string[];
} {
  const stage = stages().find((each) => each.name === name)!, below = stages().some((each) => each.name === stage.from);
  const base = below ? image(stage.from) : { from: stage.from, user: "0", variables: {}, entrypoint: [] };
  const words = (key: string): string[] =>
    stage.lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1).trim());
  const variables = words("ENV").flatMap((line) => line.split(/\s+/)).map((word) => word.split(/=(.*)/).slice(0, 2));
  const [entrypoint] = words("ENTRYPOINT");
  return {
    from: base.from,
    user: words("USER").at(-1) ?? base.user,
    variables: { ...base.variables, ...Object.fromEntries(variables) },
    entrypoint: entrypoint === undefined ? base.entrypoint : JSON.parse(entrypoint),
  };
}

function granted(entrypoint: readonly string[]): readonly Grant[] {
  return entrypoint.flatMap((word) => {
    const [, permission, values] = /^--allow-(net|read|write|sys|env)(?:=(.*))?$/.exec(word) ?? [];
    if (permission !== undefined) {
      const of = permission as Grant["permission"];
      return (values ?? "").split(",").map((value): Grant => ({ permission: of, value, why: "" }));
    }
    return word === "--ignore-env" ? [{ permission: "ignored env", value: "", why: "" } satisfies Grant] : [];
  });
}

async function assertKnown(role: Role, variables: Variables): Promise<void> {
  const [program] = await programOf(role, []), known = program.flags.map((flag) => variableOf(program, flag));
  const own = Object.keys(variables).filter((name) => name.startsWith(`${role.toUpperCase()}_`));
  assertEquals(own.filter((name) => !known.includes(name)), [], role);
}

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string };
  readonly environment?: Variables;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly mem_limit?: string;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

function compose(): Compose {
  const [document] = parseAll(Deno.readTextFileSync(join(ROOT, "packaging/compose.yaml")));
  return document as Compose;
}

/** Our images among the services, with their variables as an operator would have them. */
function imagesOf({ services }: Compose): readonly (readonly [Role, Variables])[] {
  return Object.values(services).flatMap(({ image, environment = {} }) => {
    const role = NAMES.find((name) => image?.startsWith(`nginx-logtail-${name}:`));
    if (role === undefined) return [];
    const set = Object.entries(environment).map((
      [name, value],
    ) => [name, value.startsWith("${") ? "web1:9090" : value]);
    return [[role, Object.fromEntries(set)] as const];
  });
}

/** Those of the compose files and manifests of docs/containers.md. */
function documented(): readonly (readonly [Role, Variables])[] {
  const page = Deno.readTextFileSync(join(ROOT, "docs/containers.md"));
  return [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].flatMap(([, yaml]) =>
    parseAll(yaml).flatMap((
      document,
    ) => [...imagesOf({ volumes: {}, services: {}, ...document as object }), ...inPods(document)])
  );
}

interface Container {
  readonly image?: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

/** Containers anywhere in a manifest. */
function inPods(node: unknown): readonly (readonly [Role, Variables])[] {
  if (typeof node !== "object" || node === null) return [];
  const { containers } = node as { containers?: readonly Container[] };
  const found = (containers ?? []).flatMap(({ image, env = [] }) =>
    imagesOf({
      volumes: {},
      services: { it: { image, environment: Object.fromEntries(env.map(({ name, value = "x" }) => [name, value])) } },
    })
  );
  return [...found, ...Object.values(node).flatMap(inPods)];
}

async function run(program: string, args: readonly string[], env: Variables = {}): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], env: { ...env }, cwd: ROOT, stdin: "null" });
  const { code, stdout, stderr } = await command.output(), decoder = new TextDecoder();
  assertEquals(code, 0, `${decoder.decode(stdout)}${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
