/**
 * Clients that are not ours: whatever they do, and however politely they leave, the server goes on.
 *
 * They run as processes of their own, on Node and on Python, with the gRPC libraries of those. Where a runtime or its
 * library is missing, the test is ignored and its name says so; with LOGTAIL_REQUIRE_REAL=1 it fails.
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
const PYTHON = "/usr/bin/python3";

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

/** Where there is no Node, the runtime puts itself into PATH under its name: only the real one lacks this version. */
const IS_NODE = 'process.exit("deno" in process.versions ? 1 : 0)';

realTest(
  "a Node program that asks 600 questions and leaves politely, three times, leaves the server answering",
  runs("node", "-e", IS_NODE) && runs("npm", "--version") ? "" : "node and npm are missing; apt-get install nodejs npm",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "logtail-node-" });
    try {
      await installGrpc(folder);
      await visitThreeTimes((target) => run("node", ["-e", NODE_CLIENT, LOGTAIL_PROTO, target], folder));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

realTest(
  "a Python program that asks 600 questions and leaves politely, three times, leaves the server answering",
  runs(PYTHON, "-c", "import grpc") ? "" : "python3 with its gRPC library is missing; apt-get install python3-grpcio",
  () => visitThreeTimes((target) => run(PYTHON, ["-c", PYTHON_CLIENT, target])),
);

/** Registers a test with a real program, as `cli/e2e/need.ts` does; `missing` is empty when all is there. */
function realTest(name: string, missing: string, body: () => Promise<void>): void {
  if (missing === "") return Deno.test(name, body);
  if (Deno.env.get("LOGTAIL_REQUIRE_REAL") !== "1") {
    // In the name, since this is what a runner shows of an ignored test, however quiet it is.
    return Deno.test({ name: `${name} — SKIPPED: ${missing}`, ignore: missing !== "", fn: body });
  }
  Deno.test(name, () => {
    throw new Error(`Cannot run this test: ${missing} (LOGTAIL_REQUIRE_REAL=1 makes this a failure)`);
  });
}

/** Whether a program is there, may be run, and succeeds. */
function runs(program: string, ...args: readonly string[]): boolean {
  try {
    return new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

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

/** Installs Node's gRPC library in a folder. */
async function installGrpc(folder: string): Promise<void> {
  const packages = [`@grpc/grpc-js@${GRPC_VERSION}`, "@grpc/proto-loader@0.8.1"];
  const options = ["--prefix", folder, "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--silent"];
  const { success } = await run("npm", ["install", ...options, ...packages]);
  assert(success, "Cannot install @grpc/grpc-js: npm has neither a copy of it nor a registry; see its words above");
}

/** @param folder to look for packages in. */
async function run(program: string, args: readonly string[], folder?: string): Promise<Finished> {
  const command = new Deno.Command(program, { args: [...args], cwd: folder, stdout: "piped", stderr: "inherit" });
  const { success, stdout } = await command.output();
  return { success, output: new TextDecoder().decode(stdout) };
}
