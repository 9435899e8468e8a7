import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { BATCH_LINES, ENTRY_BYTES_MAX, KERNEL_BYTES_MAX, LINE_BYTES_MAX } from "./bounds.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { DIMENSION_COUNT, STATUS, URI } from "./dimensions.ts";
import { hashWords } from "./hash.ts";
import { InternTable, MISSING } from "./intern.ts";
import { Kernel } from "./kernel.ts";
import { CHUNK_PADDING, ENTRY_WORDS, LINE_WORDS, LineBatch } from "./line_batch.ts";
import { LOGTAIL_FORMAT } from "./format_logtail.ts";
import { COUNTED } from "./ledger.ts";
import { COLLIDING_BYTES, collidingEntry } from "./test_collisions.ts";
import { randomFrom } from "./test_lines.ts";

const MASKS = { v4Bits: 24, v6Bits: 48 }, ENCODER = new TextEncoder();

Deno.test("the kernel's sources and the rest of the core mean the same places", () => {
  const kernel = new Kernel(), { staged, values, times, starts, scratch } = new LineBatch(1, MASKS, kernel);
  assertEquals(
    ["BATCH_LINES", "DIMENSION_COUNT", "ENTRY_BYTES", "LINE_BYTES", "VALUES_BYTES", "ENTRY_BYTES_MAX"].map((name) =>
      kernel.constant(name)
    ),
    [BATCH_LINES, DIMENSION_COUNT, 4 * ENTRY_WORDS, 4 * LINE_WORDS, 8 * MEASURE_COUNT, ENTRY_BYTES_MAX],
  );
  const ids = { byteOffset: kernel.constant("IDS"), byteLength: 4 * BATCH_LINES * DIMENSION_COUNT };
  const places = [staged, values, times, starts, ids, scratch, kernel.chunk];
  places.forEach((place, i) => {
    const next = places[i + 1]?.byteOffset ?? kernel.constant("HEAP");
    assert(place.byteOffset + place.byteLength <= next, `place ${i} ends before the next begins`);
  });
  assert(scratch.length <= kernel.constant("SCRATCH_BYTES"), "the scratch fits");
  assert(kernel.chunk.length >= LINE_BYTES_MAX + 1 + CHUNK_PADDING, "the longest line fits");
});

Deno.test("the kernel hashes what the rest of the core hashes, whatever stands behind it", () => {
  const kernel = new Kernel(), random = randomFrom(3);
  for (const seed of [0, 1, -77_777]) {
    const batch = new LineBatch(seed, MASKS, kernel);
    for (let length = 0; length <= 300; length += 1 + (length >> 6)) {
      for (let i = 0; i < length + 40; i++) kernel.chunk[i] = 256 * random();
      const start = Math.floor(20 * random());
      batch.clear();
      batch.stageText(URI, start, length);
      batch.count = 1;
      batch.hashRest(kernel.chunkView);
      assertEquals(
        batch.staged[URI * ENTRY_WORDS],
        hashWords(kernel.chunkView, start, length, seed),
        `${length} bytes`,
      );
    }
  }
});

Deno.test("a table on the kernel's heap gives the ids of one that has its own memory", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), fc.integer(), (steps, seed) => {
      const kernel = new Kernel(), batch = new LineBatch(seed, MASKS, kernel), ids = idsOf(kernel);
      const inside = new InternTable(seed, kernel), outside = new InternTable(seed);
      for (const { entries, closed, clear } of steps) {
        if (clear) [inside, outside].forEach((table) => table.clear());
        inside.closed = closed;
        stageEntries(batch, entries);
        inside.internLines(batch, kernel.chunkView, URI, 0, entries.length, ids);
        entries.forEach((entry, i) => {
          const hash = batch.staged[i * LINE_WORDS + URI * ENTRY_WORDS];
          const view = new DataView(Uint8Array.of(...entry, 0, 0, 0, 0).buffer);
          const id = closed
            ? outside.find(view, 0, entry.length, hash) || MISSING
            : outside.internWords(view, 0, entry.length, hash);
          assertEquals(ids[i * DIMENSION_COUNT + URI], id, `entry ${i}: ${entry}`);
          if (id !== MISSING) assertEquals(inside.entry(id), entry);
        });
        assertEquals([inside.size, inside.bytes], [outside.size, outside.bytes]);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("entries made to collide find no slot in the kernel, and have ids of their own all the same", () => {
  const kernel = new Kernel(), batch = new LineBatch(7, MASKS, kernel), table = new InternTable(7, kernel);
  const ids = idsOf(kernel), seen = new Set<number>();
  for (let round = 0; round < 2; round++) {
    for (let from = 0; from < 1024; from += BATCH_LINES) {
      stageEntries(batch, Array.from({ length: BATCH_LINES }, (_, i) => collidingEntry(from + i)));
      table.internLines(batch, kernel.chunkView, URI, 0, BATCH_LINES, ids);
      for (let i = 0; i < BATCH_LINES; i++) seen.add(ids[i * DIMENSION_COUNT + URI]);
    }
    assertEquals(seen.size, 1024);
  }
  assert(table.crowdedOut > 900, `${table.crowdedOut} were crowded out`);
});

Deno.test("entries of one hash are told apart by their bytes, however long they are", () => {
  for (let length = 20; length <= COLLIDING_BYTES; length++) {
    const kernel = new Kernel(), batch = new LineBatch(7, MASKS, kernel), table = new InternTable(7, kernel);
    const entries = Array.from({ length: 16 }, (_, n) => collidingEntry(n).subarray(0, length));
    stageEntries(batch, [...entries, ...entries]);
    table.internLines(batch, kernel.chunkView, URI, 0, batch.count, idsOf(kernel));
    const ids = Array.from({ length: 32 }, (_, i) => idsOf(kernel)[i * DIMENSION_COUNT + URI]);
    const different = new Set(entries.map((entry) => entry.join())).size;
    assertEquals([new Set(ids).size, ids.slice(16)], [different, ids.slice(0, 16)], `${length} bytes`);
  }
});

Deno.test("short entries of one hash are told apart by their length", () => {
  const bytes = new Uint8Array(8), view = new DataView(bytes.buffer), byHash = new Map<number, number>();
  for (let n = 0; n < 65_536; n++) {
    view.setUint16(0, n, true);
    byHash.set(hashWords(view, 0, 2, 7), n);
  }
  const pairs: [Uint8Array, Uint8Array][] = [];
  for (let n = 0; n < 1_000_000 && pairs.length < 4; n++) {
    view.setUint32(0, 0x61000000 + n, true);
    const other = byHash.get(hashWords(view, 0, 4, 7));
    if (other !== undefined) pairs.push([bytes.slice(0, 4), Uint8Array.of(other, other >> 8)]);
  }
  assert(pairs.length > 0, "there are such entries");
  const kernel = new Kernel(), batch = new LineBatch(7, MASKS, kernel), table = new InternTable(7, kernel);
  const entries = pairs.flat();
  stageEntries(batch, [...entries, ...entries], STATUS);
  table.internLines(batch, kernel.chunkView, STATUS, 0, batch.count, idsOf(kernel));
  const ids = Array.from({ length: batch.count }, (_, i) => idsOf(kernel)[i * DIMENSION_COUNT + STATUS]);
  assertEquals(ids, [...entries.keys(), ...entries.keys()].map((n) => n + 1));
});

Deno.test("when the heap is full, columns have memory of their own, and what they hold is found as before", () => {
  const kernel = new Kernel(), batch = new LineBatch(7, MASKS, kernel), table = new InternTable(7, kernel);
  const ids = idsOf(kernel), entries = Array.from({ length: 5000 }, (_, n) => ENCODER.encode(`/page/${n}`));
  const intern = (from: number): void => {
    stageEntries(batch, entries.slice(from, from + BATCH_LINES));
    table.internLines(batch, kernel.chunkView, URI, 0, batch.count, ids);
    for (let i = 0; i < batch.count; i++) assertEquals(ids[i * DIMENSION_COUNT + URI], from + i + 1);
  };
  intern(0);
  const taken = fillHeap(kernel);
  for (let from = 0; from < entries.length; from += BATCH_LINES) intern(from);
  taken.forEach((column) => kernel.free(column));
  for (let from = 0; from < entries.length; from += BATCH_LINES) intern(from);
});

Deno.test("a column that leaves the heap within a run of lines takes the table along", () => {
  // Which column grows first depends on how many slots and how many bytes there are before the heap is full.
  for (const [slots, bytes] of [[10, 500], [250, 500], [250, 3000], [1000, 900], [2000, 40_000]]) {
    const kernel = new Kernel(), batch = new LineBatch(7, MASKS, kernel), table = new InternTable(7, kernel);
    const other = new InternTable(7), ids = idsOf(kernel);
    const intern = (entries: Uint8Array[]): void => {
      for (let from = 0; from < entries.length; from += BATCH_LINES) {
        const some = entries.slice(from, from + BATCH_LINES);
        stageEntries(batch, some);
        table.internLines(batch, kernel.chunkView, URI, 0, some.length, ids);
        for (let i = 0; i < some.length; i++) {
          assertEquals(ids[i * DIMENSION_COUNT + URI], other.intern(some[i], 0, some[i].length));
        }
      }
    };
    intern(Array.from({ length: slots }, (_, n) => Uint8Array.of(n, n >> 8)));
    intern(Array.from({ length: bytes / 500 }, (_, n) => ENCODER.encode(`${n}`.padEnd(500))));
    table.clear();
    other.clear();
    fillHeap(kernel);
    for (let round = 0; round < 2; round++) {
      for (const length of [20, 200, 400, 1000]) {
        intern(Array.from({ length: 64 }, (_, n) => ENCODER.encode(`/${length}/${n}/`.padEnd(length, "x"))));
      }
    }
    const textsOf = (some: InternTable): string[] =>
      Array.from({ length: some.size }, (_, id) => new TextDecoder().decode(some.entry(id)));
    assertEquals(textsOf(table), textsOf(other));
  }
});

/** Takes all blocks there are. */
function fillHeap(kernel: Kernel): Uint8Array<ArrayBuffer>[] {
  const taken: Uint8Array<ArrayBuffer>[] = [];
  for (let bytes = KERNEL_BYTES_MAX / 2; bytes >= 256; bytes /= 2) {
    for (let column = kernel.bytes(bytes); kernel.has(column); column = kernel.bytes(bytes)) taken.push(column);
  }
  return taken;
}

Deno.test("a column of nothing takes the smallest block", () => {
  const kernel = new Kernel(), column = kernel.words(0);
  assertEquals([column.length, kernel.has(column)], [0, true]);
  kernel.free(column);
});

Deno.test("columns that are given back are used again, and words are zeros then", () => {
  const kernel = new Kernel(), first = kernel.words(1000).fill(-1), address = first.byteOffset;
  assert(kernel.words(1000).byteOffset !== address);
  kernel.free(first);
  const again = kernel.words(900);
  assertEquals([again.byteOffset, again.length, again.some((word) => word !== 0)], [address, 900, false]);
});

Deno.test("lines of any kind, one after the other, are staged as the format says, wherever blocks of the scanner end", () => {
  const kernel = new Kernel(), { chunk, chunkView } = kernel, batch = new LineBatch(5, MASKS, kernel);
  const other = new LineBatch(5, MASKS);
  let usual = 0, unusual = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof(...anyLines), { minLength: 1, maxLength: 120 }), (lines) => {
      const { written: end } = ENCODER.encodeInto(lines.map((line) => `${line}\n`).join(""), chunk);
      kernel.beginChunk();
      for (let p = 0; p < end;) {
        batch.clear();
        const next = LOGTAIL_FORMAT.scan(chunk, chunkView, p, end, batch);
        for (let line = 0; line < batch.count; line++, usual++) {
          const newline = chunk.indexOf(10, p);
          other.clear();
          assertEquals(batch.starts[line], p);
          assertEquals(LOGTAIL_FORMAT.parse(chunk, p, newline, other), COUNTED);
          assertEquals(lineOf(chunk, batch, line), lineOf(chunk, other, 0, batch.hasOptional), `line ${line}`);
          p = newline + 1;
        }
        assertEquals(next, p);
        if (p === end) break;
        unusual++;
        p = chunk.indexOf(10, p) + 1;
      }
    }),
    { numRuns: 300 },
  );
  assert(usual > 300 && unusual > 100, `${usual} and ${unusual} lines`);
});

interface Step {
  readonly entries: Uint8Array[];
  readonly closed: boolean;
  readonly clear: boolean;
}

/** Entries of all lengths, many of them more than once. */
const anyEntry = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ min: 97, max: 98, maxLength: 6 }),
  fc.nat({ max: 3000 }).map((n) => ENCODER.encode(`/a/path/of/usual/length/number/${n}`)),
  fc.nat({ max: 200 }).map((n) => new Uint8Array(n).fill(0x61)),
  fc.nat({ max: 1023 }).map(collidingEntry),
);
const anyStep: fc.Arbitrary<Step> = fc.record({
  entries: fc.array(anyEntry, { minLength: 1, maxLength: BATCH_LINES }),
  closed: fc.nat({ max: 3 }).map((n) => n === 0),
  clear: fc.nat({ max: 9 }).map((n) => n === 0),
});

const anyField = fc.oneof(
  { weight: 20, arbitrary: fc.string({ unit: fc.constantFrom(..."abc019-./:%~"), minLength: 2, maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(..."ab\u00e9"), minLength: 1, maxLength: 9 }) },
);
const anyQuery = fc.oneof(
  fc.constant(""),
  fc.string({ unit: fc.constantFrom(..."ab?&=\\"), maxLength: 30 }).map((text) => `?${text}`),
  fc.constant("?from=mail&page=2"),
  fc.constant(""),
  fc.nat({ max: 9 }).map((n) => n > 0 ? "" : "?".repeat(400)),
);
const anyClient = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4(),
  fc.constantFrom("2001:db8::", "1:2:3:4::5", "01.2.3.4", "1.2.3"),
);
const anyLine = fc.record({
  host: anyField,
  client: anyClient,
  second: fc.nat({ max: 999 }),
  method: fc.constantFrom("GET", "GET", "POST", "OPTIONS", "GET", "G", "GET", "HEAD", "PUT", "GET", "GET", "GET", "-"),
  path: anyField,
  query: anyQuery,
  status: fc.integer({ min: 100, max: 599 }),
  bytes: fc.oneof(fc.nat({ max: 99_999_999 }), fc.nat({ max: 9999 }), fc.nat({ max: 120_000_000 })),
  time: fc.oneof(fc.constant("0.001"), fc.nat({ max: 1010 }).map((s) => `${s}.250`)),
  rest: fc.constantFrom("", "", "", "", "\t1", "\t-\t64500", "\t0\t-", "\t0", "\t2"),
}).map(({ host, client, second, method, path, query, status, bytes, time, rest }) =>
  `${host}\t${client}\t1700000${
    second.toString().padStart(3, "0")
  }.125\t${method}\t/${path}${query}\t${status}\t${bytes}\t${time}${rest}`
);

/** Now and then what is no line, of the bytes that the scanner looks for. */
const brokenLine = fc.string({ unit: fc.constantFrom(..."\t\t\t19.:?\\\0\r\x7f-a\u00e9"), maxLength: 90 });
const anyLines = [{ weight: 20, arbitrary: anyLine }, { weight: 1, arbitrary: brokenLine }];

function idsOf(kernel: Kernel): Int32Array {
  return new Int32Array(kernel.buffer, kernel.constant("IDS"), BATCH_LINES * DIMENSION_COUNT);
}

/** Stages one entry a line, half of them in the chunk and half of them in the scratch where there is room. */
function stageEntries(batch: LineBatch, entries: readonly Uint8Array[], d = URI): void {
  const { chunk, chunkView } = batch.kernel!;
  batch.clear();
  let at = 0;
  for (const entry of entries) {
    if (batch.count % 2 === 0 || batch.scratchLength + entry.length > 60_000) {
      chunk.set(entry, at);
      batch.stageText(d, at, entry.length);
      at += entry.length;
    } else {
      batch.scratch.set(entry, batch.scratchLength);
      batch.stageScratch(d, entry.length);
    }
    batch.count++;
  }
  batch.hashRest(chunkView);
}

/** What is staged of a line, entries as bytes. */
function lineOf(chunk: Uint8Array, batch: LineBatch, line: number, hasOptional = batch.hasOptional): unknown {
  const { staged, scratch, times, values } = batch;
  const entries = [0, 1, 2, 3, 4, ...(hasOptional ? [5, 7] : [])].map((d) => {
    const [, start, length] = staged.subarray(line * LINE_WORDS + d * ENTRY_WORDS);
    return (start < 0 ? scratch.subarray(~start) : chunk.subarray(start)).slice(0, length);
  });
  return [entries, times[line], [...values.subarray(line * MEASURE_COUNT, (line + 1) * MEASURE_COUNT)]];
}
