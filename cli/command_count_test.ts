import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { MachineRefusal, UsageError } from "@/core/host/exit.ts";
import type { FileTrouble } from "@/core/host/file_trouble.ts";
import type { Inputs } from "@/core/host/input_file.ts";
import { runCommand } from "./command.ts";
import { Board, type StartThread } from "./count_threads.ts";
import { readParts } from "./count_read.ts";
import { Tally } from "./count_tally.ts";
import { fakeInputs, type FakeShell, fakeShell, OBEYED } from "./fake_shell.ts";

const DENIED: FileTrouble = { trouble: "denied", reason: "permission denied" };

/** Three lines of two sites within twenty seconds, and two that are none. */
const LOG = [
  "a.example\t192.0.2.1\t1700000000.5\tGET\t/x?q=1\t200\t100\t0.010",
  "b.example\t192.0.2.2\t1700000009.5\tGET\t/y\t404\t200\t0.030",
  "not\x1b[2J a line",
  "nor this",
  "a.example\t198.51.100.1\t1700000011.5\tPOST\t/x\t200\t300\t0.020",
].join("\n");

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function run(
  args: readonly string[],
  files: Readonly<Record<string, Uint8Array | FileTrouble>>,
  changes: Partial<FakeShell> = {},
): Promise<{ code: number; shell: FakeShell; out: string }> {
  const shell: FakeShell = { ...fakeShell({}), inputs: fakeInputs(files), ...changes };
  const code = await runCommand(["count", ...args], () => undefined, shell);
  return { code, shell, out: shell.printed.join("") };
}

/** Threads that take turns in this one. */
function startHere(inputs: Inputs): StartThread {
  return async ({ job, board: memory, thread }) => {
    const board = new Board(0, memory), tally = new Tally(job);
    await Promise.resolve();
    const onRead = (count: number): void => board.report(thread, count, tally.lineCount);
    const unread = await readParts({ job, inputs, tally, next: () => board.takePart(), onRead });
    return { state: tally.state(), unread };
  };
}

Deno.test("a file is ranked as topn ranks, and what was not counted is named once, with the first such line", async () => {
  const { code, shell, out } = await run(["access.log"], { "access.log": bytes(LOG) });
  assertEquals(out, "RANK  COUNT  LABEL\n   1      2  a.example\n   2      1  b.example\n");
  assertEquals(shell.problems, [
    "2 of 5 lines were not counted",
    "malformed_fields 2; the first: not\\x1b[2J a line",
  ]);
  assertEquals([code, shell.givenUp], [0, ["net"]]);
});

Deno.test("a load balancer among the clients is mentioned below their ranking, not below another", async () => {
  const log = "a.example\t10.0.0.7\t1700000000.5\tGET\t/x\t200\t100\t0.010\n".repeat(1000);
  const { out } = await run(["--group-by=prefix,uri", "access.log"], { "access.log": bytes(log) });
  assertEquals(out.match(/set_real_ip_from/g)?.length, 1);
  const filtered = await run(["--group-by=prefix", "--status=200", "access.log"], { "access.log": bytes(log) });
  assertEquals(filtered.out.includes("set_real_ip_from"), false);
});

Deno.test("lines of no format are told which were expected, and which format would match", async () => {
  const { code, shell, out } = await run(["access.log"], { "access.log": bytes('192.0.2.1 - - "GET /"\n') });
  assertEquals([code, out], [0, "no requests match\n"]);
  const expected = "1 of 1 lines were not counted; expected were lines of logtail, v1, json, combined, common";
  assertEquals(shell.problems[0], expected);
  const other = await run(["--format=combined", "access.log"], { "access.log": bytes(LOG) });
  assertStringIncludes(other.shell.problems[0], "they look like logtail: use --format logtail, or auto");
});

Deno.test("files of several formats are counted together, or all as the one that is named", async () => {
  const files = {
    "a.log": bytes(LOG),
    "b.log": bytes('b.example 192.0.2.1 - - [14/Nov/2023:22:13:21 +0000] "GET / HTTP/1.1" 200 10 "-" "a"\n'.repeat(3)),
    "c.log": bytes('{"host":"c.example","remote_addr":"192.0.2.1","status":200}\n'.repeat(4)),
  };
  const { out } = await run(["a.log", "b.log", "c.log"], files);
  assertEquals(out.split("\n").slice(1, 4).map((line) => line.trim().replace(/\s+/g, " ")), [
    "1 4 b.example",
    "2 4 c.example",
    "3 2 a.example",
  ]);
  const text = '{"host":"$host","remote_addr":"$remote_addr","status":$status}';
  const one = await run([`--format=escape=json ${text}`, "c.log"], files);
  assertStringIncludes(one.out, "c.example");
  assertEquals(one.shell.problems, []);
  const client = await run(["--client=edge", "--group-by=prefix", "d.log"], {
    "d.log": bytes('{"host":"d","remote_addr":"192.0.2.1","edge":"2001:db8:1::1"}\n'),
  });
  assertStringIncludes(client.out, "2001:db8:1::/48");
});

Deno.test("several dimensions are ranked in one go, and filters are those of topn", async () => {
  const args = ["--group-by=status,prefix", "--website=a.example", "--filter=uri=/x", "--sort=bytes", "access.log"];
  const { out } = await run(args, { "access.log": bytes(LOG) });
  assertEquals(
    out,
    "=== status ===\nRANK  COUNT  BYTES  LABEL\n   1      2    400  200\n\n" +
      "=== prefix ===\nRANK  COUNT  BYTES  LABEL\n   1      1    300  198.51.100.0/24\n   2      1    100  192.0.2.0/24\n",
  );
});

Deno.test("in JSON a dimension is a line, with the span, the files and the ledger", async () => {
  const args = ["--json", "--group-by=website,uri", "--n=1", "a", "b"];
  const { code, shell, out } = await run(args, { a: bytes(LOG), b: DENIED });
  const [websites, uris] = out.trimEnd().split("\n").map((text) => JSON.parse(text));
  assertEquals([websites.source, websites.target, websites.window], ["count", "a,b", "all"]);
  assertEquals([websites.from, websites.to], ["2023-11-14T22:13:20Z", "2023-11-14T22:13:40Z"]);
  assertEquals([websites.total, websites.other, websites.group_by, uris.group_by], [3, 1, "website", "uri"]);
  assertEquals(uris.entries.map((entry: { label: string; count: number }) => [entry.label, entry.count]), [["/x", 2]]);
  assertEquals(websites.coverage, { expected: 2, present: 1, missing: ["b"] });
  assertEquals([websites.ledger.read, websites.ledger.counted, websites.ledger.malformed_fields], [5, 3, 2]);
  assertEquals(code, 1);
  assertEquals(shell.problems[0], "b: permission denied; run it as a user who may read it, or pipe it in (left out)");
});

Deno.test("without a line there is no span", async () => {
  const { code, out } = await run(["--json", "empty"], { empty: bytes("") });
  const { from, to, total } = JSON.parse(out);
  assertEquals([code, from, to, total], [0, null, null, 0]);
});

Deno.test("masks are the operator's", async () => {
  const { out } = await run(["--group-by=prefix", "--v4prefix=8", "a"], { a: bytes(LOG) });
  assertStringIncludes(out, "192.0.0.0/8");
});

Deno.test("files that cannot be meant are all named before any is read", async () => {
  const files = { ok: bytes(LOG), "-": bytes("") };
  const refused = async (...args: string[]): Promise<readonly string[]> =>
    (await assertRejects(() => run(args, files), UsageError)).mistakes;
  assertEquals(await refused(), ["no file; name log files, or - for standard input"]);
  assertEquals(await refused("ok", "nix", "ni\nx"), ['"nix": no such file', '"ni\\x0ax": no such file']);
  assertEquals(await refused("-", "/dev/stdin"), ["-: given twice; standard input comes once"]);
  const [unknown, ambiguous] = [await refused("--format=combind", "ok"), await refused("--format=$host$status", "ok")];
  assertStringIncludes(unknown[0], "the names are auto, logtail, v1, v2, combined, common, json");
  assertStringIncludes(ambiguous[0], "column 1: nothing tells where $host ends and $status begins");
  assertStringIncludes((await refused("--format=@main", "ok"))[0], "give the text of the log_format");
  assertStringIncludes(
    (await refused("--format=combined", "--client=edge", "ok"))[0],
    "the format does not have $edge",
  );
  assertEquals(await refused("--group-by=,", "ok"), ["--group-by: names nothing; name a dimension"]);
  assertEquals((await refused("--threads=0", "--group-by=website,url", "ok")).length, 2);
  const inputs: Inputs = { ...fakeInputs(files), stat: () => ({ kind: "directory", size: 0 }) };
  const directory = await assertRejects(() => run(["logs"], files, { inputs }), UsageError);
  assertEquals(directory.mistakes, ['"logs": a directory; name the files in it, such as logs/*.log']);
});

Deno.test("when no file can be read, the machine refuses", async () => {
  const notGranted: FileTrouble = {
    trouble: "not_granted",
    reason: "the process was started without read permission for it",
  };
  const refusal = await assertRejects(() => run(["a", "b"], { a: DENIED, b: notGranted }), MachineRefusal);
  assertStringIncludes(refusal.message, "Cannot read a: permission denied; run it as a user who may read it");
  assertStringIncludes(refusal.message, "run it with --allow-read=b beside what it has");
});

Deno.test("several threads give what one gives, to the byte", async () => {
  const random = fc.sample(fc.tuple(fc.nat(30), fc.nat(200), fc.nat(2000), fc.nat(50)), { numRuns: 3_000, seed: 1 });
  const text = random.map(([site, net, second, page], index) =>
    index % 1000 === 7
      ? `bad ${index}\n`
      : `s${site}\t10.0.${net}.1\t${1_700_000_000 + second}.5\tGET\t/${page}\t200\t${index}\t0.1\n`
  ).join("");
  const whole = bytes(text.repeat(3)), files = { a: whole, b: bytes(LOG), "-": bytes(LOG) };
  const args = ["--json", "--group-by=website,prefix,uri", "--n=40", "a", "b", "-"];
  const one = await run(args, files);
  for (const threads of [2, 5]) {
    const changes = { startThread: startHere(fakeInputs(files)) };
    const several = await run([...args, `--threads=${threads}`], files, changes);
    assertEquals([several.out, several.shell.problems, several.code], [one.out, one.shell.problems, one.code]);
  }
});

Deno.test("a thread that dies is a bug, and nothing is printed", async () => {
  const shell: FakeShell = {
    ...fakeShell({}),
    inputs: fakeInputs({ a: bytes(LOG), b: bytes(LOG) }),
    startThread: () => Promise.reject(new Error("died")),
  };
  await assertRejects(() => runCommand(["count", "--threads=2", "a", "b"], () => undefined, shell), Error, "died");
  assertEquals(shell.printed, []);
});

Deno.test("on a terminal, or when asked, the speed is told; elsewhere nothing is said beside the answer", async () => {
  const files = { a: bytes(LOG.repeat(2) + "\n") };
  const written: string[] = [];
  const terminal = { columns: () => 80, write: (text: string) => void written.push(text) };
  const onTerminal = await run(["a"], files, { terminal, nowMs: () => 500 });
  assertEquals(onTerminal.shell.problems.at(-1), "9 lines, 387 B in 0.50 s: 18 lines/s");
  assertEquals(written.at(-1)?.trim(), "");
  assertEquals((await run(["--stats", "a"], files)).shell.problems.length, 3);
  assertEquals((await run(["a"], files)).shell.problems.length, 2);
});

Deno.test("nothing in a log or a name reaches the terminal as a command", async () => {
  const hostile = fc.string({
    unit: fc.oneof(fc.constantFrom(...OBEYED, "\t", "a"), fc.string({ minLength: 1, maxLength: 1 })),
  });
  await fc.assert(fc.asyncProperty(hostile, fc.boolean(), async (text, asHost) => {
    const name = `x${text}`;
    const line = asHost ? `${text}\t192.0.2.1\t1700000000\tGET\t/\t200\t1\t0.1` : text;
    const { shell, out } = await run([`./${name}`, "gone"], { [`./${name}`]: bytes(line), gone: DENIED });
    for (const shown of [...out.split("\n"), ...shell.problems]) {
      for (const obeyed of OBEYED) assertEquals(shown.includes(obeyed), false, JSON.stringify(shown));
    }
  }));
});
