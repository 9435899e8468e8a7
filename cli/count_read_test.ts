import { gzipSync } from "node:zlib";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { isTrouble } from "@/core/host/file_trouble.ts";
import type { Inputs } from "@/core/host/input_file.ts";
import { COUNTED, READ } from "@/core/ledger.ts";
import { fakeInputs } from "./fake_shell.ts";
import type { Job, Part } from "./count_job.ts";
import { readParts, type Unread } from "./count_read.ts";
import { Tally } from "./count_tally.ts";

function jobOf(parts: readonly Part[]): Job {
  const questions = [{ groupBy: "website", n: 100, sort: 0 }] as const;
  return { parts, questions, filter: undefined, masks: { v4Bits: 24, v6Bits: 48 }, seed: 1 };
}

function line(host: string): string {
  return `${host}\t192.0.2.1\t1700000000.5\tGET\t/\t200\t1\t0.001\n`;
}

async function read(
  inputs: Inputs,
  parts: readonly Part[],
): Promise<{ tally: Tally; unread: readonly Unread[]; bytes: number }> {
  const job = jobOf(parts), tally = new Tally(job);
  let next = 0, bytes = 0;
  const unread = await readParts({ job, inputs, tally, next: () => next++, onRead: (count) => bytes += count });
  tally.finish();
  return { tally, unread, bytes };
}

function counts(tally: Tally): Record<string, number> {
  return Object.fromEntries(tally.builders[0].ranking().entries.map(({ label, values }) => [label, values[0]]));
}

function streamPart(name: string): Part {
  return { name, kind: "stream", start: 0, end: 0, order: 0 };
}

async function gzipped(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("wherever a file is cut, every line belongs to one part, and every byte is read once", async () => {
  const hosts = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 40 }), {
    maxLength: 20,
  });
  await fc.assert(fc.asyncProperty(hosts, fc.array(fc.nat(2000)), fc.boolean(), async (names, cuts, ends) => {
    const text = names.map(line).join(""), whole = new TextEncoder().encode(ends ? text : text.slice(0, -1));
    const places = [0, ...cuts.filter((cut) => cut > 0 && cut < whole.length).sort((a, b) => a - b), whole.length];
    const parts = places.slice(1).map((end, order): Part => ({
      name: "f",
      kind: "lines",
      start: places[order],
      end,
      order,
    }));
    const { tally, unread, bytes } = await read(fakeInputs({ f: whole }), parts);
    const wanted: Record<string, number> = {};
    for (const name of names) wanted[name] = (wanted[name] ?? 0) + 1;
    assertEquals([counts(tally), unread, bytes], [wanted, [], whole.length]);
  }));
});

Deno.test("standard input may come in pieces, plain or gzip, and may be empty or a single byte", async () => {
  const text = line("a") + line("b").repeat(3);
  for (const content of [new TextEncoder().encode(text), await gzipped(text)]) {
    const { tally, unread, bytes } = await read(fakeInputs({ "-": content }), [streamPart("-")]);
    assertEquals([counts(tally), unread, bytes], [{ b: 3, a: 1 }, [], content.length]);
  }
  for (const content of ["", "x"]) {
    const { tally, unread } = await read(fakeInputs({ "-": new TextEncoder().encode(content) }), [streamPart("-")]);
    assertEquals([tally.ledger[READ], unread], [content.length, []]);
  }
});

Deno.test("a gzip file may have several members, also empty ones, and zeros behind them", async () => {
  const members = [await gzipped(line("a")), await gzipped(""), await gzipped(line("b")), new Uint8Array(512)];
  const { tally, unread } = await read(fakeInputs({ f: joined(...members) }), [streamPart("f")]);
  assertEquals([counts(tally), unread], [{ a: 1, b: 1 }, []]);
});

Deno.test("of a gzip file that was cut, what came counts, and it is named", async () => {
  const random = Array.from({ length: 20_000 }, (_, index) => line(`site-${(index * 7919) % 9973}`)).join("");
  const whole = await gzipped(random);
  const { tally, unread } = await read(fakeInputs({ f: whole.subarray(0, whole.length >> 1) }), [streamPart("f")]);
  assertEquals(tally.ledger[COUNTED] > 1000 && tally.ledger[COUNTED] < 20_000, true);
  assertEquals(unread.map(({ name, why }) => [name, why]), [
    ["f", "it ends in the middle: it was cut, or is still being written"],
  ]);
});

Deno.test("a line that is torn where a file was cut does not count with what is left of its numbers", async () => {
  const torn = `${line("a")}b\t192.0.2.1\t1700000000.5\tGET\t/\t200\t12345\t0.001`;
  const gzip = gzipSync(new TextEncoder().encode(`${torn}\n`), { level: 0 });
  const cutGzip = await read(fakeInputs({ f: gzip.subarray(0, gzip.length - 8 - 2) }), [streamPart("f")]);
  const plain = new TextEncoder().encode(torn);
  const parts: Part[] = [{ name: "f", kind: "lines", start: 0, end: plain.length + 1, order: 0 }];
  const cutPlain = await read(fakeInputs({ f: plain }), parts);
  for (const { tally, unread } of [cutGzip, cutPlain]) assertEquals([counts(tally), unread.length], [{ a: 1 }, 1]);
});

Deno.test("any bytes as gzip never throw", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await read(fakeInputs({ f: joined(Uint8Array.of(0x1f, 0x8b), bytes) }), [streamPart("f")]);
    }),
    { numRuns: 30 },
  );
});

Deno.test("any bytes are lines, and every line is in the ledger", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
    const parts: Part[] = [{ name: "f", kind: "lines", start: 0, end: bytes.length, order: 0 }];
    const { tally } = await read(fakeInputs({ f: bytes }), bytes.length === 0 ? [] : parts);
    const newlines = bytes.filter((byte) => byte === 10).length;
    assertEquals(tally.ledger[READ], newlines + (bytes.length > 0 && bytes.at(-1) !== 10 ? 1 : 0));
  }));
});

Deno.test("a file that cannot be opened, or becomes shorter, is named and the others are read", async () => {
  const inputs = fakeInputs({
    a: new TextEncoder().encode(line("a")),
    b: { trouble: "denied", reason: "permission denied" },
  });
  const parts = ["b", "a"].map((name, order): Part => ({ name, kind: "lines", start: 0, end: 1000, order }));
  const { tally, unread } = await read(inputs, parts);
  assertEquals(counts(tally), { a: 1 });
  assertEquals(unread.map(({ name, why }) => `${name}: ${why}`), [
    "b: permission denied",
    "a: it was cut while it was read",
  ]);
});

Deno.test("a line of ten megabytes without a newline is one line that is too long", async () => {
  const long = new Uint8Array(10_000_000).fill(0x61);
  const content = joined(new TextEncoder().encode(line("a")));
  const { tally } = await read(fakeInputs({ f: long, g: content }), [
    { name: "f", kind: "lines", start: 0, end: long.length, order: 0 },
    { name: "g", kind: "lines", start: 0, end: content.length, order: 1 },
  ]);
  assertEquals([tally.ledger[READ], tally.ledger[COUNTED]], [2, 1]);
  assertEquals(isTrouble(tally), false);
});
