import { assertEquals, assertStringIncludes } from "@std/assert";
import { simulatedClock } from "@/core/host/clock.ts";
import { OncePerMinute, openLog } from "@/core/host/log.ts";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import { COUNTED, MALFORMED_FIELDS } from "@/core/ledger.ts";
import { Pipeline } from "@/core/pipeline.ts";
import type { Origin } from "./followed_file.ts";
import { Ingest } from "./ingest.ts";
import { AUTO_RULES, type FormatRules, InputFormats } from "./input_formats.ts";

const NOW = 1_700_000_003;
const LOGTAIL = "shop.example\t192.0.2.1\t1700000001.000\tGET\t/\t200\t10\t0.001\n";
const COMBINED = '192.0.2.1 - - [14/Nov/2023:22:13:21 +0000] "GET / HTTP/1.1" 200 10 "-" "a"\n';
const V1 = "v1\tshop.example\t192.0.2.1\tGET\t/\t200\t10\t0.001\t0\t-\tedge\t203.0.113.1\thttps\n";
const MAIN = '192.0.2.1 "GET / HTTP/1.1" 200 main\n';

interface Fixture {
  give(text: string, origin?: Partial<Origin>): void;
  readonly log: string[];
  readonly ledger: Pipeline["ledger"];
  readonly formats: InputFormats;
}

function fixture(rules: Partial<FormatRules> = {}): Fixture {
  const lines: string[] = [], log = openLog("collector", (line) => void lines.push(line.slice(21)), () => 0);
  const pipeline = new Pipeline({ format: LOGTAIL_FORMAT, masks: { v4Bits: 24, v6Bits: 48 }, source: "s", seed: 1 });
  const formats = new InputFormats({ ...AUTO_RULES, ...rules }, log),
    samples = new OncePerMinute(openLog("", () => {}));
  const ingest = new Ingest({
    ...{ pipeline, clock: simulatedClock(NOW), positions: () => [], post: () => {}, samples, formats },
  });
  return {
    give: (text, origin = {}): void => {
      const bytes = new TextEncoder().encode(text);
      const from = { pattern: 0, path: "/log", device: 1, inode: 2, generation: 0, offset: 0, ...origin };
      ingest.lines(bytes, 0, bytes.length, from);
    },
    log: lines,
    ledger: pipeline.ledger,
    formats,
  };
}

Deno.test("the format of a log is found by its first lines, fixed, and said once", () => {
  const { give, log, ledger } = fixture();
  give("what is this\n" + COMBINED + COMBINED + LOGTAIL);
  assertEquals(log, ["info collector: the format of an input path=/log format=combined"]);
  assertEquals([ledger[COUNTED], ledger[MALFORMED_FIELDS]], [3, 1]);
  give(LOGTAIL + COMBINED);
  assertEquals([ledger[COUNTED], ledger[MALFORMED_FIELDS]], [4, 2], "it is combined now");
  give(COMBINED, { inode: 3 });
  assertEquals(log.length, 1);
  give(LOGTAIL, { inode: 4 });
  assertEquals(log.slice(1), ["info collector: the format of an input path=/log format=logtail"], "a new file");
});

Deno.test("a log that is of another format for a thousand lines is looked at again", () => {
  const { give, log, ledger } = fixture();
  give(COMBINED);
  give(LOGTAIL.repeat(1100));
  assertEquals(log.at(-1), "info collector: the format of an input path=/log format=logtail");
  assertEquals(ledger[MALFORMED_FIELDS], 1000);
});

Deno.test("of what comes over the network each line may be of any format: no sender decides for the others", () => {
  const { give, log, ledger } = fixture();
  give(COMBINED + V1 + LOGTAIL + COMBINED, { kind: "udp", path: "udp://:9514" });
  give(V1, { kind: "syslog", path: "unix:/s" });
  assertEquals([ledger[COUNTED], ledger[MALFORMED_FIELDS]], [5, 0]);
  assertEquals(log, []);
});

Deno.test("a format that matches no line is said once, with the line and the format that would match", () => {
  const { give, log, ledger } = fixture({ lines: { text: "combined" }, datagrams: { text: "v1" } });
  give(LOGTAIL);
  give(LOGTAIL);
  give(LOGTAIL, { kind: "udp", path: "udp://:9514" });
  assertEquals(ledger[COUNTED], 0);
  const warnings = log.filter((line) => line.startsWith("warn"));
  assertEquals(warnings.length, 2);
  assertStringIncludes(warnings[0], "logtail would match it; use --format logtail, or auto path=/log format=combined");
  assertStringIncludes(warnings[0], 'line="shop.example\\x09192.0.2.1');
  assertStringIncludes(warnings[1], "path=udp://:9514 format=v1");
});

Deno.test("nothing is said of a log with lines of its format, and no remedy is made up where none is known", () => {
  const { give, log } = fixture({ lines: { text: "combined" } });
  give(COMBINED + LOGTAIL);
  give(LOGTAIL);
  give("\n", { path: "/empty", inode: 9 });
  assertEquals(log.filter((line) => line.startsWith("warn")).length, 1);
  assertStringIncludes(log.at(-1) ?? "", "no format that is known would match it");
});

Deno.test("a log of nginx's configuration has the format it says, and auto knows those that are defined there", () => {
  const main = { text: '$remote_addr "$request" $status main', name: "@main", configured: "default" } as const;
  const { give, log, ledger } = fixture({ logs: [{ path: "/log", formats: [main] }], known: [main] });
  give(MAIN + COMBINED);
  assertEquals([ledger[COUNTED], ledger[MALFORMED_FIELDS]], [1, 1]);
  give(MAIN, { path: "/log.1", inode: 3 });
  give(COMBINED + MAIN.repeat(2), { path: "/other", inode: 4 });
  assertEquals(log.map((line) => line.replace(/.*input /, "")), [
    "path=/log format=@main",
    "path=/log.1 format=@main",
    "path=/other format=@main",
  ]);
});

Deno.test("a log that several servers write in formats of their own is read in all of them", () => {
  const { give, ledger } = fixture({ logs: [{ path: "/log", formats: [{ text: "combined" }, { text: "logtail" }] }] });
  give(COMBINED + LOGTAIL + COMBINED + V1);
  assertEquals([ledger[COUNTED], ledger[MALFORMED_FIELDS]], [3, 1]);
});

Deno.test("other rules hold from now on, without a word about what stays", () => {
  const { give, log, ledger, formats } = fixture();
  give(COMBINED);
  formats.follow({ ...AUTO_RULES });
  give(COMBINED);
  formats.follow({ ...AUTO_RULES, lines: { text: "logtail" } });
  give(LOGTAIL);
  assertEquals(ledger[COUNTED], 3);
  assertEquals(log.map((line) => line.replace(/.*format=/, "")), ["combined", "logtail"]);
});

Deno.test("a backlog of lines without a time is counted, and said to count as now", () => {
  const { give, log, ledger } = fixture({ lines: { text: "v1" } });
  const many = Math.ceil(300_000 / V1.length);
  give(V1);
  give(V1.repeat(many));
  give(V1.repeat(many));
  give(LOGTAIL.repeat(9_000), { path: "/timed", inode: 3 });
  give(V1.repeat(many), { kind: "udp", path: "udp://:9514" });
  assertEquals(ledger[COUNTED], 1 + 3 * many);
  assertEquals(log.filter((line) => line.includes("they count as requests of now")).length, 1);
});
