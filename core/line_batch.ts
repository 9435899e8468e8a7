/**
 * Lines staged between parsing and counting, as columns.
 *
 * A format fills one place a line; the pipeline then looks up all entries, then counts. Short loops over 256 lines keep
 * each loop's tables in the cache and let cache misses overlap.
 *
 *   staged[line * LINE_WORDS + d * ENTRY_WORDS + …]   dimension d's entry: hash (`hashWords` with the batch's seed; see `hashRest`),
 *                                                     start in the chunk or, when negative, ~start in `scratch`, length
 *   starts[line]                                      where the line begins in the chunk
 *   times[line]                                       seconds since 1970
 *   values[line * MEASURE_COUNT + m]                  measures
 *
 * A line that is not to be counted takes no place, but is noted among the refused, so that the ledger can be kept line
 * by line wherever counting stops.
 */
import { BATCH_LINES, ENTRY_BYTES_MAX } from "./bounds.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { ASN, DIMENSION_COUNT, METHOD, PREFIX, STATUS, TAG, TOR, URI, WEBSITE } from "./dimensions.ts";
import { FAMILY_4, FAMILY_6, PREFIX_ENTRY_BYTES_MAX, prefixEntryLength } from "./client_prefix.ts";
import { hashWords } from "./hash.ts";
import type { Kernel } from "./kernel.ts";

/** Words of one staged entry; of one staged line. */
export const ENTRY_WORDS = 3;
export const LINE_WORDS = DIMENSION_COUNT * ENTRY_WORDS;

/** Dimensions that many logs do not have: whole batches skip them. */
export const OPTIONAL: readonly number[] = [ASN, TOR];

/** Bytes behind the last line of a chunk that scanners may read (and ignore): they take words ahead. */
export const CHUNK_PADDING = 64;

/** Bytes of scratch that one line can take: its prefix, and every text field written anew without its escapes. */
const LINE_SCRATCH_MAX = PREFIX_ENTRY_BYTES_MAX + 2 + (DIMENSION_COUNT - 1) * (ENTRY_BYTES_MAX + 4);

/** Bytes of scratch: prefixes of a whole batch, and room for some lines with escapes. A batch ends when it is full. */
const SCRATCH_BYTES = 4 * LINE_SCRATCH_MAX + BATCH_LINES * (PREFIX_ENTRY_BYTES_MAX + 2);

/** The kernel looks at the first three groups of an IPv6 address; longer prefixes are left to `parse`. */
const SCANNED_V6_BITS_MAX = 48;

export class LineBatch {
  /** Lines staged; at most BATCH_LINES. */
  count = 0;
  readonly staged: Int32Array<ArrayBuffer>;
  readonly starts: Int32Array<ArrayBuffer>;
  readonly times: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
  /** Lines refused; at most BATCH_LINES. Line r was refused for a ledger reason, before the staged line in place `refusedBefore[r]`. */
  refused = 0;
  readonly refusedReasons = new Uint8Array(BATCH_LINES);
  readonly refusedBefore = new Int32Array(BATCH_LINES);
  readonly refusedStarts = new Int32Array(BATCH_LINES);
  /** What parsers write anew. Entries begin at multiples of four. */
  readonly scratch: Uint8Array<ArrayBuffer>;
  readonly scratchView: DataView<ArrayBuffer>;
  /** Of the lines staged, the first so many are hashed. */
  hashed = 0;
  /** Bytes of `scratch` in use. */
  scratchLength = 0;
  /** When these lines came, seconds since 1970: the time of those that have none of their own. */
  arrivalS = 0;
  /** Tag of the input: that of lines which name none. */
  tag: Uint8Array = new Uint8Array(0);
  /** Whether a line of this batch names its tag: TAG is staged then; if not, all have that of their input. */
  hasTag = false;
  /** Where `tag` stands in scratch, once a line has named its own. */
  #tagHash = 0;
  #tagStart = 0;
  readonly #absentHash: number;

  /** Bytes of a prefix entry of each family, and masks: of an IPv4 address, its first octet in the lowest byte, and of
   * the first three groups of an IPv6 address. */
  readonly v4Length: number;
  readonly v6Length: number;
  readonly v4Mask: number;
  readonly v6Masks: readonly number[];

  /**
   * @param seed of the tables in which entries are looked up.
   * @param kernel has these columns in its memory; a batch without one has its own, and formats do without it.
   */
  constructor(readonly seed: number, readonly masks: ClientMasks, readonly kernel?: Kernel) {
    const { v4Bits, v6Bits } = masks;
    const column = placesOf(kernel);
    this.staged = new Int32Array(...column("STAGED", 4, BATCH_LINES * LINE_WORDS));
    this.starts = new Int32Array(...column("STARTS", 4, BATCH_LINES));
    this.times = new Float64Array(...column("TIMES", 8, BATCH_LINES));
    this.values = new Float64Array(...column("VALUES", 8, BATCH_LINES * MEASURE_COUNT));
    this.scratch = new Uint8Array(...column("SCRATCH", 1, SCRATCH_BYTES + 4));
    this.scratchView = new DataView(this.scratch.buffer, this.scratch.byteOffset, this.scratch.length);
    this.v4Length = prefixEntryLength(v4Bits);
    this.v6Length = prefixEntryLength(v6Bits);
    const v4 = v4Bits === 0 ? 0 : -1 << 32 - v4Bits;
    this.v4Mask = v4 >>> 24 | v4 >>> 8 & 0xff00 | v4 << 8 & 0xff0000 | v4 << 24;
    this.v6Masks = [0, 16, 32].map((before) => 0xffff << 16 - Math.max(0, Math.min(16, v6Bits - before)) & 0xffff);
    this.#absentHash = hashWords(NOTHING, 0, 0, seed);
    kernel?.prepare([
      seed,
      FAMILY_4 | v4Bits << 8,
      this.v4Length,
      this.v4Mask,
      v6Bits > SCANNED_V6_BITS_MAX ? -1 : FAMILY_6 | v6Bits << 8,
      this.v6Length,
      ...this.v6Masks,
    ]);
  }

  /** Whether a line of this batch has an entry in one of the OPTIONAL dimensions; if not, they are not staged at all. */
  hasOptional = false;

  clear(): void {
    this.count =
      this.hashed =
      this.refused =
      this.scratchLength =
        0;
    this.hasOptional = this.hasTag = false;
  }

  /** The line in place `count` has optional fields: they are staged from now on, and were absent so far. */
  beginOptional(at: number): void {
    const from = this.hasOptional ? this.count : 0;
    for (let line = from; line <= this.count; line++) this.stageAbsent(line, at);
    this.hasOptional = true;
  }

  /** Stages absent entries in the optional dimensions; `at` is any place in the chunk. */
  stageAbsent(line: number, at: number): void {
    for (let o = 0; o < OPTIONAL.length; o++) {
      const entry = line * LINE_WORDS + OPTIONAL[o] * ENTRY_WORDS;
      this.staged[entry] = this.#absentHash;
      this.staged[entry + 1] = at;
      this.staged[entry + 2] = 0;
    }
  }

  /** Whether there is no room for one more line, whatever it is. */
  get isFull(): boolean {
    return this.count === BATCH_LINES || this.refused === BATCH_LINES ||
      this.scratchLength + LINE_SCRATCH_MAX > SCRATCH_BYTES;
  }

  /** Notes a line that is not to be counted. */
  refuse(reason: number, start: number): void {
    const r = this.refused++;
    this.refusedReasons[r] = reason;
    this.refusedBefore[r] = this.count;
    this.refusedStarts[r] = start;
  }

  /** The line in place `count` names its tag: all before it have that of their input. */
  beginTag(): void {
    if (this.hasTag) return;
    const at = this.count * LINE_WORDS + TAG * ENTRY_WORDS;
    this.scratch.set(this.tag, this.scratchLength);
    this.stageScratch(TAG, this.tag.length);
    this.#tagStart = this.staged[at + 1];
    this.#tagHash = hashWords(this.scratchView, ~this.#tagStart, this.tag.length, this.seed);
    for (let line = 0; line < this.count; line++) this.stageInputTag(line);
    this.hasTag = true;
  }

  /** A line has the tag of its input, though another of the batch names its own. */
  stageInputTag(line: number): void {
    const at = line * LINE_WORDS + TAG * ENTRY_WORDS;
    this.staged[at] = this.#tagHash;
    this.staged[at + 1] = this.#tagStart;
    this.staged[at + 2] = this.tag.length;
  }

  /** Hashes the entries of lines that nobody has hashed yet: before they are looked up. @param view the chunk */
  hashRest(view: DataView): void {
    const { count, hashed, hasOptional, hasTag, kernel, scratchView, seed, staged } = this;
    if (hashed === count) return;
    this.hashed = count;
    if (kernel !== undefined && view === kernel.chunkView) {
      return kernel.hashEntries(
        ALWAYS_STAGED | (hasOptional ? OPTIONALLY_STAGED : 0) | (hasTag ? 1 << TAG : 0),
        hashed,
        count,
      );
    }
    for (let s = hashed * LINE_WORDS; s < count * LINE_WORDS; s += ENTRY_WORDS) {
      const start = staged[s + 1], length = staged[s + 2];
      staged[s] = start < 0 ? hashWords(scratchView, ~start, length, seed) : hashWords(view, start, length, seed);
    }
  }

  /** Stages an entry of the line in place `count`: `length` bytes at `start` of the chunk. */
  stageText(d: number, start: number, length: number): void {
    const at = this.count * LINE_WORDS + d * ENTRY_WORDS;
    this.staged[at + 1] = start;
    this.staged[at + 2] = length;
  }

  /** The same for what was written to `scratch[scratchLength …]`; takes that room. */
  stageScratch(d: number, length: number): void {
    const at = this.count * LINE_WORDS + d * ENTRY_WORDS, start = this.scratchLength;
    this.staged[at + 1] = ~start;
    this.staged[at + 2] = length;
    this.scratchLength = start + (length + 3 & ~3);
  }
}

/** What a column is a view of, and from where to where: in the memory of a kernel, or of its own. */
function placesOf(
  kernel: Kernel | undefined,
): (place: string, bytes: number, length: number) => [ArrayBuffer, number, number] {
  return (place, bytes, length) =>
    kernel === undefined
      ? [new ArrayBuffer(bytes * length), 0, length]
      : [kernel.buffer, kernel.constant(place), length];
}

const NOTHING = new DataView(new ArrayBuffer(4));

/** A bit for each dimension that every line stages, and for those that lines with optional fields do. */
const ALWAYS_STAGED = [WEBSITE, PREFIX, URI, STATUS, METHOD].reduce((bits, d) => bits | 1 << d, 0);
const OPTIONALLY_STAGED = OPTIONAL.reduce((bits, d) => bits | 1 << d, 0);

/** Lengths of the client prefixes, in bits. */
export interface ClientMasks {
  readonly v4Bits: number;
  readonly v6Bits: number;
}

/** A log format: how a line becomes entries and measures. */
export interface LineFormat {
  /** Name, as `--format` takes it. */
  readonly name: string;
  /** What a line of it holds, in words: for whoever gives it something else. */
  readonly expects: string;
  /** Whether its lines have no time of their own, so that they count when they come. */
  readonly isUntimed?: boolean;
  /**
   * Parses the line that begins at `start` and ends with the newline at `newline`, and stages it in place `batch.count`
   * (which the caller then advances). Returns COUNTED, or the ledger reason for which the line is not to be counted.
   * Never throws, whatever the bytes. This is what the format means.
   */
  parse(bytes: Uint8Array, start: number, newline: number, batch: LineBatch): number;
  /**
   * The same, faster, for lines without anything unusual in them: stages lines from the one that begins at `start` on,
   * `starts` included, until the batch is full, the chunk is at its `end`, or a line is unusual. Returns where the next
   * line begins, which is left to `parse` when there is room for it. May read CHUNK_PADDING bytes beyond the end.
   * Whatever it stages is what `parse` would have staged (`format_…_test.ts` holds it to that).
   */
  scan(bytes: Uint8Array, view: DataView, start: number, end: number, batch: LineBatch): number;
}
