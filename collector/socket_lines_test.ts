import fc from "fast-check";
import { assertEquals } from "@std/assert";
import type { Origin } from "./followed_file.ts";
import { newBatchMemory, type SocketBatch } from "./socket_batch.ts";
import { parseSyslogInput, type SocketInput, udpInput } from "./socket_input.ts";
import { SocketLines } from "./socket_lines.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** A batch as a receiver makes it. */
function batch(messages: readonly string[], more: Partial<SocketBatch> = {}): SocketBatch {
  const { bytes, ends } = newBatchMemory(), all = new Uint8Array(bytes), places = new Int32Array(ends);
  let length = 0;
  messages.forEach((message, m) => {
    const ended = encoder.encode(message.endsWith("\n") ? message : `${message}\n`);
    all.set(ended, length);
    places[m] = length += ended.length;
  });
  return { kind: "batch", bytes, ends, messages: messages.length, length, packets: 0, tooLong: 0, lost: 0, ...more };
}

interface Fixture {
  readonly lines: SocketLines;
  readonly taken: string[];
  readonly told: string[];
  readonly origins: Origin[];
}

function fixture(input: SocketInput): Fixture {
  const taken: string[] = [], told: string[] = [], origins: Origin[] = [];
  const lines = new SocketLines(input, {
    lines: (bytes, start, end, origin) => {
      taken.push(decoder.decode(bytes.subarray(start, end)));
      origins.push(origin);
    },
    tooLong: () => void told.push("too long"),
    lost: (count) => void told.push(`lost ${count}`),
  });
  return { lines, taken, told, origins };
}

function syslog(): Fixture {
  const parsed = parseSyslogInput("udp://127.0.0.1:514");
  if ("mistake" in parsed) throw new Error(parsed.mistake);
  return fixture(parsed.input);
}

Deno.test("datagrams of one line and of many are lines, handed over together", () => {
  const { lines, taken, origins } = fixture(udpInput(":9514"));
  lines.take(batch(["one", "two\nthree\n", "four"], { packets: 5 }));
  assertEquals([taken, lines.packets, lines.units], [["one\ntwo\nthree\nfour\n"], 5, 3]);
  const [{ kind, path }] = origins;
  assertEquals([kind, path], ["udp", "udp://:9514"]);
});

Deno.test("of syslog only the message is counted, each on a line of its own", () => {
  const { lines, taken } = syslog();
  lines.take(batch([
    "<190>Nov 21 11:05:27 web1 nginx: one\ttab",
    "<13>1 - - nginx - - - two\n",
    "three",
    "<190>nginx: ",
    "<190>nginx: four",
  ]));
  assertEquals(taken, ["one\ttab\ntwo\nthree\n\nfour\n"]);
});

Deno.test("what was skipped and what was lost is told, also without any message", () => {
  const { lines, taken, told } = syslog();
  lines.take(batch([], { tooLong: 2, lost: 3, packets: 2 }));
  assertEquals([taken, told, lines.units, lines.packets], [[], ["too long", "too long", "lost 3"], 5, 2]);
});

Deno.test("whatever comes, as many lines as messages are handed over, or more where a message has several", () => {
  const text = fc.oneof(fc.string(), fc.constantFrom("<190>nginx: x", "<13>1 - - - - - ", "\n", "a\nb"));
  fc.assert(fc.property(fc.array(text.filter((message) => message !== ""), { maxLength: 20 }), (messages) => {
    const { lines, taken } = syslog();
    lines.take(batch(messages));
    const all = taken.join("");
    assertEquals(all === "" || all.endsWith("\n"), true);
    assertEquals(all.split("\n").length - 1 >= messages.length, true);
  }));
});
