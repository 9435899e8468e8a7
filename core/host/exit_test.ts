import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { endingOf, HelpRequested, MachineRefusal, OutputClosed, UsageError, VersionRequested } from "./exit.ts";
import { readEnvironment } from "./exit.ts";

Deno.test("help and version go to standard output and are a success", () => {
  assertEquals(endingOf("p", new HelpRequested("all flags")), { code: 0, out: "all flags\n", err: "" });
  assertEquals(endingOf("p", new VersionRequested("p 1")), { code: 0, out: "p 1\n", err: "" });
});

Deno.test("mistakes of the operator are counted and listed, exit code 2", () => {
  assertEquals(endingOf("p", new UsageError(["--a: wrong", "--b: wrong"])), {
    code: 2,
    out: "",
    err: "p: 2 mistakes:\n  --a: wrong\n  --b: wrong\np --help lists what there is.\n",
  });
  assertStringIncludes(endingOf("p", new UsageError(["--a: wrong"])).err, "p: 1 mistake:\n");
});

Deno.test("a refusal of the machine is one line, exit code 3", () => {
  const refusal = new MachineRefusal("Cannot listen on :514: permission denied; use a port above 1023\x1b");
  assertEquals(endingOf("p", refusal), {
    code: 3,
    out: "",
    err: "p: Cannot listen on :514: permission denied; use a port above 1023\\x1b\n",
  });
});

Deno.test("a permission that the runtime lacks is a refusal as well", () => {
  const { code, err } = endingOf("p", new Deno.errors.NotCapable("Requires net access, run with --allow-net"));
  assertEquals(code, 3);
  assertStringIncludes(err, "run with --allow-net");
});

Deno.test("a reader that has left is a success", () => {
  assertEquals(endingOf("p", new OutputClosed("gone")), { code: 0, out: "", err: "" });
});

Deno.test("a broken pipe that is not our standard output is no success", () => {
  assertEquals(endingOf("p", new Deno.errors.BrokenPipe("a socket")).code, 1);
});

Deno.test("anything else is our bug: a stack on one stream, exit code 1", () => {
  for (const thrown of [new TypeError("x is undefined"), "text", undefined, null, { toString: (): string => "odd" }]) {
    const { code, out, err } = endingOf("p", thrown);
    assertEquals([code, out], [1, ""]);
    assert(err.startsWith("p: this is a bug in p, please report it\n"));
  }
});

Deno.test({
  name: "a variable that we may not read counts as not set, without a prompt",
  permissions: { env: false },
  fn: () => assertEquals(readEnvironment("TESTER_N"), undefined),
});
