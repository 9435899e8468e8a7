/**
 * Clients that are not ours: whatever they do, and however politely they leave, the server goes on.
 *
 * They run as processes of their own, on Node and on Python, with the gRPC libraries of those. A runtime or library
 * that is missing is said plainly; with LOGTAIL_REQUIRE_REAL=1 it is a failure.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { connect } from "./client.ts";
import { FakeAnswerer } from "./fake_answerer.ts";
import { serve } from "./service.ts";

const LOGTAIL_PROTO = fromFileUrl(import.meta.resolve("./logtail.proto"));
const GRPC_VERSION = "1.14.7";

/** 600 questions, then a polite close, which sends GOAWAY. */
const NODE_CLIENT = `
const grpc = require("@grpc/grpc-js");
const { loadSync } = require("@grpc/proto-loader");
const { logtail } = grpc.loadPackageDefinition(loadSync(process.argv[1], { keepCase: true }));
const client = new logtail.LogtailService(process.argv[2], grpc.credentials.createInsecure());
const ask = () => new Promise((resolve, reject) =>
  client.TopN({ window: "W5M", group_by: "REQUEST_URI", n: 3 }, (error, answer) => error ? reject(error) : resolve(answer)));
(async () => {
  let answered = 0;
  while (answered < 600) if ((await ask()).source === "fake-1") answered++;
  client.close();
  console.log(answered);
})();
`;

/** The same, with the library's own idea of the messages: nothing but bytes. */
const PYTHON_CLIENT = `
import sys, grpc
channel = grpc.insecure_channel(sys.argv[1])
ask = channel.unary_unary("/logtail.LogtailService/ListTargets")
answered = 0
while answered < 600:
    answered += b"a:1" in ask(b"")
channel.close()
print(answered)
`;

Deno.test("a Node program that asks 600 questions and leaves politely, three times, leaves the server answering", async () => {
  const folder = await Deno.makeTempDir({ prefix: "logtail-node-" });
  try {
    if (!await installGrpc(folder)) return;
    await visitThreeTimes((target) => run("node", ["-e", NODE_CLIENT, LOGTAIL_PROTO, target], folder));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a Python program that asks 600 questions and leaves politely, three times, leaves the server answering", async () => {
  const { success } = await run("/usr/bin/python3", ["-c", "import grpc"]);
  if (!success) return skip("python3 with its gRPC library; apt-get install python3-grpcio");
  await visitThreeTimes((target) => run("/usr/bin/python3", ["-c", PYTHON_CLIENT, target]));
});

interface Finished {
  readonly success: boolean;
  readonly output: string;
}

async function visitThreeTimes(visit: (target: string) => Promise<Finished>): Promise<void> {
  const answerer = new FakeAnswerer();
  const log = openLog("test", () => {});
  const serving = await serve({ listen: "127.0.0.1:0", answerer, regex: linearRegex, log });
  const target = `127.0.0.1:${serving.port}`;
  try {
    for (let round = 0; round < 3; round++) assertEquals(await visit(target), { success: true, output: "600\n" });
    const client = connect(target);
    assertEquals((await client.targets(2_000)).length, 1);
    client.close();
  } finally {
    await serving.stop(1_000);
  }
}

/** Installs Node's gRPC library in a folder; false when there is no Node or no registry. */
async function installGrpc(folder: string): Promise<boolean> {
  if (!(await run("node", ["--version"])).success) {
    skip("node and npm; apt-get install nodejs npm");
    return false;
  }
  const packages = [`@grpc/grpc-js@${GRPC_VERSION}`, "@grpc/proto-loader@0.8.1"];
  const options = ["--prefix", folder, "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--silent"];
  if ((await run("npm", ["install", ...options, ...packages])).success) return true;
  skip("npm and a registry that has @grpc/grpc-js");
  return false;
}

/** @param folder to look for packages in. */
async function run(program: string, args: readonly string[], folder?: string): Promise<Finished> {
  try {
    const command = new Deno.Command(program, { args: [...args], cwd: folder, stdout: "piped", stderr: "inherit" });
    const { success, stdout } = await command.output();
    return { success, output: new TextDecoder().decode(stdout) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { success: false, output: "" };
    throw error;
  }
}

function skip(missing: string): void {
  // deno-lint-ignore no-console -- whoever runs the tests must see what was not tested
  console.log(`SKIPPED: this needs ${missing}`);
  assert(Deno.env.get("LOGTAIL_REQUIRE_REAL") !== "1", `missing: ${missing}`);
}
