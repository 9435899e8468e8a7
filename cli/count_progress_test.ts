import { assertEquals } from "@std/assert";
import { durationText, rateText, sizeText } from "./count_numbers.ts";
import { ProgressBar, progressText } from "./count_progress.ts";

const HALF = { bytes: 310e6, lines: 2_500_000 };

Deno.test("the bar says how far it is, how fast, and how long it will take", () => {
  assertEquals(
    progressText(HALF, 620e6, 1000, 200),
    "[############············]   50 %  310 MB of 620 MB  2.50 M lines/s  310 MB/s  1 s left",
  );
});

Deno.test("a stream has no end to be near to", () => {
  assertEquals(progressText(HALF, undefined, 1000, 200), "310 MB  2.50 M lines  2.50 M lines/s  310 MB/s");
});

Deno.test("what does not fit is left out from the end", () => {
  assertEquals(progressText(HALF, 620e6, 1000, 40), "[############············]   50 %");
  assertEquals(progressText(HALF, 620e6, 1000, 3), "");
});

Deno.test("a file that has grown is at most whole", () => {
  assertEquals(progressText({ bytes: 30, lines: 1 }, 10, 1000, 33), "[########################]  100 %");
});

Deno.test("the bar is drawn ten times a second at most, in place, and leaves nothing behind", () => {
  let nowMs = 0;
  const written: string[] = [];
  const bar = new ProgressBar({ columns: () => 40, write: (text) => void written.push(text) }, 100, () => nowMs);
  for (nowMs = 0; nowMs < 1000; nowMs += 10) bar.update(() => ({ bytes: nowMs / 10, lines: nowMs }));
  assertEquals(written.length, 9);
  for (const text of written) assertEquals([text[0], text.length <= 40, text.includes("\x1b")], ["\r", true, false]);
  bar.clear();
  assertEquals(written.at(-1), `\r${" ".repeat(written[8].length - 1)}\r`);
  bar.clear();
  assertEquals(written.length, 10);
});

Deno.test("without a terminal nothing is drawn, and nobody is asked how far it is", () => {
  const bar = new ProgressBar(undefined, 100, () => 5000, 0);
  bar.update(() => {
    throw new Error("asked");
  });
  bar.clear();
});

Deno.test("three digits say enough", () => {
  assertEquals([0, 999, 999.6, 1500, 99_960, 620e6, 5.3e12].map(sizeText), [
    "0 B",
    "999 B",
    "1.00 kB",
    "1.50 kB",
    "100 kB",
    "620 MB",
    "5.30 TB",
  ]);
  assertEquals([3, 4_520_000, NaN, Infinity].map(rateText), ["3", "4.52 M", "-", "-"]);
  assertEquals([0.2, 59.5, 125, 12_000, Infinity].map(durationText), [
    "1 s",
    "1 min 0 s",
    "2 min 5 s",
    "3 h 20 min",
    "-",
  ]);
});
