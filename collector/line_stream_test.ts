import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { LINE_BYTES_MAX } from "@/core/bounds.ts";
import { takeLines } from "./line_stream.ts";

const decoder = new TextDecoder();

/** Lines of a stream that comes in pieces of these sizes, and how many were too long. */
async function linesOf(stream: Uint8Array, sizes: readonly number[]): Promise<{ lines: string[]; tooLong: number }> {
  const lines: string[] = [];
  let tooLong = 0, at = 0, reads = 0;
  await takeLines((into) => {
    const size = Math.min(sizes[reads++ % sizes.length], into.length, stream.length - at);
    into.set(stream.subarray(at, at + size));
    at += size;
    return Promise.resolve(size);
  }, {
    hasRoom: false, // it asks before every line
    room: () => Promise.resolve(),
    message: (bytes, start, end) => void lines.push(decoder.decode(bytes.subarray(start, end))),
    tooLong: () => void tooLong++,
  });
  return { lines, tooLong };
}

Deno.test("every line is taken once, however the stream is cut, and the last one without its newline", async () => {
  const text = fc.array(fc.constantFrom("a", "bc", "\n", "\n\n", "line\n"), { maxLength: 30 }).map((all) =>
    all.join("")
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
  await fc.assert(fc.asyncProperty(text, sizes, async (stream, sizes) => {
    const { lines } = await linesOf(new TextEncoder().encode(stream), sizes);
    assertEquals(lines, stream.match(/[^\n]*\n|[^\n]+$/g) ?? []);
  }));
});

Deno.test("a line that is too long is skipped and told once; those around it are taken", async () => {
  const long = "x".repeat(3 * LINE_BYTES_MAX);
  const { lines, tooLong } = await linesOf(new TextEncoder().encode(`one\n${long}\ntwo\n`), [100_000]);
  assertEquals([lines, tooLong], [["one\n", "two\n"], 1]);
});
