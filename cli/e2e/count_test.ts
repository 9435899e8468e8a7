/** `nginx-logtail count` as a process of its own, on real files and pipes. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { line, TestFolder } from "./lines.ts";
import { isRoot, programPath, realTest } from "./need.ts";
import { type Ended, environmentGrants, ROOT } from "./roles.ts";

interface Start {
  readonly stdin?: Uint8Array<ArrayBuffer>;
  /** Put before the command. */
  readonly prefix?: readonly string[];
  /** Instead of every file. */
  readonly grants?: readonly string[];
}

/** The words of the command, with read permission and no other. */
function commandLine(args: readonly string[], { prefix = [], grants = ["--allow-read"] }: Start): readonly string[] {
  const config = `--config=${join(ROOT, "deno.json")}`;
  const flags = ["run", "--quiet", "--no-prompt", "--frozen", config, ...grants, ...environmentGrants("cli")];
  return [...prefix, Deno.execPath(), ...flags, join(ROOT, "cli/main.ts"), "count", ...args];
}

async function count(args: readonly string[], start: Start = {}): Promise<Ended> {
  const [program, ...rest] = commandLine(args, start);
  const child = new Deno.Command(program, { args: rest, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writing = feed(child.stdin, start.stdin ?? new Uint8Array(0));
  const { code, stdout, stderr } = await child.output();
  await writing;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** In pieces that no line respects. Whoever does not read it all has their reasons. */
async function feed(stdin: WritableStream<Uint8Array<ArrayBuffer>>, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const writer = stdin.getWriter();
  try {
    for (let at = 0; at < bytes.length; at += 10_007) await writer.write(bytes.subarray(at, at + 10_007));
    await writer.close();
  } catch {
    await writer.abort().catch(() => {});
  }
}

async function gzipped(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Lines over ten minutes of so many sites, clients and paths. */
function traffic(lines: number): string {
  const parts: string[] = [];
  for (let index = 0; index < lines; index++) {
    const time = 1_700_000_000 + Math.floor(600 * index / lines), client = `198.18.${(index * 31) % 200}.1`;
    parts.push(line({ host: `site-${(index * index) % 37}`, client, uri: `/${(index * 7) % 501}`, time }));
  }
  return parts.join("");
}

realTest([], "plain files, gzip of several members, and standard input are counted alike", async () => {
  using folder = new TestFolder();
  const text = traffic(5000), half = text.indexOf("\n", text.length / 2) + 1;
  folder.append(text, "plain.log");
  folder.append(text.slice(0, -1), "unfinished.log");
  const members = [await gzipped(text.slice(0, half)), await gzipped(text.slice(half))];
  for (const member of members) Deno.writeFileSync(folder.path("rotated.gz"), member, { append: true });
  const stdin = new TextEncoder().encode(text);
  const answers = [
    await count([folder.path("plain.log")]),
    await count([folder.path("unfinished.log")]),
    await count([folder.path("rotated.gz")]),
    await count(["-"], { stdin, grants: [] }),
    await count(["-"], { stdin: Deno.readFileSync(folder.path("rotated.gz")), grants: [] }),
  ];
  for (const answer of answers) assertEquals(answer, { code: 0, stdout: answers[0].stdout, stderr: "" });
  assertStringIncludes(answers[0].stdout, "RANK  COUNT  LABEL");
});

realTest([], "several threads print what one prints, to the byte", async () => {
  using folder = new TestFolder();
  const text = traffic(100_000);
  for (let copy = 0; copy < 3; copy++) folder.append(text);
  folder.append(text, "second.log");
  Deno.writeFileSync(folder.path("third.gz"), await gzipped(text));
  const args = ["--json", "--group-by=website,prefix,uri,status", "--n=40", "access.log", "second.log", "third.gz"]
    .map((arg) => arg.startsWith("-") ? arg : folder.path(arg));
  const one = await count(args);
  assertEquals([one.code, JSON.parse(one.stdout.split("\n")[0]).total], [0, 500_000]);
  assertEquals(await count([...args, "--threads=3"]), one);
});

realTest([], "a line of ten megabytes and any bytes are in the ledger, and the rest is counted", async () => {
  using folder = new TestFolder();
  folder.append(line({ host: "first" }) + "x".repeat(10_000_000) + "\n");
  const hostile = Uint8Array.from({ length: 100_000 }, (_, index) => (index * index * 2_654_435_761 >>> 7) & 255);
  Deno.writeFileSync(folder.path(), hostile, { append: true });
  folder.append("\n" + line({ host: "last" }));
  const { code, stdout, stderr } = await count([folder.path(), "--json"]);
  const { entries, ledger } = JSON.parse(stdout);
  assertEquals(entries.map(({ label }: { label: string }) => label), ["first", "last"]);
  assertEquals([code, ledger.counted, ledger.too_long], [0, 2, 1]);
  assertStringIncludes(stderr, "malformed_fields");
});

realTest([], "a file that may not be read is named, and the others are counted", async () => {
  using folder = new TestFolder();
  folder.append(line({ host: "open" }), "open.log");
  folder.append(line({ host: "closed" }), "closed.log");
  Deno.chmodSync(folder.folder, 0o755);
  Deno.chmodSync(folder.path("closed.log"), 0);
  // Root may read everything: somebody else asks.
  const setpriv = programPath("setpriv");
  if (isRoot() && setpriv === undefined) return;
  const prefix = isRoot() ? [setpriv ?? "", "--inh-caps=-all", "--bounding-set=-all"] : [];
  const { code, stdout, stderr } = await count([folder.path("closed.log"), folder.path("open.log")], { prefix });
  assertEquals([code, stdout], [1, "RANK  COUNT  LABEL\n   1      1  open\n"]);
  assertStringIncludes(stderr, "closed.log: permission denied; run it as a user who may read it");
  const alone = await count([folder.path("closed.log")], { prefix });
  assertEquals([alone.code, alone.stdout], [3, ""]);
});

realTest([], "a compressed log that was cut counts as far as it goes, and says so", async () => {
  using folder = new TestFolder();
  const whole = await gzipped(traffic(20_000));
  Deno.writeFileSync(folder.path("cut.gz"), whole.subarray(0, whole.length / 2));
  const { code, stdout, stderr } = await count([folder.path("cut.gz"), "--json"]);
  assertEquals([code, JSON.parse(stdout).total > 1000], [1, true]);
  assertStringIncludes(stderr, "it ends in the middle: it was cut, or is still being written");
});

realTest([], "mistakes are told before anything is read, and without permission the next step is named", async () => {
  using folder = new TestFolder();
  folder.append(line());
  const mistaken = await count([folder.path(), folder.path("nix.log"), folder.folder, "--group-by=url"]);
  assertEquals([mistaken.code, mistaken.stdout], [2, ""]);
  assertStringIncludes(mistaken.stderr, "did you mean uri?");
  const missing = await count([folder.path(), folder.path("nix.log"), folder.folder]);
  assertEquals([missing.code, missing.stdout], [2, ""]);
  assertStringIncludes(missing.stderr, "2 mistakes");
  const refused = await count([folder.path()], { grants: [] });
  assertEquals([refused.code, refused.stdout], [3, ""]);
  assertStringIncludes(refused.stderr, `run it with --allow-read=${folder.path()}`);
});

realTest([], "whoever stops reading the answer is no failure", async () => {
  using folder = new TestFolder();
  folder.append(traffic(50_000));
  const [program, ...args] = commandLine([folder.path(), "--group-by=uri", "--n=10000", "--json"], {});
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  await child.stdout.cancel();
  const said = await new Response(child.stderr).text();
  assertEquals([(await child.status).code, said], [0, ""]);
});

realTest([], "a signal ends it at once and prints nothing half", async () => {
  const [program, ...args] = commandLine(["-"], { grants: [] });
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(traffic(20_000)));
  child.kill("SIGINT");
  const { code, stdout } = await child.output();
  await writer.abort().catch(() => {});
  assertEquals([code, stdout.length], [130, 0]);
});
