import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Snapshot } from "@/core/answer.ts";
import { HelpRequested, OutputClosed, UsageError, VersionRequested } from "@/core/host/exit.ts";
import { runCommand } from "./command.ts";
import { askedClient, type FakeShell, fakeShell, snapshot, TARGET_INFOS, topNAnswer, values } from "./fake_shell.ts";
import { TARGETS_AT_ONCE_MAX } from "./shell.ts";

function run(line: string, shell: FakeShell, env: Readonly<Record<string, string>> = {}): Promise<number> {
  const args = line === "" ? [] : line.split(" ");
  return runCommand(args, (name) => env[name], shell);
}

async function mistakes(line: string): Promise<readonly string[]> {
  return (await assertRejects(() => run(line, fakeShell({})), UsageError)).mistakes;
}

Deno.test("a command alone asks localhost with the defaults", async () => {
  const client = askedClient({});
  const shell = fakeShell({ "localhost:9090": client });
  assertEquals(await run("topn", shell), 0);
  assertEquals(client.questions, [{ window: "5m", groupBy: "website", n: 10, sort: 0, filter: undefined }]);
  assertEquals([client.timeouts, shell.closed], [[5000], ["localhost:9090"]]);
  assertStringIncludes(shell.printed.join(""), "example.com");
});

Deno.test("flags may stand before the command, and values of flags are not taken for it", async () => {
  const client = askedClient({});
  const shell = fakeShell({ "stream:1": client });
  assertEquals(await run("--json --target stream:1 trend --window 24h --timeout 500ms", shell), 0);
  assertEquals(client.questions, [{ window: "24h", filter: undefined }]);
  assertEquals(client.timeouts, [500]);
  assertEquals(JSON.parse(shell.printed[0]).target, "stream:1");
});

Deno.test("variables set what flags do not", async () => {
  const client = askedClient({});
  const env = { CLI_TARGET: "a:1", CLI_N: "3", CLI_GROUP_BY: "uri" };
  assertEquals(await run("topn --n 4 --sort time_max", fakeShell({ "a:1": client }), env), 0);
  assertEquals(client.questions, [{ window: "5m", groupBy: "uri", n: 4, sort: 3, filter: undefined }]);
});

Deno.test("every filter flag is one comparison, and all must hold", async () => {
  const client = askedClient({});
  const flags = "--website a --prefix 192.0.2.0/24 --uri /x --status >=400 --method GET --asn 64500 --tag - --tor 1";
  await run(`topn ${flags} --website-re ^a --uri-re x$ --filter status<500`, fakeShell({ "localhost:9090": client }));
  const filter = client.questions[0].filter;
  const parts = filter?.kind === "and" ? filter.parts : [];
  const texts = parts.map((part) => part.kind === "compare" ? part.dimension + part.operator + part.value : part.kind);
  assertEquals(texts, [
    ..."website=a prefix=192.0.2.0/24 uri=/x status>=400 method=GET asn=64500 tag=- tor=yes".split(" "),
    ..."website~=^a uri~=x$ status<500".split(" "),
  ]);
});

Deno.test("a status can be a class or a comparison", async () => {
  for (const [text, operator, value] of [["4xx", "=", "4xx"], ["!=200", "!=", "200"], ["<300", "<", "300"]] as const) {
    const client = askedClient({});
    await run(`trend --status ${text}`, fakeShell({ "localhost:9090": client }));
    assertEquals(client.questions[0].filter, { kind: "compare", dimension: "status", operator, value });
  }
});

Deno.test("an empty filter does not filter", async () => {
  const client = askedClient({});
  await run("topn --website= --uri-re= --filter=", fakeShell({ "localhost:9090": client }));
  assertEquals(client.questions[0].filter, undefined);
});

Deno.test("every mistake in filters and flags is named at once, an expression's with its column", async () => {
  const named = await mistakes(
    "topn --status 4y --prefix 1.2.3 --uri-re ( --filter status>>4 --n 0 --target :1 --timeout 5",
  );
  assertEquals(named.map((mistake) => mistake.split(" ")[0]), [
    "--target",
    "--timeout",
    "--n",
    "--prefix",
    "--status",
    "--uri-re",
    "--filter",
  ]);
  assertStringIncludes(named[6], "column 8");
  assertStringIncludes(named[1], "did you mean 5s?");
});

Deno.test("filters that are too many together are refused", async () => {
  const expression = Array.from({ length: 32 }, (_, index) => `uri=/${index}`).join("+OR+");
  const args = ["topn", "--filter", `(${expression}) AND (${expression})`.replaceAll("+", " ")];
  await assertRejects(() => runCommand(args, () => undefined, fakeShell({})), UsageError);
});

Deno.test("an unknown command names the near miss, lists the commands, and does not hide other mistakes", async () => {
  assertEquals(await mistakes("tpon --taget x"), [
    '"tpon": no such command; did you mean topn? (topn, top, trend, stream, targets, count, permissions, completion, version)',
    "--taget: no such flag; did you mean --target?",
  ]);
  assertEquals(await mistakes("--taget x topn"), ["--taget: no such flag; did you mean --target?"]);
  assertEquals(await mistakes("--json"), [
    "a command is missing (topn, top, trend, stream, targets, count, permissions, completion, version)",
  ]);
  assertEquals(await mistakes("topn extra"), ['"extra": not expected here; nginx-logtail topn takes flags only']);
  assertEquals((await mistakes("toString"))[0].slice(0, 30), '"toString": no such command (t');
});

Deno.test("nothing at all prints help for people and is a usage error", async () => {
  const shell = fakeShell({});
  assertEquals(await run("", shell), 2);
  assertStringIncludes(shell.helps[0], "Usage: nginx-logtail COMMAND");
  assertEquals(shell.printed, []);
});

Deno.test("help is the overview, or the command's own", async () => {
  const overview = await assertRejects(() => run("--help", fakeShell({})), HelpRequested);
  assertStringIncludes(overview.message, "  trend        requests over time");
  const own = await assertRejects(() => run("trend --help", fakeShell({})), HelpRequested);
  assertStringIncludes(own.message, "--window TIME");
  for (const line of [...overview.message.split("\n"), ...own.message.split("\n")]) {
    assertEquals(line.length <= 100, true);
  }
  await assertRejects(() => run("--version", fakeShell({})), VersionRequested);
});

Deno.test("version is printed without asking anybody", async () => {
  const shell = fakeShell({});
  assertEquals(await run("version", shell), 0);
  assertEquals(shell.printed, ["nginx-logtail 0.1.0\n"]);
});

Deno.test("several targets are labelled and printed in the order in which they were named", async () => {
  const slow = Promise.withResolvers<void>();
  const first = { topN: () => slow.promise.then(() => topNAnswer({ source: "col-1", entries: [] })) };
  const second = {
    topN: () => {
      slow.resolve(); // the first answers only once the second has been asked: they are asked side by side
      return Promise.resolve(topNAnswer({ source: "col-2", entries: [], other: values(0) }));
    },
  };
  const shell = fakeShell({ "a:1": first, "b:2": second });
  assertEquals(await run("topn --target a:1,b:2", shell), 0);
  assertEquals(
    shell.printed.join(""),
    "=== col-1 (a:1) ===\nRANK  COUNT  LABEL\n         90  (other)\n\n=== col-2 (b:2) ===\nno requests match\n",
  );
});

Deno.test("what programs read of several targets has nothing between the answers, and CSV one header", async () => {
  const printed = async (command: string): Promise<string> => {
    const shell = fakeShell({ "a:1": askedClient({}), "b:2": askedClient({}) });
    assertEquals(await run(`${command} --target a:1,b:2`, shell), 0);
    return shell.printed.join("");
  };
  for (const command of ["topn --format json", "topn --json", "trend --format json", "trend --json"]) {
    const lines = (await printed(command)).trimEnd().split("\n");
    assertEquals(lines.map((line) => JSON.parse(line).target), ["a:1", "b:2"], command);
  }
  const rows = (await printed("topn --format csv")).trimEnd().split("\r\n");
  assertEquals(rows[0].split(",").slice(0, 3), ["target", "rank", "website"]);
  assertEquals(rows.slice(1).map((row) => row.split(",")[0]), [...Array(5).fill("a:1"), ...Array(5).fill("b:2")]);
  assertEquals(new Set(rows.map((row) => row.split(",").length)).size, 1);
  assertStringIncludes(await printed("trend"), "\n\n=== col-1 (b:2) ===\n");
});

Deno.test("one failing target is named with the reason, the others are printed, and the exit code is 1", async () => {
  const shell = fakeShell({ "a:1": askedClient({}), "c:3": askedClient({}) });
  assertEquals(await run("topn --json --target a:1,b:2,c:3", shell), 1);
  assertEquals(shell.printed.map((line) => JSON.parse(line).target), ["a:1", "c:3"]);
  assertEquals(shell.problems, [
    "Cannot reach b:2: connection refused; is a collector running there? (b:2 is left out; the other 2 are still asked)",
  ]);
  assertEquals(shell.closed.toSorted(), ["a:1", "b:2", "c:3"]);
});

Deno.test("an error that does not name its target is given the name, and cannot reach the terminal", async () => {
  const shell = fakeShell({ "a:1": { trend: () => Promise.reject(new Error("bad\x1b[2J")) } });
  assertEquals(await run("trend --target a:1", shell), 1);
  assertEquals(shell.problems, ["a:1: bad\\x1b[2J (no answer to show)"]);
});

Deno.test("a limited number of targets is asked at once", async () => {
  let asking = 0;
  let most = 0;
  async function topN(): Promise<ReturnType<typeof topNAnswer>> {
    most = Math.max(most, ++asking);
    await Promise.resolve();
    asking--;
    return topNAnswer();
  }
  const names = Array.from({ length: 3 * TARGETS_AT_ONCE_MAX }, (_, index) => `h:${index + 1}`);
  const shell = fakeShell(Object.fromEntries(names.map((name) => [name, { topN }])));
  assertEquals(await run(`topn --json --target ${names.join(",")}`, shell), 0);
  assertEquals([most, shell.printed.length], [TARGETS_AT_ONCE_MAX, names.length]);
});

Deno.test("targets are listed as the target tells", async () => {
  const shell = fakeShell({ "localhost:9090": { targets: () => Promise.resolve(TARGET_INFOS) } });
  assertEquals(await run("targets", shell), 0);
  assertStringIncludes(shell.printed[0], "nginx2:9090");
});

/** A stream of these, at the end of which `end` is called. */
async function* streamOf(snapshots: readonly Snapshot[], end: () => void): AsyncGenerator<Snapshot> {
  for (const each of snapshots) yield await Promise.resolve(each);
  end();
}

Deno.test("a stream that ends or fails is opened again after five seconds, and stderr says so", async () => {
  let opened = 0;
  const client = {
    snapshots: () => {
      opened++;
      if (opened === 2) throw new Error("Cannot reach a:1: connection reset");
      return streamOf([snapshot()], () => opened === 3 && shell.stopped.abort());
    },
  };
  const shell: FakeShell = fakeShell({ "a:1": client });
  assertEquals(await run("stream --json --target a:1", shell), 0);
  assertEquals(shell.problems, [
    "a:1: the stream ended (trying again in 5 s)",
    "Cannot reach a:1: connection reset (trying again in 5 s)",
  ]);
  assertEquals([shell.pauses, shell.closed.length], [[5000, 5000], 3]);
  assertEquals(shell.printed.map((line) => JSON.parse(line).top_label), ["example.com", "example.com"]);
});

Deno.test("a stream that is stopped while a target is away fails", async () => {
  const shell: FakeShell = {
    ...fakeShell({}),
    pause: () => Promise.resolve(shell.stopped.abort()),
  };
  assertEquals(await run("stream --target a:1", shell), 1);
});

Deno.test("a filtered stream asks for the last minute whenever a minute is over, and leaves five minutes out", async () => {
  const asked = askedClient({});
  const client = {
    ...asked,
    snapshots: () => streamOf([snapshot(), snapshot({ coarse: true })], () => shell.stopped.abort()),
  };
  const shell: FakeShell = fakeShell({ "localhost:9090": client });
  assertEquals(await run("stream --status 429 --json", shell), 0);
  assertEquals(asked.questions.length, 1);
  assertEquals(shell.printed.map((line) => JSON.parse(line)), [{
    ts: "2026-11-21T04:45:00Z",
    source: "col-1",
    target: "localhost:9090",
    is_coarse: false,
    total_entries: 2,
    top_label: "example.com",
    top_count: 12_345,
  }]);
});

Deno.test("a closed output ends every stream", async () => {
  const client = {
    snapshots: () => streamOf([snapshot()], () => {}),
  };
  const shell = fakeShell({ "a:1": client, "b:1": client });
  const closed: FakeShell = {
    ...shell,
    out: () => {
      throw new OutputClosed("closed");
    },
  };
  await assertRejects(() => run("stream --target a:1,b:1", closed), OutputClosed);
});

Deno.test("a ranking is printed as a table, as JSON, as CSV, or as a block list", async () => {
  const entries = [{ label: "203.0.113.0/24", values: values(12), countMax: 12 }];
  const printed = async (flags = ""): Promise<string> => {
    const shell = fakeShell({ "localhost:9090": askedClient({ topN: topNAnswer({ entries }) }) });
    await run(`topn --group-by prefix ${flags}`.trim(), shell);
    return shell.printed.join("");
  };
  assertStringIncludes(await printed(), "RANK  COUNT  LABEL");
  assertEquals(JSON.parse(await printed("--format json")).entries[0].count, 12);
  assertEquals(await printed("--format=json"), await printed("--json"));
  assertStringIncludes(await printed("--format csv"), "1,203.0.113.0/24,12,12,");
  assertStringIncludes(await printed("--format nginx-deny"), "\ndeny 203.0.113.0/24; # 12 requests\n");
  assertEquals((await printed("--format nginx-deny --at-least 13")).includes("\ndeny"), false);
  assertStringIncludes(await printed("--format nginx-deny --allow 203.0.113.7"), "203.0.113.7 is allowed");
});

Deno.test("a block list is of prefixes, and its flags are for nothing else", async () => {
  assertEquals(await mistakes("topn --format nginx-deny"), [
    "--format nginx-deny: it denies client prefixes; add --group-by prefix",
  ]);
  assertEquals(await mistakes("topn --allow 192.0.2.1 --at-least 3"), [
    "--allow: only for --format nginx-deny",
    "--at-least: only for --format nginx-deny",
  ]);
  assertStringIncludes((await mistakes("topn --allow everybody"))[0], "neither address nor prefix");
});
