import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HelpRequested, UsageError, VersionRequested } from "./endings.ts";
import { type Flag, type FlagValues, type Program, readFlags, variableOf } from "./flags.ts";
import { helpText } from "./flag_help.ts";

const FLAGS: readonly Flag[] = [
  { name: "target", kind: "text", default: "localhost:9090", placeholder: "HOST:PORT", help: "whom to ask" },
  { name: "n", kind: "number", default: "10", min: 1, max: 100, help: "how many" },
  { name: "logs", kind: "list", placeholder: "PATH,…", help: "what to follow" },
  { name: "json", kind: "switch", help: "JSON instead of a table" },
  { name: "window", kind: "text", default: "5m", choices: ["1m", "5m", "24h"], help: "how far back" },
  {
    name: "prom-listen",
    kind: "text",
    default: ":9100",
    check: (value) => value === "" || value.startsWith(":") ? undefined : "no colon; use :9100",
    help: "metrics; empty switches them off",
  },
];
const PROGRAM: Program = { role: "tester", program: "nginx-logtail-tester", summary: "tests flags", flags: FLAGS };

function read(args: readonly string[], env: Readonly<Record<string, string>> = {}, program = PROGRAM): FlagValues {
  return readFlags(program, args, (name) => env[name]);
}

function mistakes(args: readonly string[], env: Readonly<Record<string, string>> = {}, program = PROGRAM): string[] {
  return [...assertThrows(() => read(args, env, program), UsageError).mistakes];
}

Deno.test("without arguments every flag has its default, and none counts as given", () => {
  const flags = read([]);
  assertEquals(flags.text("target"), "localhost:9090");
  assertEquals(flags.number("n"), 10);
  assertEquals(flags.list("logs"), []);
  assertEquals(flags.on("json"), false);
  assertEquals(FLAGS.map(({ name }) => flags.given(name)), FLAGS.map(() => false));
});

Deno.test("a value stands after a blank or after an equals sign", () => {
  for (const args of [["--n", "7", "--target", "a:1"], ["--n=7", "--target=a:1"]]) {
    const flags = read(args);
    assertEquals([flags.number("n"), flags.text("target")], [7, "a:1"]);
  }
  assertEquals(read(["--target=--odd"]).text("target"), "--odd");
  assertEquals(read(["--target", "-"]).text("target"), "-");
  assertEquals(read(["--target="]).text("target"), "");
  assertEquals(read(["--target=a=b"]).text("target"), "a=b");
});

Deno.test("a list is comma separated, adds up over repetitions, and drops blanks and empty values", () => {
  assertEquals(read(["--logs", "a, b,,", "--logs=c"]).list("logs"), ["a", "b", "c"]);
});

Deno.test("a switch is on when named and can be switched off with =no", () => {
  assertEquals(read(["--json"]).on("json"), true);
  assertEquals(read(["--json=no"], { TESTER_JSON: "yes" }).on("json"), false);
  assertEquals(read([], { TESTER_JSON: "1" }).on("json"), true);
  assertEquals(mistakes(["--json=maybe"]), [
    '--json "maybe": neither yes nor no; leave the value out to switch it on',
  ]);
});

Deno.test("the flag wins over the environment, the environment over the default", () => {
  const env = { TESTER_N: "20", TESTER_LOGS: "x,y", TESTER_PROM_LISTEN: ":1" };
  assertEquals(read([], env).number("n"), 20);
  assertEquals(read(["--n", "30"], env).number("n"), 30);
  assertEquals(read([], env).list("logs"), ["x", "y"]);
  assertEquals(read(["--logs", "z"], env).list("logs"), ["z"]);
  assertEquals(read([], env).text("prom-listen"), ":1");
  assertEquals(read([], env).given("n"), true);
});

Deno.test("a mistake in a variable is not looked at when the flag is given", () => {
  assertEquals(read(["--n", "3"], { TESTER_N: "many" }).number("n"), 3);
});

Deno.test("an empty variable counts as not set, unless empty switches a default off", () => {
  const env = { TESTER_N: "", TESTER_TARGET: "", TESTER_WINDOW: "", TESTER_JSON: "", TESTER_PROM_LISTEN: "" };
  const flags = read([], env);
  assertEquals([flags.number("n"), flags.text("target"), flags.text("window")], [10, "localhost:9090", "5m"]);
  assertEquals(flags.given("target"), false);
  assertEquals([flags.text("prom-listen"), flags.given("prom-listen")], ["", true]);
});

Deno.test("only variables of the table are read, and none whose flag is given", () => {
  const asked: string[] = [];
  readFlags(PROGRAM, ["--n", "1"], (name) => void asked.push(name));
  assertEquals(asked, FLAGS.filter(({ name }) => name !== "n").map((flag) => variableOf(PROGRAM, flag)));
});

Deno.test("every mistake is named at once", () => {
  const args = ["--taget", "x", "--n", "many", "--window=7m", "stray", "--prom-listen", "9100"];
  assertEquals(mistakes(args), [
    "--taget: no such flag; did you mean --target?",
    '"stray": not expected here; nginx-logtail-tester takes flags only',
    '--n "many": not a whole number; use a number from 1 to 100',
    '--window "7m": not one of 1m, 5m, 24h; did you mean 1m?',
    '--prom-listen "9100": no colon; use :9100',
  ]);
});

Deno.test("an unknown flag names a near miss only when it is near", () => {
  assertEquals(mistakes(["--lgos=x"]), ["--lgos: no such flag; did you mean --logs?"]);
  assertEquals(mistakes(["--zzzzzz"]), ["--zzzzzz: no such flag"]);
  assertEquals(mistakes(["-target", "x"]), ["-target: no such flag; write --target"]);
  assertEquals(mistakes(["-abc=1"]), ["-abc: no such flag"]);
  assertEquals(mistakes(["--no-json"]), ["--no-json: no such flag; write --json=no"]);
  assertEquals(mistakes(["json"]), ['"json": not expected here; write --json']);
  assertEquals(mistakes(["--__proto__=1"]), ["--__proto__: no such flag"]);
});

Deno.test("a flag without its value says what to write", () => {
  assertEquals(mistakes(["--target"]), ["--target: needs a value; write --target HOST:PORT"]);
  assertEquals(mistakes(["--target", "--"]), ["--target: needs a value; write --target HOST:PORT"]);
});

Deno.test("a value that looks like a flag is refused, and the flag it is still counts", () => {
  const [looks] = mistakes(["--target", "--json"]);
  assertEquals(
    looks,
    "--target: needs a value, but --json looks like a flag; write --target=--json if it is the value",
  );
  assertEquals(mistakes(["--target", "--jsno"]).length, 2);
});

Deno.test("a flag given twice is a mistake, also a switch", () => {
  assertEquals(mistakes(["--n", "1", "--n=2"]), ["--n: given 2 times; give it once"]);
  assertEquals(mistakes(["--json", "--json"]), ["--json: given 2 times; give it once"]);
});

Deno.test("a number is whole, has no other spelling, and is within its range", () => {
  for (const value of ["0", "101", "-5"]) {
    assertEquals(mistakes(["--n", value]), [`--n "${value}": out of range; use a number from 1 to 100`]);
  }
  for (const value of ["", " 5", "5.0", "1e1", "0x5", "٣"]) {
    assertStringIncludes(mistakes([`--n=${value}`])[0], "whole");
  }
});

Deno.test("a mistake that came from the environment names the variable", () => {
  assertEquals(mistakes([], { TESTER_N: "0", TESTER_WINDOW: "5M" }), [
    'TESTER_N "0": out of range; use a number from 1 to 100',
    'TESTER_WINDOW "5M": not one of 1m, 5m, 24h; did you mean 5m?',
  ]);
});

Deno.test("a required flag that is missing or empty is named together with its variable", () => {
  const required: Program = { ...PROGRAM, flags: [{ name: "logs", kind: "list", required: true, help: "logs" }] };
  const mistake = ["--logs: required; give it or set TESTER_LOGS"];
  assertEquals(mistakes([], {}, required), mistake);
  assertEquals(mistakes(["--logs="], {}, required), mistake);
  assertEquals(mistakes([], { TESTER_LOGS: "," }, required), mistake);
  assertEquals(mistakes(["--logs"], {}, required).length, 1);
  assertEquals(read([], { TESTER_LOGS: "a" }, required).list("logs"), ["a"]);
});

Deno.test("choices and checks of a list are held against each of its values", () => {
  const flag: Flag = { name: "by", kind: "list", choices: ["uri", "status"], help: "by" };
  const program: Program = { ...PROGRAM, flags: [flag] };
  assertEquals(mistakes(["--by", "uri,statsu"], {}, program), [
    '--by "statsu": not one of uri, status; did you mean status?',
  ]);
});

Deno.test("operands are kept in order where the program takes them, and -- ends the flags", () => {
  const program: Program = { ...PROGRAM, operands: "FILE…" };
  assertEquals(read(["a", "--n", "1", "--", "--n", "-"], {}, program).operands, ["a", "--n", "-"]);
});

Deno.test("--help and --version win over every mistake, but not behind --", () => {
  assertThrows(() => read(["--nonsense", "--help"]), HelpRequested);
  assertThrows(() => read(["--target", "-h"]), HelpRequested);
  assertEquals(assertThrows(() => read(["--version"]), VersionRequested).message, "nginx-logtail-tester 0.1.0");
  assertEquals(mistakes(["--", "--help"]).length, 1);
});

Deno.test("help is one aligned table with defaults and variables", () => {
  assertEquals(
    helpText(PROGRAM),
    `nginx-logtail-tester: tests flags

Usage: nginx-logtail-tester [flags]

  --target HOST:PORT  whom to ask (default localhost:9090; TESTER_TARGET)
  --n N               how many (default 10; TESTER_N)
  --logs PATH,…       what to follow (TESTER_LOGS)
  --json              JSON instead of a table (TESTER_JSON)
  --window TEXT       how far back (one of 1m, 5m, 24h; default 5m; TESTER_WINDOW)
  --prom-listen TEXT  metrics; empty switches them off (default :9100; TESTER_PROM_LISTEN)
  --help              print this
  --version           print the version`,
  );
});

Deno.test("help fits 100 columns whatever the table says", () => {
  const word = fc.stringMatching(/^[a-z-]{1,60}$/);
  const flag = fc.record({ name: word, kind: fc.constant("text" as const), help: fc.string({ maxLength: 400 }) });
  fc.assert(fc.property(fc.array(flag), (flags) => {
    for (const line of helpText({ ...PROGRAM, flags }).split("\n")) assert(line.length <= 100, line);
  }));
});

Deno.test("no command line and no environment does anything but give values or name mistakes", () => {
  const piece = fc.oneof(
    fc.constantFrom("--", "-", "--n", "--n=", "--logs", "--json", "--target", "--window=5m", "-5", "-h", "---", "--=x"),
    fc.string(),
    fc.string({ unit: "binary" }),
  );
  const env = fc.dictionary(fc.constantFrom(...FLAGS.map((flag) => variableOf(PROGRAM, flag))), fc.string());
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), env, (args, env) => {
      try {
        read(args, env);
      } catch (error) {
        if (error instanceof UsageError) {
          assert(error.mistakes.length > 0);
          // deno-lint-ignore no-control-regex -- controls are what must not be there
          for (const mistake of error.mistakes) assert(!/[\u0000-\u001f\u007f-\u009f\u202e]/.test(mistake), mistake);
        } else assert(error instanceof HelpRequested || error instanceof VersionRequested, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("what is written is what is read", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(fc.property(text, fc.integer({ min: 1, max: 100 }), fc.boolean(), (target, n, json) => {
    const flags = read([`--target=${target}`, "--n", String(n), ...(json ? ["--json"] : [])]);
    assertEquals([flags.text("target"), flags.number("n"), flags.on("json")], [target, n, json]);
  }));
});

Deno.test("asking for a flag that the table does not have is a bug and throws", () => {
  assertThrows(() => read([]).text("targets"), Error, "Cannot read --targets as text");
  assertThrows(() => read([]).text("n"), Error, "Cannot read --n as text: the table says number");
});

Deno.test("where one of several flags is needed, their absence is one mistake among the others", () => {
  const program: Program = { ...PROGRAM, oneOf: ["logs", "target"] };
  assertEquals(mistakes(["--n=0"], {}, program), [
    '--n "0": out of range; use a number from 1 to 100',
    "give at least one of --logs, --target",
  ]);
  assertEquals(mistakes(["--logs="], {}, program), ["give at least one of --logs, --target"]);
  assertEquals(read([], { TESTER_LOGS: "/a" }, program).list("logs"), ["/a"]);
});
