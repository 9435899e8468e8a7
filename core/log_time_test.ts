import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseLogTime } from "./log_time.ts";

function parse(text: string): number {
  const bytes = new TextEncoder().encode(`before${text}after`);
  return parseLogTime(bytes, 6, bytes.length - 5);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const pad = (value: number, digits = 2): string => String(value).padStart(digits, "0");

Deno.test("any second is read from each of nginx's three forms, in any time zone", () => {
  fc.assert(
    fc.property(fc.nat({ max: 4_000_000_000 }), fc.integer({ min: -14 * 60, max: 14 * 60 }), (timeS, offsetMin) => {
      const at = new Date((timeS + offsetMin * 60) * 1000), minutes = Math.abs(offsetMin);
      if (timeS + offsetMin * 60 < 0) return;
      const sign = offsetMin < 0 ? "-" : "+", zone = `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
      const iso = at.toISOString().slice(0, 19);
      const local = `${pad(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}:${iso.slice(11)}`;
      assertEquals(parse(`${iso}${sign}${zone}`), timeS);
      assertEquals(parse(`${local} ${sign}${zone.replace(":", "")}`), timeS);
      assertEquals(parse(`${timeS}.123`), timeS);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("what other programs write as a time is read too", () => {
  assertEquals(parse("1700000000"), 1_700_000_000);
  assertEquals(parse("1700000000123"), 1_700_000_000);
  for (const text of ["2023-11-14T22:13:20Z", "2023-11-14 22:13:20.999999Z", "2023-11-14T23:13:20.5+0100"]) {
    assertEquals(parse(text), 1_700_000_000, text);
  }
});

Deno.test("what is no time, or does not tell its offset from UTC, is refused", () => {
  const wrong = [
    "",
    "-",
    ".5",
    "12:30",
    "170000000000",
    "1700000000.1234567890",
    "1700000000.x",
    "2023-11-14T22:13:20",
  ];
  const nearly = [
    "14/Nov/2023:22:13:20 0000+",
    "14/nov/2023:22:13:20 +0000",
    "32/Nov/2023:22:13:20 +0000",
    "14/Nov/2023:24:13:20 +0000",
    "14/Nov/2023 22:13:20 +0000",
    "2023-13-14T22:13:20Z",
    "2023-11-14T22:13:20.Z",
    "2023-11-14T22:13:20+25:00",
    "1969-12-31T22:13:20Z",
  ];
  for (const text of [...wrong, ...nearly]) assertEquals(parse(text), -1, text);
});

Deno.test("any bytes give whole seconds or -1", () => {
  const digits = fc.string({ maxLength: 45, unit: fc.constantFrom(..."0123456789-:/.TZ+ Nov") });
  fc.assert(fc.property(fc.oneof(digits, fc.string()), (text) => {
    const timeS = parse(text);
    assertEquals(Number.isSafeInteger(timeS) && timeS >= -1, true, `${text}: ${timeS}`);
  }));
});
