import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { SyslogFrames } from "./syslog_frames.ts";

const encoder = new TextEncoder();
/** One character a byte, so that any bytes can be told apart. */
const text = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
const bytesOf = (chars: string): Uint8Array => Uint8Array.from(chars, (char) => char.charCodeAt(0));

interface Cut {
  readonly messages: string[];
  readonly tooLong: number;
  readonly cutOff: boolean;
}

/** All messages of a stream that comes in these pieces. */
function framed(pieces: readonly string[], bytesMax?: number): Cut {
  const frames = new SyslogFrames(bytesMax), messages: string[] = [];
  let tooLong = 0;
  const sink = {
    message: (bytes: Uint8Array, start: number, end: number): void =>
      void messages.push(text(bytes.subarray(start, end))),
    tooLong: (): void => void tooLong++,
  };
  for (const piece of pieces) frames.push(bytesOf(piece), sink);
  return { cutOff: frames.finish(sink), messages, tooLong };
}

/** The messages of a stream, which must not depend on how it is cut into pieces. */
function messagesOf(stream: string): string[] {
  const whole = framed([stream]);
  for (let at = 1; at < stream.length; at++) {
    assertEquals(framed([stream.slice(0, at), stream.slice(at)]), whole, `cut at ${at}`);
  }
  assertEquals(framed([...stream]), whole, "one byte at a time");
  return whole.messages;
}

const A = "<190>Nov 21 10:01:42 web1 nginx: one\ttab", B = "<13>1 - - nginx - - - two";
const counted = (message: string): string => `${message.length} ${message}`;

Deno.test("streams as logger, rsyslog and syslog-ng send them", () => {
  assertEquals(messagesOf(`${A}\n${B}\n`), [A, B], "newlines");
  assertEquals(messagesOf(`${counted(A)}${counted(B)}`), [A, B], "counted");
  assertEquals(messagesOf(counted(`${A}\n`) + counted(`${B}\n`)), [`${A}\n`, `${B}\n`], "a newline within the count");
  assertEquals(messagesOf(`${counted(A)}\n${counted(B)}\n`), [A, B], "a newline after the count");
  assertEquals(messagesOf(`${A}\0\n${B}\0\n`), [`${A}\0`, `${B}\0`], "NUL and newline");
});

Deno.test("one connection may mix both ways", () => {
  assertEquals(messagesOf(`${A}\n${counted(B)}${A}\n${counted(`${A}\n`)}${counted(B)}${B}\n`), [
    ...[A, B, A, `${A}\n`, B, B],
  ]);
});

Deno.test("a counted message may hold newlines, and what looks like another frame", () => {
  const inner = `<13>line\n${counted(A)}\nend`;
  assertEquals(messagesOf(counted(inner) + counted(B)), [inner, B]);
});

Deno.test("a number that no message follows is the beginning of a line", () => {
  for (
    const line of ["12", "12 ", "12 x", "2026-11-21 x", "12  <13>x", "0 <13>x", "1234567890 <13>x", "12\t<13>", "9"]
  ) {
    assertEquals(messagesOf(`${line}\n${B}\n`), [line, B], line);
  }
});

Deno.test("empty lines are no messages", () => {
  assertEquals(messagesOf(`\n\n\0\n${A}\n\n\n${B}\n\n`), [A, B]);
  assertEquals(messagesOf(""), []);
});

Deno.test("at the end of a stream a line is a message without its newline, and a counted message is cut", () => {
  assertEquals(framed([`${A}\n${B}`]), { messages: [A, B], tooLong: 0, cutOff: false });
  assertEquals(framed([`${A}\n99 ${B}`]), { messages: [A], tooLong: 0, cutOff: true });
  assertEquals(framed([`${A}\n9`]), { messages: [A, "9"], tooLong: 0, cutOff: false });
});

Deno.test("a message that is too long is skipped, told once, and what follows it is not lost", () => {
  const long = "<1>" + "x".repeat(60);
  for (const stream of [`${long}\n${B}\n`, `${counted(long)}${B}\n`, `${counted(long)}${counted(B)}`]) {
    for (const pieces of [[stream], [...stream], stream.match(/.{1,7}/gs)!]) {
      assertEquals(framed(pieces, 40), { messages: [B], tooLong: 1, cutOff: false }, stream);
    }
  }
  assertEquals(framed([`123456789 <1>${"x".repeat(5000)}`], 40), { messages: [], tooLong: 1, cutOff: false });
  const fits = "<1>" + "x".repeat(37);
  assertEquals(framed([`${fits}\n${counted(fits)}`], 40).messages, [fits, fits]);
});

Deno.test("an unfinished message takes no more memory than the longest, and gives it back", () => {
  const frames = new SyslogFrames(10_000), sink = { message: (): void => {}, tooLong: (): void => {} };
  assertEquals([frames.heldBytes, frames.isUnfinished], [0, false]);
  for (let i = 0; i < 100; i++) frames.push(encoder.encode("x".repeat(99)), sink);
  assertEquals([frames.heldBytes <= 10_000, frames.isUnfinished], [true, true]);
  frames.push(encoder.encode("\n"), sink);
  assertEquals([frames.heldBytes, frames.isUnfinished], [0, false]);
  frames.push(encoder.encode("12"), sink);
  assertEquals([frames.isUnfinished, frames.isHolding], [true, true]);
  frames.push(encoder.encode(`${"x".repeat(10_000)}`), sink);
  assertEquals([frames.isUnfinished, frames.isHolding], [true, false], "what is skipped was told already");
});

const PIECES = fc.array(
  fc.oneof(
    fc.constantFrom(A, B, "\n", "\0", counted(A), counted(`${B}\n`), "12 ", "99999 <", "7 <13>", "<", " "),
    fc.uint8Array({ maxLength: 12 }).map(text),
  ),
  { maxLength: 12 },
);

Deno.test("whatever comes, and however it is cut: the same messages, no byte twice, none longer than allowed", () => {
  fc.assert(
    fc.property(PIECES, fc.nat(), fc.integer({ min: 16, max: 80 }), (pieces, seed, bytesMax) => {
      const stream = pieces.join(""), size = seed % 9 + 1;
      const whole = framed([stream], bytesMax),
        cut = framed(stream.match(new RegExp(`.{1,${size}}`, "gs")) ?? [], bytesMax);
      assertEquals(cut, whole);
      assertEquals(framed(pieces, bytesMax), whole);
      const total = whole.messages.reduce((sum, message) => sum + message.length, 0);
      assert(total <= stream.length);
      assert(whole.messages.every(({ length }) => length > 0 && length <= bytesMax));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("frames that are sent come out, whatever they hold and whichever way each is framed", () => {
  const content = fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 40 }));
  fc.assert(fc.property(fc.array(content, { maxLength: 8 }), fc.integer({ min: 1, max: 9 }), (sent, size) => {
    const messages = sent.map(([byCount, bytes]) => `<13>${byCount ? text(bytes) : text(bytes).replaceAll("\n", "_")}`);
    const stream = messages.map((message, i) => sent[i][0] ? counted(message) : `${message}\n`).join("");
    assertEquals(framed(stream.match(new RegExp(`.{1,${size}}`, "gs")) ?? []).messages, messages);
  }));
});

Deno.test("a stream takes time in proportion to its length, also one byte at a time", () => {
  for (const piece of ["\n", "1", "<", "1 <", "9 ", "x"]) {
    const bytes = encoder.encode(piece.repeat(1_000_000 / piece.length));
    const frames = new SyslogFrames(), sink = { message: (): void => {}, tooLong: (): void => {} };
    const began = performance.now();
    frames.push(bytes, sink);
    const singly = new SyslogFrames();
    for (let at = 0; at < bytes.length; at++) singly.push(bytes.subarray(at, at + 1), sink);
    assert(performance.now() - began < 5000, piece); // 150 ms is usual
  }
});
