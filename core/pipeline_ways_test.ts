/**
 * Lines of several formats in any order are counted alike in whatever way they go: through the scanners or not, with a kernel
 * whose heap is full whenever it likes, copied into its chunk or written there, many at a time or one by one.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { blockOf } from "./bucket_block.ts";
import { bucketProblem } from "./bucket_check.ts";
import { TAG } from "./dimensions.ts";
import { AnyFormat } from "./format_any.ts";
import { FormatChoice } from "./format_choice.ts";
import { autoFormats } from "./formats.ts";
import { Kernel } from "./kernel.ts";
import { addLedger, COUNTED, emptyLedger, type Ledger } from "./ledger.ts";
import { CHUNK_PADDING, type LineFormat } from "./line_batch.ts";
import { Pipeline } from "./pipeline.ts";
import { collidingEntry } from "./test_collisions.ts";
import { randomFrom } from "./test_lines.ts";

const NOW_S = 1_700_000_000;
const TAGS = ["", "input-tag", "t"].map((text) => new TextEncoder().encode(text));

/** A kernel whose heap has no room at random. */
class CrowdedKernel extends Kernel {
  /** @param share of columns that find none */
  constructor(readonly random: () => number, readonly share: number) {
    super();
  }

  override words(length: number): Int32Array<ArrayBuffer> {
    return this.random() < this.share ? new Int32Array(length) : super.words(length);
  }

  override bytes(length: number): Uint8Array<ArrayBuffer> {
    return this.random() < this.share ? new Uint8Array(length) : super.bytes(length);
  }
}

/** One way of counting. */
interface Way {
  readonly kernel: Kernel;
  readonly scans: boolean;
  /** Lines are written into the kernel's chunk, where they fit. */
  readonly inRoom: boolean;
  readonly oneByOne: boolean;
}

interface Counted {
  readonly blocks: readonly string[];
  readonly ledger: Ledger;
}

/** Counts chunks of lines, and seals where slices are too many and at the end. */
function count(chunks: readonly Uint8Array[], way: Way, seed: number, any: boolean): Counted {
  const formats = autoFormats([]).map((format) => way.scans ? format : unscanned(format));
  const format = any ? new AnyFormat("any", formats) : new FormatChoice("auto", formats, false);
  const masks = { v4Bits: 24, v6Bits: 48 }, options = { format, masks, source: "c", seed, openSlicesMax: 1 + seed % 4 };
  const pipeline = new Pipeline(options, way.kernel), blocks: string[] = [], ledger = emptyLedger();
  pipeline.nowS = NOW_S;
  const seal = (): void => {
    addLedger(ledger, pipeline.ledger);
    for (const bucket of pipeline.seal(NOW_S)) {
      assertEquals(bucketProblem(bucket), undefined);
      blocks.push(new Uint8Array(blockOf(bucket)).toBase64());
    }
  };
  const give = (bytes: Uint8Array, from: number, to: number, tag: Uint8Array): void => {
    for (let p = from; p < to;) if ((p = pipeline.count(bytes, p, to, tag)) < to) seal();
  };
  for (const [c, lines] of chunks.entries()) {
    const { room } = pipeline, isThere = way.inRoom && lines.length + CHUNK_PADDING <= room.length;
    if (isThere) room.set(lines);
    const bytes = isThere ? room : lines, step = way.oneByOne ? 1 : lines.length;
    for (let p = 0; p < lines.length;) {
      const end = bytes.indexOf(10, Math.max(p, p + step - 1)) + 1;
      give(bytes, p, end, TAGS[c % TAGS.length]);
      p = end;
    }
  }
  seal();
  return { blocks, ledger };
}

/** The same format without its fast path. */
function unscanned(format: LineFormat): LineFormat {
  return {
    name: format.name,
    expects: format.expects,
    isUntimed: format.isUntimed,
    parse: (bytes, start, newline, batch) => format.parse(bytes, start, newline, batch),
    scan: (_bytes, _view, start) => start,
  };
}

/** A line of any of the formats that are found out, most of them good. */
function anyLine(random: () => number): string {
  const pick = (n: number): number => Math.floor(n * random()),
    one = <Item>(items: readonly Item[]) => items[pick(items.length)];
  const client = random() < 0.8
    ? `10.${pick(3)}.${pick(9)}.${pick(256)}`
    : one(["2001:db8:1::1", "unix:", "1.2.3", "::1"]);
  const colliding = Array.from(
    collidingEntry(pick(1024)),
    (byte) => byte < 0x21 ? "z" : String.fromCharCode(byte & 127),
  );
  const uri = one([
    `/p${pick(300)}`,
    `/p${pick(9)}?q=\\x41`,
    `/a\\x20${pick(9)}`,
    `/${"u".repeat(pick(200))}`,
    `/${"?".repeat(pick(40))}`,
    `/long/${pick(50)}/${"u".repeat(1000 * random())}`,
    `/${colliding.join("")}`,
  ]);
  const tag = one(["", "-", "t", `tag${pick(20)}`, "x".repeat(pick(300)), "t\\x41"]);
  const timeS = NOW_S - (random() < 0.8 ? 0 : 10 * pick(5)), method = one(["GET", "POST", "M-SEARCH", ""]);
  const status = one(["200", "404", "500", `${100 + pick(900)}`, "2x"]), sent = one(["7", `${pick(1e8)}`, "-", "1x"]);
  switch (pick(4)) {
    case 0: {
      const rest = one(["", "", "\t0", "\t1\t64500", "\t-\t", "\t2\tx"]);
      return [`h${pick(9)}`, client, `${timeS}.${100 + pick(900)}`, method, uri, status, sent, "0.012"].join("\t") +
        rest;
    }
    case 1:
      return ["v1", `h${pick(9)}`, client, method, uri, status, sent, "0.012", "0", "64500", tag, "192.0.2.1", "https"]
        .join("\t");
    case 2:
      return JSON.stringify({
        ...{ host: `h${pick(9)}`, remote_addr: client, msec: `${timeS}.123`, request_method: method, request_uri: uri },
        ...{ status, body_bytes_sent: sent, request_time: "0.012" },
        ...(random() < 0.4 ? { tag } : {}),
      });
    default: {
      const time = new Date(1000 * timeS).toISOString().slice(11, 19);
      return `${client} - - [14/Nov/2023:${time} +0000] "${method} ${uri} HTTP/1.1" ${status} ${sent} "-" "ua"`;
    }
  }
}

Deno.test("lines are counted alike in every way", () => {
  let counted = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 30 }),
      fc.boolean(),
      fc.constantFrom(1, 3, 300, 1500),
      (seed, any, most) => {
        const random = randomFrom(seed * 7919);
        for (let i = 0; i < 9; i++) random();
        const chunks = Array.from({ length: 1 + Math.floor(6 * random()) }, () => {
          const lines = Array.from({ length: Math.ceil(most * random()) }, () => `${anyLine(random)}\n`);
          return Uint8Array.from(lines.join(""), (character) => character.charCodeAt(0));
        });
        const usual: Way = { kernel: new Kernel(), scans: true, inRoom: false, oneByOne: false };
        const expected = count(chunks, usual, seed, any);
        const ways: Way[] = [
          { ...usual, kernel: new Kernel(), scans: false },
          { ...usual, kernel: new Kernel(), inRoom: true },
          { ...usual, kernel: new Kernel(), oneByOne: true },
          { ...usual, kernel: new CrowdedKernel(random, 0.1), inRoom: true },
          { ...usual, kernel: new CrowdedKernel(random, 1) },
        ];
        for (const [w, way] of ways.entries()) assertEquals(count(chunks, way, seed, any), expected, `way ${w}`);
        counted += expected.ledger[COUNTED];
      },
    ),
    { numRuns: 40 },
  );
  assert(counted > 2000, `only ${counted} lines were counted`);
});

Deno.test("why a line does not count is not a matter of the lines before it", () => {
  const good = '192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] "GET / HTTP/1.1" 200 5 "-" "ua"\n';
  const bad = `x - - [14/Nov/2023:22:13:20 +0000] "GET / HTTP/1.1" 200 5 "-" "${"a\t".repeat(7)}h"\n`;
  const options = { masks: { v4Bits: 24, v6Bits: 48 }, source: "c", seed: 42 }, formats = autoFormats([]);
  for (const format of [() => new FormatChoice("auto", formats, false), () => new AnyFormat("any", formats)]) {
    const ledgers = [good + bad, bad + good].map((text) => {
      const pipeline = new Pipeline({ ...options, format: format() }), bytes = new TextEncoder().encode(text);
      pipeline.nowS = NOW_S;
      pipeline.count(bytes, 0, bytes.length, TAGS[0]);
      return pipeline.ledger;
    });
    assertEquals(ledgers[0], ledgers[1]);
    assertEquals(ledgers[0][COUNTED], 1);
  }
});

Deno.test("a tag is that of its own line, whatever formats stand beside it", () => {
  const logtail = `shop\t192.0.2.1\t${NOW_S}.123\tGET\t/p\t200\t5\t0.001\n`;
  const named = (tag: string): string =>
    `${
      JSON.stringify({ host: "h", remote_addr: "192.0.2.1", msec: `${NOW_S}.1`, request_uri: "/j", status: "200", tag })
    }\n`;
  const options = { masks: { v4Bits: 24, v6Bits: 48 }, source: "c", seed: 42 };
  const pipeline = new Pipeline({ ...options, format: new FormatChoice("auto", autoFormats([]), false) });
  pipeline.nowS = NOW_S;
  for (const text of ["abcdefgh".split("").map(named).join(""), named("x") + logtail.repeat(5)]) {
    const bytes = new TextEncoder().encode(text);
    pipeline.count(bytes, 0, bytes.length, TAGS[1]);
  }
  const [{ dictionaries }] = pipeline.seal(), { size, bytes, offsets, marginals } = dictionaries[TAG];
  const tags = Array.from({ length: size }, (_, e) => [
    new TextDecoder().decode(bytes.subarray(offsets[e], offsets[e + 1])),
    marginals[0][e],
  ]);
  assertEquals(Object.fromEntries(tags.slice(1)), {
    ...Object.fromEntries([..."abcdefghx"].map((tag) => [tag, 1])),
    "input-tag": 5,
  });
});
