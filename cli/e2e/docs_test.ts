/**
 * README.md and docs/: every command is run, every snippet is read by the program that it is for, every link leads
 * somewhere. `docs/places.ts` has the one table of what is exchanged before. A command that cannot be run says in the page
 * what it needs.
 */
import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { parseAll } from "@std/yaml";
import { anchorOf, type Block, commandsOf, type Page, pageOf, pages, untriedBecause } from "./docs/markdown.ts";
import { exchanged, inFolder, strangers } from "./docs/places.ts";
import { Sandbox } from "./docs/sandbox.ts";
import { TestFolder } from "./lines.ts";
import { programPath, realTest } from "./need.ts";
import { ROOT } from "./roles.ts";

/** Commands that may say that they are not tried. */
const UNTRIED_MAX = 10;

/** Pages whose commands are run at the same time. */
const PAGES_AT_ONCE = 3;

/** Of the runtime, of containers, of git, and of tasks that measure. */
const OTHERS_FLAGS =
  /^--(allow-(read|write|net|env|sys|run|ffi)?|v8-flags|max-semi-space-size|semi-space-growth-factor|optimize-for-size|no-prompt|ignore-env|frozen|file|target|tag|detach|programs|kinds|rounds|lines|seconds|small|kills|seeds?|first|collectors|minutes|flood|idle|realtime|help|version|now|simulate)$/;

/** The line of the README by which all tests are run, as .ci/run takes it from there: a test cannot. */
const RUN_BY_CI = /^npx -y deno@[\d.]+ task test\b/;

/** Languages of blocks that no program reads: output and examples of text. */
const READ_BY_PEOPLE = [""];

const PAGES = pages();

realTest(["curl", "openssl"], "every command of the pages does what it says", async () => {
  await using sandbox = await Sandbox.start();
  const waiting = [...PAGES], failures: string[] = [];
  const ran = new Set<string>();
  async function work(): Promise<void> {
    for (let page = waiting.shift(); page !== undefined; page = waiting.shift()) {
      for (const { command, line } of commandsOfPage(page)) {
        const plain = command.replace(/\s+# .*$/, "");
        if (ran.has(plain) || untriedBecause(command) !== undefined || isScreen(command)) continue;
        if (RUN_BY_CI.test(command)) continue;
        ran.add(plain);
        const problem = await problemOf(command, sandbox);
        if (problem !== undefined) failures.push(`${page.path}:${line}: ${command}\n  ${problem}`);
      }
    }
  }
  await Promise.all(Array.from({ length: PAGES_AT_ONCE }, work));
  assertEquals(failures, []);
  assert(ran.size > 80, `${ran.size} commands`);
});

Deno.test("what is not run says what it needs, and that is little", () => {
  const untried = PAGES.flatMap((page) =>
    commandsOfPage(page).filter(({ command }) => untriedBecause(command)).map(({ command, line }) =>
      `${page.path}:${line}: ${command}`
    )
  );
  assert(untried.length <= UNTRIED_MAX, `${untried.length} are not run:\n${untried.join("\n")}`);
  const screens = PAGES.flatMap(commandsOfPage).filter(({ command }) => isScreen(command)).map(({ command }) =>
    command.replace(/\s*#.*$/, "")
  );
  assert(
    Deno.readTextFileSync(join(ROOT, ".ci", "run")).includes("npx -y deno@[0-9.]* task test"),
    "CI runs all tests",
  );
  // `top` is worked in a terminal by top_test.ts.
  assertEquals(screens.filter((command) => !/^(nginx-logtail|deno task cli) top$/.test(command)), []);
});

Deno.test("every link leads to a file, and every anchor to a heading", () => {
  assertEquals(PAGES.flatMap((page) => deadLinks(page, PAGES)), []);
  const dead = pageOf(
    "docs/a.md",
    "# One\n[a](#one) [b](#two) [c](b.md) [d](guide.md#nowhere) [e](https://example.com/)\n",
  );
  assertEquals(deadLinks(dead, [dead, ...PAGES]), [
    "docs/a.md: #two",
    "docs/a.md: b.md",
    "docs/a.md: guide.md#nowhere",
  ]);
  assertEquals(anchorOf('"(other)" is large'), "other-is-large");
});

Deno.test("every task and flag that a page names is there, and the guide has every flag of the daemons", async () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))) as { tasks: Record<string, unknown> };
  const known = await knownFlags(), flags = new Set([...known.values()].flatMap((each) => [...each]));
  const unknown = PAGES.flatMap(({ path, spans, blocks }) => {
    const texts = [...spans, ...blocks.filter(({ language }) => language === "sh").map(({ text }) => text)];
    return texts.flatMap((text) => [
      ...[...text.matchAll(/\bdeno(?:@[\d.]+)? task ([a-z][\w:-]*)/g)].map(([, name]) => name).filter((name) =>
        !(name in tasks)
      ),
      ...(text.match(/(?<![\w-])--[a-z][\w-]*/g) ?? []).filter((flag) => !flags.has(flag) && !OTHERS_FLAGS.test(flag)),
    ]).map((name) => `${path}: ${name}`);
  });
  assertEquals(unknown, []);
  const guide = PAGES.find(({ path }) => path === "docs/guide.md")?.spans.join(" ") ?? "";
  const untold = [...known].filter(([page]) => page.endsWith(".8")).flatMap(([page, own]) =>
    [...own].filter((flag) => !new RegExp(`${flag}(?![\\w-])`).test(guide)).map((flag) => `${page}: ${flag}`)
  );
  assertEquals(untold, [], "the guide has every flag of the daemons");
  assert(flags.has("--state-dir") && flags.has("--group-by") && !flags.has("--state-directory"));
});

realTest(["nginx", "rsyslogd", "systemd-analyze"], "every snippet is right to the program that reads it", async () => {
  using folder = new TestFolder();
  const failures: string[] = [];
  for (const { path, blocks } of PAGES) {
    for (const block of blocks) {
      const problem = await snippetProblem(block, folder);
      if (problem !== undefined) failures.push(`${path}:${block.line}: ${block.language}: ${problem}`);
    }
  }
  assertEquals(failures, []);
});

/** Flags of all programs by man page, which are made of their tables. */
async function knownFlags(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  using folder = new TestFolder();
  const grants = ["--no-prompt", "--frozen", "--ignore-env", `--allow-read=${ROOT}`, `--allow-write=${folder.folder}`];
  const args = ["run", "--quiet", ...grants, join(ROOT, "packaging", "man", "main.ts"), `--out=${folder.folder}`];
  const { success } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert(success);
  const flagsOf = (name: string): string[] =>
    Deno.readTextFileSync(folder.path(name)).replaceAll("\\-", "-").match(/--[a-z][\w-]*/g) ?? [];
  return new Map([...Deno.readDirSync(folder.folder)].map(({ name }) => [name, new Set(flagsOf(name))]));
}

interface Command {
  readonly command: string;
  /** Of the block, from 1; 0 in a sentence. */
  readonly line: number;
}

/** Those of shell blocks, and whole ones in sentences: with something behind the program, and nothing left to fill in. */
function commandsOfPage({ blocks, spans }: Page): readonly Command[] {
  const inBlocks = blocks.filter(({ language }) => language === "sh").flatMap((block) =>
    commandsOf(block).map((command) => ({ command, line: block.line }))
  );
  const whole = spans.filter((span) => /^(nginx-logtail(-\w+)?|ssh) \S/.test(span) && !/…|\b[A-Z]{4}/.test(span));
  const inSentences = whole.filter((span) => !/^nginx-logtail (count|permissions)$/.test(span));
  return [...inBlocks, ...inSentences.map((command) => ({ command, line: 0 }))];
}

/** Takes the whole terminal. */
function isScreen(command: string): boolean {
  return /^(nginx-logtail|deno task cli) top(\s|$)/.test(command);
}

async function problemOf(command: string, sandbox: Sandbox): Promise<string | undefined> {
  const here = exchanged(command, sandbox.places), foreign = strangers(here, sandbox.places);
  if (foreign.length > 0) return `touches ${foreign.join(", ")}`;
  const serves = sandbox.serves(here);
  const { code, stdout, stderr } = serves ? await sandbox.runUntilItServes(here) : await sandbox.run(here);
  const said = `\n  ${`${stdout}${stderr}`.trimEnd().replaceAll("\n", "\n  ")}`;
  if (code !== 0) return `ended with ${code}:${said}`;
  if (/^nginx-logtail /.test(command) && !serves && (stdout === "" || stderr !== "")) return `said:${said}`;
  return undefined;
}

function deadLinks({ path, links, anchors }: Page, all: readonly Page[]): readonly string[] {
  return links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [file, anchor] = link.split("#"), target = file === "" ? path : join(dirname(path), file);
    if (file !== "" && !exists(join(ROOT, target))) return true;
    if (anchor === undefined) return false;
    return !(file === "" ? anchors : all.find((page) => page.path === target)?.anchors)?.has(anchor);
  }).map((link) => `${path}: ${link}`);
}

async function snippetProblem({ language, text }: Block, { folder }: TestFolder): Promise<string | undefined> {
  const here = inFolder(text.replace(/\bcollector:1514\b|\$\{NODE_ADDRESS\}:1514/g, "127.0.0.1:1514"), folder);
  switch (language) {
    case "sh":
      return undefined;
    case "nginx":
      return await nginxProblem(here, folder);
    case "rsyslog":
      Deno.writeTextFileSync(`${folder}/rsyslog.conf`, here.replace(/ +# .*$/gm, ""));
      return await refusal("rsyslogd", ["-N1", "-f", `${folder}/rsyslog.conf`]);
    case "yaml":
      return yamlProblem(text);
    case "json":
      JSON.parse(text);
      return undefined;
    case "ini":
      return await iniProblem(here, folder);
    default:
      return READ_BY_PEOPLE.includes(language) ? undefined : "nothing reads this language; see docs_test.ts";
  }
}

/** Directives of `http`, with the format that they may take for granted. */
async function nginxProblem(text: string, folder: string): Promise<string | undefined> {
  const format = /log_format logtail\b/.test(text) ? "" : "log_format logtail '$host';";
  Deno.mkdirSync(`${folder}/var/log/nginx`, { recursive: true });
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
    `${name}_temp_path ${folder}/temp;`
  );
  const conf = `error_log stderr;\npid ${folder}/nginx.pid;\nevents {}\nhttp {\n${
    places.join("\n")
  }\n${format}\n${text}\n}\n`;
  Deno.writeTextFileSync(`${folder}/nginx.conf`, conf);
  return await refusal("nginx", ["-t", "-q", "-e", "stderr", "-p", folder, "-c", `${folder}/nginx.conf`]);
}

/** A drop-in for a unit, or variables of an environment file. */
async function iniProblem(text: string, folder: string): Promise<string | undefined> {
  if (!text.includes("[")) {
    const wrong = text.split("\n").filter((line) => !/^(#.*|[A-Z][A-Z_0-9]*=.*|)$/.test(line));
    return wrong.length === 0 ? undefined : `no variable: ${wrong[0]}`;
  }
  const name = "nginx-logtail-collector.service", unit = Deno.readTextFileSync(join(ROOT, "systemd", name));
  Deno.mkdirSync(`${folder}/${name}.d`, { recursive: true });
  Deno.writeTextFileSync(`${folder}/${name}`, unit.replace(/ExecStart=\S+/, `ExecStart=${Deno.execPath()}`));
  Deno.writeTextFileSync(`${folder}/${name}.d/drop-in.conf`, text);
  return await refusal("systemd-analyze", ["verify", "--recursive-errors=yes", "--man=no", `${folder}/${name}`]);
}

/** Documents of a manifest or of a compose file; a service that another depends on, and a volume, must be there. */
function yamlProblem(text: string): string | undefined {
  for (const document of parseAll(text) as readonly Record<string, unknown>[]) {
    const { services, volumes = {} } = document as { services?: Services; volumes?: Record<string, unknown> };
    for (const [name, service] of Object.entries(services ?? {})) {
      const used = (service.volumes ?? []).map((volume) => volume.split(":")[0]).filter((volume) =>
        /^\w+$/.test(volume)
      );
      const missing = [
        ...used.filter((volume) => !(volume in volumes)),
        ...(service.depends_on ?? []).filter((other) => !(other in (services ?? {}))),
      ];
      if (missing.length > 0) return `${name} wants ${missing.join(", ")}`;
    }
  }
  return undefined;
}

type Services = Record<string, { volumes?: readonly string[]; depends_on?: readonly string[] }>;

async function refusal(program: string, args: readonly string[]): Promise<string | undefined> {
  const { code, stderr } = await new Deno.Command(programPath(program)!, { args: [...args], stdin: "null" }).output();
  const said = new TextDecoder().decode(stderr);
  return code === 0 && !/\berror\b|\[(warn|emerg)\]/i.test(said) ? undefined : said;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch {
    return false;
  }
}
