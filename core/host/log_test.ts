import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { LOG_LINE_CHARS_MAX, RATE_KEYS_MAX, SAMPLE_BYTES_MAX } from "@/core/bounds.ts";
import { type Facts, formatLogLine, jsonLogLine, type Log, OncePerMinute, openLog, sampleText } from "./log.ts";

const AT = Date.UTC(2026, 10, 21, 4, 52, 56, 789);

function recording(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  return { log: openLog("collector", (line) => lines.push(line), () => AT), lines };
}

Deno.test("an event is one line: time in UTC, level, role, text, facts", () => {
  const { log, lines } = recording();
  log.info("following a log", { path: "/var/log/a.log", offset: 12, late: false });
  log.warn("cannot read");
  log.error("stopping");
  assertEquals(lines, [
    "2026-11-21T04:52:56Z info collector: following a log path=/var/log/a.log offset=12 late=false",
    "2026-11-21T04:52:56Z warn collector: cannot read",
    "2026-11-21T04:52:56Z error collector: stopping",
  ]);
});

Deno.test("a value that would make key=value ambiguous is quoted", () => {
  assertEquals(
    formatLogLine(AT, "warn", "r", "t", { a: "two words", b: 'q"\\', c: "", d: "x=y" }),
    String.raw`2026-11-21T04:52:56Z warn r: t a="two words" b="q\"\\" c="" d="x=y"`,
  );
});

Deno.test("control, bidirectional and lone surrogate characters are escaped", () => {
  assertEquals(
    formatLogLine(AT, "info", "r", "a\nb\u001b[31m\u009b\u202e\ud800", { "k\r": "v\u2028" }),
    String.raw`2026-11-21T04:52:56Z info r: a\x0ab\x1b[31m\x9b\u{202e}\u{d800} k\x0d="v\u{2028}"`,
  );
});

Deno.test("whatever the text and facts are, a line is one line and bounded", () => {
  const text = fc.string({ unit: "binary", maxLength: 200 });
  fc.assert(fc.property(text, fc.dictionary(text, text), fc.double(), (message, facts, now) => {
    const line = formatLogLine(now, "info", "r", message, facts);
    assert(line.length <= LOG_LINE_CHARS_MAX);
    // deno-lint-ignore no-control-regex -- their absence is what is tested
    assert(!/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(line));
  }));
  const long = formatLogLine(AT, "info", "r", "x".repeat(10_000));
  assertEquals(long.length, LOG_LINE_CHARS_MAX);
  assert(long.endsWith("…"));
});

Deno.test("as JSON an event is one object on one line, which says the same, whatever text and facts are", () => {
  const text = fc.string({ unit: "binary", maxLength: 200 });
  fc.assert(fc.property(text, fc.dictionary(text, fc.oneof(text, fc.double(), fc.boolean())), (message, facts) => {
    const line = jsonLogLine(AT, "warn", "r", message, facts);
    assert(line.length <= LOG_LINE_CHARS_MAX);
    // deno-lint-ignore no-control-regex -- their absence is what is tested
    assert(!/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/.test(line));
    const read = JSON.parse(line);
    assertEquals([read.time, read.level, read.role], ["2026-11-21T04:52:56Z", "warn", "r"]);
    assertEquals(read.message, message);
  }));
  const line = jsonLogLine(AT, "info", "r", "t", { path: "/a", level: 3, late: false });
  assertEquals(
    line,
    '{"time":"2026-11-21T04:52:56Z","level":"info","role":"r","message":"t","path":"/a","_level":3,"late":false}',
  );
});

Deno.test("a JSON event that would be too long keeps all of its facts, and the long ones are cut", () => {
  const line = jsonLogLine(AT, "info", "r", "x".repeat(10_000), { line: "\u001b".repeat(5000), path: "/a", bytes: 7 });
  assert(line.length <= LOG_LINE_CHARS_MAX, `${line.length}`);
  const { message, path, bytes, line: sample } = JSON.parse(line);
  assertEquals([path, bytes, message.endsWith("…"), sample.endsWith("…")], ["/a", 7, true, true]);
  const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`fact${i}`, i]));
  assert(jsonLogLine(AT, "info", "r", "t", many).length <= LOG_LINE_CHARS_MAX);
});

Deno.test("for the journal an event begins with its priority, in either form", () => {
  for (const format of ["text", "json"] as const) {
    const lines: string[] = [];
    const log = openLog("collector", (line) => lines.push(line), () => AT, { format, toJournal: true });
    log.info("a");
    log.warn("b\n<0>c");
    log.error("d");
    assertEquals(lines.map((line) => line.slice(0, 3)), ["<6>", "<4>", "<3>"]);
    assertEquals(lines.some((line) => line.includes("\n")), false);
  }
});

Deno.test("a sample is cut to its bound and survives invalid UTF-8", () => {
  assertEquals(sampleText(new TextEncoder().encode("--abc--"), 2, 5), "abc");
  assertEquals(sampleText(Uint8Array.of(0x61, 0xff, 0x62), 0, 3), "a\ufffdb");
  assertEquals(sampleText(new Uint8Array(1000).fill(0x61), 0, 1000), "a".repeat(SAMPLE_BYTES_MAX) + "…");
});

Deno.test("a key is logged once a minute with a count of what was suppressed", () => {
  const { log, lines } = recording();
  const limiter = new OncePerMinute(log);
  let built = 0;
  const facts = (): Facts => ({ sample: `s${built++}` });
  for (let nowS = 100; nowS < 160; nowS++) limiter.warn("malformed", nowS, "malformed line", facts);
  limiter.warn("too_long", 120, "line too long", facts);
  limiter.warn("malformed", 160, "malformed line", facts);
  limiter.warn("malformed", 220, "malformed line", facts);
  assertEquals(lines.map((line) => line.slice("2026-11-21T04:52:56Z warn collector: ".length)), [
    "malformed line sample=s0",
    "line too long sample=s1",
    "malformed line sample=s2 suppressed=59",
    "malformed line sample=s3",
  ]);
  assertEquals(built, 4, "a suppressed event builds no sample");
});

Deno.test("a key is logged again when the clock has gone back by more than a minute", () => {
  const { log, lines } = recording(), limiter = new OncePerMinute(log);
  for (const nowS of [1_000_000, 1_000_001, 160, 161, 100]) limiter.warn("clock", nowS, "clock", () => ({ nowS }));
  assertEquals(lines.map((line) => line.slice(line.indexOf("nowS"))), ["nowS=1000000", "nowS=160 suppressed=1"]);
});

Deno.test("hostile keys share one key once there are too many", () => {
  const { log, lines } = recording();
  const limiter = new OncePerMinute(log);
  for (let key = 0; key < 2 * RATE_KEYS_MAX; key++) limiter.warn(`key ${key}`, 0, "bad", () => ({}));
  assertEquals(lines.length, RATE_KEYS_MAX + 1);
  assertMatch(lines[0], /bad$/);
});
