import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareAge, isCompressed, logOf, readingsOf, type RotatedName } from "./rotation_names.ts";

const LOG = "/log/a.log";

function rotatedName(path: string, log: string): RotatedName | undefined {
  return readingsOf(path).find((reading) => reading.log === log);
}

Deno.test("the names that rotators give belong to the log, with what they added", () => {
  const names: readonly [string, string, string][] = [
    ["/log/a.log", "", ""],
    ["/log/a.log.1", ".1", ""],
    ["/log/a.log.12.gz", ".12", ".gz"],
    ["/log/a.log-20261121", "-20261121", ""],
    ["/log/a.log-20261121.xz", "-20261121", ".xz"],
    ["/log/a.log.2026-11-21T04:52:56Z", ".2026-11-21T04:52:56Z", ""],
    ["/log/a.log-1795236776", "-1795236776", ""],
    ["/log/a.log.old", ".old", ""],
    ["/log/a.log.gz", "", ".gz"],
    ["/log/a-20261121.log", "-20261121", ""],
    ["/log/a-20261121.log.gz", "-20261121", ".gz"],
  ];
  for (const [path, suffix, compression] of names) {
    assertEquals(rotatedName(path, LOG), { log: LOG, suffix, compression });
  }
});

Deno.test("other logs do not belong to it", () => {
  for (
    const path of [
      "/log/a.log.json",
      "/log/b.log.1",
      "/log/a-2.log",
      "/other/a.log.1",
      "/log/a.log1",
      "/log/a.logs.1",
      "/log/a.log.1.json",
    ]
  ) assertEquals(rotatedName(path, LOG), undefined, path);
  assertEquals(rotatedName("/log/20261121.log", "/log/.log"), undefined);
});

Deno.test("a rotated name leads to its log, and the log to itself", () => {
  for (
    const path of [LOG, `${LOG}.1`, `${LOG}.1.gz`, `${LOG}-20261121.gz`, `${LOG}.old`, `${LOG}.gz`, `${LOG}.2026-11-21`]
  ) {
    assertEquals(logOf(path), LOG);
  }
  assertEquals(logOf("/log/.1"), "/log/.1");
  assertEquals(["/log/a.gz", "/log/a.log", "/log/a.gz/b"].map(isCompressed), [true, false, false]);
});

Deno.test("numbers grow with age, dates do not, the log itself is the youngest, and what names do not say is not guessed", () => {
  const older: readonly [string, string][] = [
    [".2", ".1"],
    [".10", ".9"],
    [".1", ""],
    ["-20261120", "-20261121"],
    ["-20261121", "-20261121-2"],
    [".2026-11-21T04:52:56Z", ".2026-11-21T04:52:57Z"],
    ["-20261121", ""],
  ];
  for (const [a, b] of older) assertEquals([compareAge(a, b) < 0, compareAge(b, a) > 0], [true, true], `${a} ${b}`);
  for (const [a, b] of [[".1", ".1"], [".old", ".1"], [".1", "-20261121"], [".old", ".bak"]]) {
    assertEquals(compareAge(a, b), 0);
  }
});

Deno.test("any name is a log or belongs to one, in linear time", () => {
  const part = fc.constantFrom("a", ".", "-", "1", "20261121", ".gz", ".old", "/", ".log");
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 30 }), (parts) => {
    const path = `/log/x${parts.join("")}`, log = logOf(path);
    assertEquals(path.startsWith(log), true);
    rotatedName(path, log);
  }));
  logOf(`/log/x${"-1".repeat(2000)}x`);
});
