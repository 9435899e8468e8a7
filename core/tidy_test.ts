/**
 * The style that machines can see: who imports whom, what the core never touches, what stands at the top level. Each
 * rule is a function from sources to complaints, tried on planted mistakes first and then on the tree.
 */
import { assertEquals } from "@std/assert";
import { walkSync } from "@std/fs";
import { dirname, fromFileUrl } from "@std/path";

/** Path below the checkout, and text. */
type Sources = ReadonlyMap<string, string>;

const ROOT = fromFileUrl(new URL("../", import.meta.url));

const TOP_LEVEL = [
  ".ci",
  ".git",
  ".gitignore",
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "aggregator",
  "cli",
  "collector",
  "core",
  "deno.json",
  "deno.lock",
  "docs",
  "frontend",
  "packaging",
  "proto",
  "systemd",
];

/** Which folders a folder's files may import from, besides their own; and which packages are theirs alone. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  "core": [],
  // Compiled to WebAssembly, by itself.
  "core/kernel": [],
  "core/host": ["core"],
  "proto": ["core", "core/host"],
  "collector": ["core", "core/host", "proto"],
  "aggregator": ["core", "core/host", "proto"],
  "frontend": ["core", "core/host", "proto"],
  "cli": ["core", "core/host", "proto"],
  // Packages hold all roles: man pages are made from the flag tables of each.
  "packaging": ["core", "core/host", "aggregator", "cli", "collector", "frontend"],
};
/** Which permissions a role needs is told by the CLI: from the role's own tables, and from nothing else of it. */
const PERMISSIONS_COMMAND = "cli/command_permissions.ts";
const PACKAGE_OWNERS: Readonly<Record<string, string>> = {
  "@grpc/": "proto",
  "protobufjs": "proto",
  "preact": "frontend",
  "bcryptjs": "frontend",
  "re2js": "core/host",
  "assemblyscript": "core/host",
};
const TEST_PACKAGES = ["@std/assert", "fast-check", "playwright-core", "axe-core"];

/** Words of the outside world that pure code must not know. */
const IMPURE =
  /\b(Deno|Date|performance|console|setTimeout|setInterval|queueMicrotask|fetch|crypto|globalThis|process)\b(?!["'`])|\bMath\.random\b|\b(async|await)\b/;

Deno.test("imports follow the layers", () => {
  assertEquals(importComplaints(planted("core/ring.ts", 'import { x } from "@/collector/flags.ts";')), [
    "core/ring.ts imports @/collector/flags.ts: core may import nothing outside its own folder",
  ]);
  assertEquals(importComplaints(planted("collector/a.ts", 'import { x } from "@/aggregator/fleet.ts";')).length, 1);
  assertEquals(importComplaints(planted("cli/a.ts", 'import { x } from "@/aggregator/flags.ts";')).length, 1);
  assertEquals(importComplaints(planted(PERMISSIONS_COMMAND, 'import { x } from "@/aggregator/fleet.ts";')).length, 1);
  assertEquals(importComplaints(planted("frontend/a.ts", 'import { x } from "../core/bucket.ts";')).length, 1);
  assertEquals(importComplaints(planted("cli/a.ts", 'import { h } from "preact";')).length, 1);
  assertEquals(importComplaints(planted("cli/a.ts", 'const { h } = await import("' + 'preact");')).length, 1);
  assertEquals(importComplaints(planted("core/a.ts", 'import { join } from "@std/path";')).length, 1);
  assertEquals(importComplaints(planted("cli/a.ts", 'import fc from "fast-check";')).length, 1);
  assertEquals(importComplaints(planted("cli/a.ts", 'import { x } from "npm:left-pad@1.0.0";')).length, 1);
  assertEquals(importComplaints(planted("collector/a.ts", 'import { x } from "@/core/bucket.ts";')), []);
  assertEquals(importComplaints(planted("aggregator/a_sim_test.ts", 'import { x } from "@/collector/ingest.ts";')), []);
  assertEquals(importComplaints(tree()), []);
});

Deno.test("the core is pure: no runtime, clock, randomness, timer, console, async", () => {
  for (
    const line of ["const t = Date.now();", "Deno.exit(1);", "await x;", "const r = Math.random();", "console.log(1);"]
  ) {
    assertEquals(purityComplaints(planted("core/ring.ts", line)).length, 1, line);
  }
  assertEquals(
    purityComplaints(planted("core/ring.ts", "// Date.now() would be wrong here\nconst startDate = 1;")),
    [],
  );
  assertEquals(purityComplaints(planted("core/host/clock.ts", "const t = Date.now();")), []);
  assertEquals(purityComplaints(tree()), []);
});

Deno.test("the runtime is touched in the host folder, entries and tests only", () => {
  assertEquals(runtimeComplaints(planted("frontend/page.tsx", "Deno.exit(1);")).length, 1);
  assertEquals(runtimeComplaints(planted("frontend/main.ts", "Deno.exit(1);")), []);
  assertEquals(runtimeComplaints(tree()), []);
});

Deno.test("core/mod.ts lists every core file once, and a file imports only files above it", () => {
  const backwards = new Map(tree()).set("core/bounds.ts", 'import { x } from "./ring.ts";');
  assertEquals(orderComplaints(backwards), ["core/bounds.ts imports ./ring.ts, which core/mod.ts lists below it"]);
  assertEquals(orderComplaints(new Map(tree()).set("core/stray.ts", "")), ["core/mod.ts does not list ./stray.ts"]);
  const twice = new Map(tree()).set("core/mod.ts", `${tree().get("core/mod.ts")}export * from "./bounds.ts";\n`);
  assertEquals(orderComplaints(twice), ["core/mod.ts lists ./bounds.ts twice"]);
  assertEquals(orderComplaints(tree()), []);
});

Deno.test("the rules above look at the whole tree", () => {
  const sources = tree();
  for (const path of [".ci/run", "core/pipeline.ts", "frontend/page.tsx", "systemd/nginx-logtail-collector.service"]) {
    assertEquals(sources.has(path), true, path);
  }
});

Deno.test("nothing unknown stands at the top level", () => {
  assertEquals(topLevelComplaints(["core", "utils"]), ["utils is not a top-level entry of this project"]);
  assertEquals(topLevelComplaints([...Deno.readDirSync(ROOT)].map(({ name }) => name)), []);
});

Deno.test("nobody asks for all permissions, skips a check, or hides behind a name that says nothing", () => {
  assertEquals(habitComplaints(planted("cli/a.ts", "const x: any = 1;")).length, 1);
  assertEquals(habitComplaints(planted("systemd/a.service", "ExecStart=deno run " + "-" + "A main.ts")).length, 1);
  assertEquals(habitComplaints(planted("core/utils.ts", "")).length, 1);
  assertEquals(habitComplaints(tree()), []);
});

function importComplaints(sources: Sources): string[] {
  const complaints: string[] = [];
  for (const [path, text] of sources) {
    if (!isCode(path) || path.endsWith("_sim_test.ts")) continue;
    const layer = layerOf(path);
    for (const specifier of importsOf(text)) {
      const why = importProblem(path, layer, specifier);
      if (why !== undefined) complaints.push(`${path} imports ${specifier}: ${why}`);
    }
  }
  return complaints;
}

function importProblem(path: string, layer: string, specifier: string): string | undefined {
  if (/^(npm|jsr|https?):/.test(specifier)) return "packages are named in deno.json alone";
  if (specifier.startsWith("../")) return "write @/ across a folder boundary";
  if (specifier.startsWith("./")) return undefined;
  const inTest = isTest(path);
  if (specifier.startsWith("@/")) {
    const to = layerOf(specifier.slice(2));
    if (to === layer || LAYERS[layer]?.includes(to)) return undefined;
    if (path === PERMISSIONS_COMMAND && /^@\/\w+\/(flags|permissions)\.ts$/.test(specifier)) return undefined;
    return `${layer} may import ${LAYERS[layer]?.join(", ") || "nothing outside its own folder"}`;
  }
  if (TEST_PACKAGES.includes(specifier)) return inTest ? undefined : "a package for tests";
  const owner = Object.entries(PACKAGE_OWNERS).find(([name]) => specifier.startsWith(name))?.[1];
  if (owner !== undefined) return owner === layer ? undefined : `only ${owner} may`;
  return layer === "core" && !inTest ? "core may import nothing from outside" : undefined;
}

function purityComplaints(sources: Sources): string[] {
  return [...sources].filter(([path]) => layerOf(path) === "core" && isCode(path) && !isTest(path)).flatMap(
    ([path, text]) =>
      withoutComments(text).split("\n").filter((line) => IMPURE.test(line)).map((line) => `${path}: ${line}`),
  );
}

function runtimeComplaints(sources: Sources): string[] {
  return [...sources].filter(([path]) =>
    isCode(path) && !isTest(path) && !path.startsWith("core/") &&
    !/(^|\/)main\.ts$|_worker\.ts$|_thread\.ts$|^cli\/system_shell\.ts$/.test(path)
  ).filter(([, text]) => /\bDeno\./.test(withoutComments(text))).map(([path]) => `${path} touches Deno`);
}

function orderComplaints(sources: Sources): string[] {
  const listed = importsOf(sources.get("core/mod.ts") ?? "");
  const complaints: string[] = [];
  for (const [path, text] of sources) {
    if (layerOf(path) !== "core" || !isCode(path) || isTest(path) || path === "core/mod.ts") continue;
    const name = `./${path.slice("core/".length)}`;
    const place = listed.indexOf(name);
    if (place < 0) complaints.push(`core/mod.ts does not list ${name}`);
    if (listed.lastIndexOf(name) > place) complaints.push(`core/mod.ts lists ${name} twice`);
    for (const specifier of importsOf(text)) {
      if (listed.indexOf(specifier) > place && place >= 0) {
        complaints.push(`${path} imports ${specifier}, which core/mod.ts lists below it`);
      }
    }
  }
  return complaints;
}

function topLevelComplaints(names: readonly string[]): string[] {
  const unknown = names.filter((name) => !TOP_LEVEL.includes(name));
  return unknown.map((name) => `${name} is not a top-level entry of this project`);
}

function habitComplaints(sources: Sources): string[] {
  const complaints: string[] = [];
  for (const [path, text] of sources) {
    if (path === "core/tidy_test.ts") continue;
    if (/(^|\/)(utils?|common|helpers?|manager|index)\.tsx?$/.test(path)) {
      complaints.push(`${path}: the name says nothing`);
    }
    if (/(^|[ "'])(-A|--allow-all)([ "']|$)/m.test(text)) complaints.push(`${path} asks for all permissions`);
    if (!isCode(path)) continue;
    const code = withoutComments(text);
    if (/: any\b|\bas any\b|<any>|@ts-ignore|@ts-expect-error|@ts-nocheck/.test(code)) {
      complaints.push(`${path} turns types off`);
    }
    // The one place that may: real components that are not installed, said plainly.
    if (path !== "cli/e2e/need.ts" && /\bignore: true|\.only\(/.test(code)) complaints.push(`${path} turns a test off`);
  }
  return complaints;
}

function isCode(path: string): boolean {
  return /\.tsx?$/.test(path) && !path.endsWith(".d.ts");
}

/** Tests and benches, and the fixtures that only they use. */
function isTest(path: string): boolean {
  return /_(test|bench|fixture)\.tsx?$/.test(path) || /(^|\/)(test|fake)_\w+\.tsx?$/.test(path) ||
    path.startsWith("cli/e2e/");
}

function layerOf(path: string): string {
  return /^core\/(host|kernel)\//.exec(path)?.[0].slice(0, -1) ?? path.split("/")[0];
}

function importsOf(text: string): string[] {
  const matches = text.matchAll(
    /^\s*(?:import|export)\b[^"';]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm,
  );
  return [...matches].map((match) => match[1] ?? match[2] ?? match[3]);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

function planted(path: string, text: string): Sources {
  return new Map([[path, text]]);
}

/** Everything below the checkout that people write. */
function tree(): Sources {
  const sources = new Map<string, string>();
  const skip = [/\/\.git(\/|$)/, /\/node_modules(\/|$)/, /\/packaging\/dist(\/|$)/];
  for (const { path, name } of walkSync(ROOT, { includeDirs: false, skip })) {
    const below = path.slice(ROOT.length);
    if (/\.(tsx?|json|md|service|proto)$/.test(name) || dirname(below) === ".ci") {
      sources.set(below, Deno.readTextFileSync(path));
    }
  }
  return sources;
}
