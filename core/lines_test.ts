import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CHUNK_BYTES, LINE_BYTES_MAX } from "./bounds.ts";
import { frameLines, newFrame } from "./lines.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Follows a growing content as the file tail does: a buffer read at the position after the last complete line. */
function frameInPieces(content: Uint8Array, sizes: readonly number[], bufferBytes: number, lineBytesMax: number): {
  readonly lines: readonly string[];
  readonly tooLong: readonly number[];
  readonly rest: string;
} {
  const lines: string[] = [];
  const tooLong: number[] = [];
  const frame = newFrame();
  let position = 0;
  for (let written = 0, piece = 0; written < content.length; piece++) {
    written = Math.min(content.length, written + sizes[piece % sizes.length]);
    for (let full = true; full;) {
      const bytes = content.subarray(position, Math.min(written, position + bufferBytes));
      let from = 0;
      do {
        frameLines(bytes, from, bytes.length, frame, lineBytesMax);
        const region = decoder.decode(bytes.subarray(frame.linesStart, frame.linesEnd));
        if (region !== "") {
          assert(region.endsWith("\n"));
          lines.push(...region.slice(0, -1).split("\n"));
        }
        if (frame.tooLong) tooLong.push(position + frame.linesEnd);
        from = frame.next;
      } while (frame.tooLong);
      full = bytes.length === bufferBytes;
      assert(!full || from > 0, "a full buffer makes progress");
      position += from;
    }
  }
  return { lines, tooLong, rest: frame.skipping ? "" : decoder.decode(content.subarray(position)) };
}

/** What the specification says, without buffers. */
function naive(content: Uint8Array, lineBytesMax: number): ReturnType<typeof frameInPieces> {
  const lines: string[] = [];
  const tooLong: number[] = [];
  const all = decoder.decode(content).split("\n");
  const last = all.pop()!;
  let position = 0;
  for (const line of all) {
    if (line.length > lineBytesMax) tooLong.push(position);
    else lines.push(line);
    position += line.length + 1;
  }
  if (last.length > lineBytesMax) tooLong.push(position);
  return { lines, tooLong, rest: last.length > lineBytesMax ? "" : last };
}

Deno.test("every byte belongs to exactly one line, wherever reading and writing happen to stop", () => {
  const line = fc.oneof(fc.string({ maxLength: 12 }), fc.integer({ min: 6, max: 60 }).map((n) => "x".repeat(n)));
  const content = fc.oneof(
    fc.array(line, { maxLength: 30 }).map((lines) => encoder.encode(lines.join("\n"))),
    fc.uint8Array({ maxLength: 200 }),
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
  const lineBytesMax = fc.integer({ min: 1, max: 20 });
  fc.assert(
    fc.property(content, sizes, lineBytesMax, fc.integer({ min: 1, max: 30 }), (bytes, pieces, max, more) => {
      assertEquals(frameInPieces(bytes, pieces, max + more, max), naive(bytes, max));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a line of the longest allowed length is a line, one byte more is too long", () => {
  const longest = new Uint8Array(LINE_BYTES_MAX + 1).fill(0x61);
  longest[LINE_BYTES_MAX] = 0x0a;
  const frame = newFrame();
  frameLines(longest, 0, longest.length, frame);
  assertEquals(frame, {
    skipping: false,
    linesStart: 0,
    linesEnd: longest.length,
    tooLong: false,
    next: longest.length,
  });

  const longer = new Uint8Array(LINE_BYTES_MAX + 5).fill(0x61);
  longer.set([0x0a, 0x62, 0x0a], LINE_BYTES_MAX + 2);
  frameLines(longer, 0, longer.length, frame);
  assertEquals(frame, { skipping: true, linesStart: 0, linesEnd: 0, tooLong: true, next: 0 });
  frameLines(longer, frame.next, longer.length, frame);
  const end = longer.length;
  assertEquals(frame, { skipping: false, linesStart: end - 2, linesEnd: end, tooLong: false, next: end });
});

Deno.test("an unfinished line of the longest allowed length waits for its newline", () => {
  const frame = newFrame();
  frameLines(new Uint8Array(LINE_BYTES_MAX).fill(0x61), 0, LINE_BYTES_MAX, frame);
  assertEquals(frame, { skipping: false, linesStart: 0, linesEnd: 0, tooLong: false, next: 0 });
});

Deno.test("a newline behind the content is not seen", () => {
  const bytes = encoder.encode("a\nbc\n");
  const frame = newFrame();
  frameLines(bytes, 0, 4, frame);
  assertEquals(frame.next, 2);
  frame.skipping = true;
  frameLines(bytes, 2, 4, frame);
  assertEquals([frame.skipping, frame.next], [true, 4]);
});

Deno.test("carriage returns and zero bytes are part of their line", () => {
  assertEquals(frameInPieces(encoder.encode("a\r\n\0\n\n"), [1], 8, 4).lines, ["a\r", "\0", ""]);
});

Deno.test("a chunk holds the longest line, so that a full chunk always makes progress", () => {
  assert(CHUNK_BYTES > LINE_BYTES_MAX + 1);
});
