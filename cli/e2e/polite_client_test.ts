/**
 * Any program may ask, and may hang up in the polite way of HTTP/2, with GOAWAY after many streams. That must not end a
 * collector or an aggregator (`proto/goaway_guard.ts` says why it could).
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cliJson } from "./answers.ts";
import { line, TestFolder } from "./lines.ts";
import { programPath, realTest } from "./need.ts";
import { eventually } from "./ports.ts";
import { startAggregator, startCollector } from "./roles.ts";

const CALLS = 600;
const ROUNDS = 3;

realTest(["node", "npm"], "a foreign client that makes 600 calls and closes politely harms nobody", async () => {
  using log = new TestFolder();
  log.append("");
  await using collector = await startCollector({ source: "col-1", logs: [log.path()] });
  await using aggregator = await startAggregator("agg", [collector.address]);
  log.append(line());
  using client = new TestFolder();
  await install(client.folder);

  for (const role of [collector, aggregator]) {
    for (let round = 1; round <= ROUNDS; round++) {
      assertEquals(await callPolitely(client.folder, role.address), `${CALLS} answers`, `round ${round}`);
      assert(role.alive(), `alive after round ${round}:\n${role.stderr()}`);
    }
    await eventually(
      async () => (await cliJson(role.address, "website")).total === 1 || undefined,
      () => "it is alive, but does not answer with what was counted",
    );
  }
});

/** The service as the original program has it, in its own words. */
const PROTO = `syntax = "proto3";
package logtail;
enum GroupBy { WEBSITE = 0; CLIENT_PREFIX = 1; REQUEST_URI = 2; HTTP_RESPONSE = 3; }
enum Window { W1M = 0; W5M = 1; W15M = 2; W60M = 3; W6H = 4; W24H = 5; }
message Filter { optional string website = 1; }
message TopNRequest { Filter filter = 1; GroupBy group_by = 2; int32 n = 3; Window window = 4; }
message TopNEntry { string label = 1; int64 count = 2; }
message TopNResponse { repeated TopNEntry entries = 1; string source = 2; }
service LogtailService { rpc TopN(TopNRequest) returns (TopNResponse); }
`;

const CLIENT = `const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const { logtail } = grpc.loadPackageDefinition(loader.loadSync(__dirname + "/original.proto", { longs: Number }));
const [target, calls] = process.argv.slice(2);
const client = new logtail.LogtailService(target, grpc.credentials.createInsecure());
const call = () => new Promise((resolve, reject) =>
  client.TopN({ n: 10, window: "W5M" }, (error, answer) => error ? reject(error) : resolve(answer)));
(async () => {
  let answers = 0;
  for (let i = 0; i < Number(calls); i += 20) {
    answers += (await Promise.all(Array.from({ length: 20 }, call))).filter((answer) => answer.source !== "").length;
  }
  client.close();
  console.log(answers + " answers");
})().catch((error) => { console.error(error); process.exit(1); });
`;

async function install(folder: string): Promise<void> {
  await Deno.writeTextFile(join(folder, "original.proto"), PROTO);
  await Deno.writeTextFile(join(folder, "client.cjs"), CLIENT);
  await Deno.writeTextFile(join(folder, "package.json"), "{}");
  const packages = ["@grpc/grpc-js@1.14.7", "@grpc/proto-loader@0.8.1"];
  await run("npm", [
    "install",
    "--prefix",
    folder,
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    ...packages,
  ]);
}

async function callPolitely(folder: string, target: string): Promise<string> {
  return (await run("node", [join(folder, "client.cjs"), target, `${CALLS}`])).trim();
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(programPath(program) ?? program, {
    args: [...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, `${program} ${args.join(" ")}:\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
