import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  bytesText,
  compact,
  durationText,
  grouped,
  isoTime,
  msText,
  rateText,
  shareText,
  spanText,
  utcTime,
} from "./numbers.ts";

const plain = (text: string): string => text.replaceAll("\u202f", " ");

Deno.test("digits are grouped by three", () => {
  assertEquals([0, 999, 1000, 4812331].map(grouped).map(plain), ["0", "999", "1 000", "4 812 331"]);
});

Deno.test("axes are labelled shortly", () => {
  assertEquals([0, 0.5, 999, 2500, 15000, 1.5e6, 2 ** 53].map(compact), [
    "0",
    "0.5",
    "999",
    "2.5k",
    "15k",
    "1.5M",
    "9.01P",
  ]);
});

Deno.test("sizes have three digits at most and never read 1000", () => {
  const sizes = [0, 999, 1000, 999_499, 999_500, 1.1e9, 8.8e15];
  const texts = ["0 B", "999 B", "1.0 kB", "999 kB", "1.0 MB", "1.1 GB", "8.8 PB"];
  assertEquals(sizes.map(bytesText).map(plain), texts);
});

Deno.test("long times take the unit that people would", () => {
  assertEquals([0, 212, 4100, 750_000, 12_600_000, 2e8].map(durationText).map(plain), [
    "0 ms",
    "212 ms",
    "4.1 s",
    "12.5 min",
    "3.5 h",
    "2.3 d",
  ]);
});

Deno.test("a sum that can be more than its number says so, whatever its unit", () => {
  const texts = [grouped, bytesText, durationText].map((text) => plain(text(Number.MAX_SAFE_INTEGER)));
  assertEquals(texts, ["≥ 9 007 199 254 740 991", "≥ 9.0 PB", "≥ 104249991 d"]);
});

Deno.test("a mean of nothing is no zero", () => {
  assertEquals([NaN, 0, 4, 9.96, 1904].map(msText).map(plain), ["–", "0", "4.0", "10", "1 904"]);
});

Deno.test("rates keep what matters", () => {
  assertEquals([0, 0.001, 0.25, 9.999, 33.4, 1337].map(rateText).map(plain), [
    "0",
    "<0.01",
    "0.25",
    "10.0",
    "33.4",
    "1 337",
  ]);
});

Deno.test("a share is never rounded to all or nothing", () => {
  assertEquals([[0, 0], [0, 9], [1, 9e9], [999_999, 1e6], [5, 5]].map(([part, whole]) => shareText(part, whole)), [
    "0.0",
    "0.0",
    "<0.1",
    "99.9",
    "100",
  ]);
});

Deno.test("times are UTC, whatever the number", () => {
  assertEquals(isoTime(1795273490.9), "2026-11-21T15:04:50Z");
  assertEquals(utcTime(1795273490), "15:04:50");
  assertEquals(isoTime(1e300), "1970-01-01T00:00:00Z");
  fc.assert(fc.property(fc.double(), (timeS) => void isoTime(timeS)));
});

Deno.test("spans read as people say them", () => {
  assertEquals([0, 4.4, 130, 3600, 11_100, 187_200].map(spanText).map(plain), [
    "0 s",
    "4 s",
    "2 min 10 s",
    "1 h",
    "3 h 5 min",
    "2 d 4 h",
  ]);
});
