/**
 * Interning: byte strings to small numbers, and back.
 *
 * Open addressing over typed arrays. The bytes of all entries lie one behind the other, as a bucket's dictionary has them,
 * and are compared and copied a word of four bytes at a time; by `kernel/look_up.ts`, where columns lie in the memory of a
 * kernel, sixteen.
 *
 *   slots[hash & mask]  id in the bits of the mask, above them those of the hash; 0 when the slot is free
 *   ends[id]            where the entry's bytes end; they begin at ends[id - 1]
 *   hashes[id]          its hash                       (ids begin at 1; 0 is OTHER and never looked up)
 *
 * At most half of the slots are taken, so that an id always fits below the mask; the place of a slot and the bits in it
 * are nearly the whole hash again. One word a slot instead of two keeps twice as many in the caches.
 *
 * A hash hit is always confirmed by the bytes: any mixing function can be made to collide by whoever writes the log
 * (for chains of xor and multiply, flipping one top bit and its image in the next word does it whatever the seed), and
 * two prefixes counted as one would be a wrong number. For the same reason a chain of slots is followed only so far:
 * entries that find no place within PROBES_MAX slots are *crowded out* into a map of the runtime's, which is slower but
 * does not degrade, so that colliding entries cost linear time.
 */
import { type ColumnMemory, OWN_MEMORY } from "./column_memory.ts";
import { Kernel } from "./kernel.ts";
import * as dimensions from "./dimensions.ts";
import * as hashes from "./hash.ts";
import * as batches from "./line_batch.ts";
import type { LineBatch } from "./line_batch.ts";

// Functions of this file's own: what is exported, V8 reads and checks at every use (docs/performance.md).
const same = isSame;
const { hashWords, lowBytes } = hashes;
const { DIMENSION_COUNT } = dimensions;
const { ENTRY_WORDS, LINE_WORDS } = batches;

const SLOTS_MIN = 64;
const TEXT_BYTES_MIN = 1024;
/** Bytes behind the text: blocks are read and written whole. */
const TEXT_PADDING = 16;
/** Slots looked at for one entry. At a load of a half and without malice, one entry in many millions needs more. */
const PROBES_MAX = 64;

/** Slots from which they are touched before they are looked at: fewer stay in the processor's first cache. */
const TOUCHED_SLOTS_MIN = 8192;

const SHORT_BYTES = 4, SHORT_PLACES = 64, ID_BITS = 16, ID_MASK = (1 << ID_BITS) - 1;

/** Dimensions whose values are short, and few. */
const SHORT: readonly number[] = [dimensions.STATUS, dimensions.METHOD, dimensions.TOR];

/** What a closed table says of an entry that it does not have. */
const NOT_THERE = -1;
export const MISSING = NOT_THERE;

/** Bytes of the runtime for an entry that is crowded out, beside a byte for each of its own (measured on Deno 2.9: 44). */
export const CROWDED_OUT_BYTES = 64;

export class InternTable {
  /** Ids in use, OTHER included: the next id. */
  size = 1;
  /** Bytes of all entries. */
  bytes = 0;
  /** How often ids were given out anew. */
  generation = 0;
  #slots: Int32Array<ArrayBuffer>;
  #ends: Int32Array<ArrayBuffer>;
  #hashes: Int32Array<ArrayBuffer>;
  #text: Uint8Array<ArrayBuffer>;
  #textView: DataView<ArrayBuffer>;
  /** Whether `internBatch` takes no new entries and answers MISSING instead: see `withhold.ts`. */
  closed = false;
  #touched = 0;
  /**
   * Of entries of up to SHORT_BYTES that were looked up last, by the low bits of their hash: hash, and length + 1 and id. They are
   * one word, and different words of one length have different hashes: no bytes need to be compared. Statuses and methods.
   */
  readonly #short: Int32Array<ArrayBuffer>;
  /** The kernel in whose memory all columns lie, if they do. */
  #home: Kernel | undefined;
  /** What `internAgain` was asked last, when, and what it said. */
  #again: Uint8Array | undefined;
  #againIn = 0;
  #againId = 0;
  /** Ids by the bytes, one character each, of entries that are in no slot. */
  readonly #crowdedOut = new Map<string, number>();

  /**
   * @param seed any integer; a fresh random one per process.
   * @param memory for its columns: where that is a kernel's, the kernel does what can be done there.
   */
  constructor(readonly seed: number, readonly memory: ColumnMemory = OWN_MEMORY) {
    this.#slots = memory.words(SLOTS_MIN);
    this.#ends = memory.words(SLOTS_MIN / 2);
    this.#hashes = memory.words(SLOTS_MIN / 2);
    this.#text = memory.bytes(TEXT_BYTES_MIN);
    this.#textView = viewOf(this.#text);
    this.#short = memory.words(2 * SHORT_PLACES);
    this.#findHome();
  }

  /** The id of `bytes[start … end)`; given one when it is new. Copies the bytes it keeps. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const view = paddedCopy(bytes, start, length);
    return this.internWords(view, 0, length, hashWords(view, 0, length, this.seed));
  }

  /** The same for an entry that is nearly always the one before. Its bytes do not change. */
  internAgain(entry: Uint8Array): number {
    if (entry !== this.#again || this.generation !== this.#againIn) {
      this.#againId = this.intern(entry, 0, entry.length);
      this.#again = entry;
      this.#againIn = this.generation;
    }
    return this.#againId;
  }

  /**
   * The same for `length` bytes of `view` at `at`, whose hash is known: that of `hashWords` with this table's seed.
   * The view must reach three bytes beyond them.
   */
  internWords(view: DataView, at: number, length: number, hash: number): number {
    if (this.size >= this.#slots.length >> 1) this.#double();
    const slots = this.#slots, ends = this.#ends, text = this.#textView, mask = slots.length - 1;
    let slot = hash & mask;
    const last = slot + PROBES_MAX & mask;
    for (let there = slots[slot]; there !== 0; there = slots[slot]) {
      const id = there & mask;
      if (((there ^ hash) & ~mask) === 0 && same(text, ends[id - 1], ends[id], view, at, length)) return id;
      slot = slot + 1 & mask;
      if (slot === last) return this.#crowded(hash, view, at, length);
    }
    return this.#insert(slot, hash, view, at, length);
  }

  /** The same, but 0 for an entry that is not there, and it is not entered. */
  find(view: DataView, at: number, length: number, hash: number): number {
    const slots = this.#slots, ends = this.#ends, text = this.#textView, mask = slots.length - 1;
    let slot = hash & mask;
    const last = slot + PROBES_MAX & mask;
    for (let there = slots[slot]; there !== 0; there = slots[slot]) {
      const id = there & mask;
      if (((there ^ hash) & ~mask) === 0 && same(text, ends[id - 1], ends[id], view, at, length)) return id;
      slot = slot + 1 & mask;
      if (slot === last) return this.#crowdedOut.get(bytesKey(view, at, length)) ?? 0;
    }
    return 0;
  }

  /**
   * Looks up one entry of each of `count` staged lines, from line `from` on. Line i's entry is described at
   * `staged[i * stride + at …]` by hash, start and length; its id goes to `ids[i * idStride + idAt]`.
   *
   * @param scratch holds the entries whose start is negative: at `~start`.
   */
  internBatch(
    view: DataView,
    scratch: DataView,
    staged: Int32Array,
    stride: number,
    at: number,
    from: number,
    count: number,
    ids: Int32Array,
    idStride: number,
    idAt: number,
  ): void {
    while (this.size + count > this.#slots.length >> 1) this.#double();
    const slots = this.#slots, ends = this.#ends, mask = slots.length - 1, last = from + count;
    const short = this.#short;
    let text = this.#textView;
    // Touch what will be needed: the cache misses of a batch then overlap instead of waiting for one another.
    if (slots.length >= TOUCHED_SLOTS_MIN) {
      let touched = 0;
      for (let i = from, s = from * stride + at; i < last; i++, s += stride) touched ^= slots[staged[s] & mask];
      this.#touched ^= touched;
    }
    for (let i = from, s = from * stride + at, k = from * idStride + idAt; i < last; i++, s += stride, k += idStride) {
      const hash = staged[s], length = staged[s + 2];
      const place = (hash & SHORT_PLACES - 1) << 1;
      if (length <= SHORT_BYTES && short[place] === hash && short[place + 1] >>> ID_BITS === length + 1) {
        ids[k] = short[place + 1] & ID_MASK;
        continue;
      }
      let start = staged[s + 1], source = view;
      if (start < 0) {
        start = ~start;
        source = scratch;
      }
      let slot = hash & mask, id = 0;
      const lastSlot = slot + PROBES_MAX & mask;
      for (let there = slots[slot]; there !== 0; there = slots[slot]) {
        id = there & mask;
        let t = ends[id - 1];
        if (((there ^ hash) & ~mask) === 0 && ends[id] - t === length) {
          // `isSame`, here: its call takes a tenth of a look-up.
          let p = start;
          const whole = start + (length & ~3);
          while (p < whole && text.getInt32(t, true) === source.getInt32(p, true)) {
            p = p + 4 | 0;
            t = t + 4 | 0;
          }
          const rest = (1 << ((length & 3) << 3)) - 1;
          if (p >= whole && ((text.getInt32(t, true) ^ source.getInt32(p, true)) & rest) === 0) break;
        }
        id = 0;
        slot = slot + 1 & mask;
        if (slot !== lastSlot) continue;
        id = -1;
        break;
      }
      if (id <= 0 && this.closed) id = id === 0 ? NOT_THERE : this.find(source, start, length, hash) || NOT_THERE;
      else if (id <= 0) {
        id = id === 0 ? this.#insert(slot, hash, source, start, length) : this.#crowded(hash, source, start, length);
        text = this.#textView;
      }
      ids[k] = id;
      if (length <= SHORT_BYTES && id > 0 && id <= ID_MASK) {
        short[place] = hash;
        short[place + 1] = length + 1 << ID_BITS | id;
      }
    }
  }

  /**
   * Looks up the entries of dimension `d` of `count` staged lines from line `from` on. Where the columns lie in the memory of the
   * batch's kernel, that does it.
   *
   * @param view the chunk in which the batch was staged
   * @param ids of the batch's kernel, where it has one; id of line i at `i * DIMENSION_COUNT + d`
   */
  internLines(batch: LineBatch, view: DataView, d: number, from: number, count: number, ids: Int32Array): void {
    const { kernel, staged, scratchView } = batch;
    while (this.size + count > this.#slots.length >> 1) this.#double();
    for (let line = from, last = from + count; line < last; line++) {
      if (kernel === undefined || view !== kernel.chunkView || kernel !== this.#home) {
        // Or not any more: a column may leave a heap that is full with any entry.
        const at = d * ENTRY_WORDS, rest = last - line;
        return this.internBatch(view, scratchView, staged, LINE_WORDS, at, line, rest, ids, DIMENSION_COUNT, d);
      }
      line += kernel.lookUp(
        this.#slots,
        this.#ends,
        this.#hashes,
        this.#text,
        this.#short,
        this,
        d,
        line,
        last - line,
        SHORT.includes(d),
      );
      if (line === last) return;
      // No slot for this one, or no room.
      const s = line * LINE_WORDS + d * ENTRY_WORDS, hash = staged[s], start = staged[s + 1], length = staged[s + 2];
      const source = start < 0 ? scratchView : view, at = start < 0 ? ~start : start;
      ids[line * DIMENSION_COUNT + d] = this.closed
        ? this.find(source, at, length, hash) || NOT_THERE
        : this.internWords(source, at, length, hash);
    }
  }

  /** Columns have moved: notes whether all lie in the memory of a kernel, or one has found its heap full. */
  #findHome(): void {
    const { memory } = this, columns = [this.#slots, this.#ends, this.#hashes, this.#text, this.#short];
    this.#home = memory instanceof Kernel && columns.every((column) => memory.has(column)) ? memory : undefined;
  }

  /** Entries that are in no slot: a handful, unless somebody makes them collide. */
  get crowdedOut(): number {
    return this.#crowdedOut.size;
  }

  /** The bytes of an entry: a view that is valid until the next change. */
  entry(id: number): Uint8Array<ArrayBuffer> {
    return this.#text.subarray(id === 0 ? 0 : this.#ends[id - 1], this.#ends[id]);
  }

  entryLength(id: number): number {
    return id === 0 ? 0 : this.#ends[id] - this.#ends[id - 1];
  }

  /** Hashes of all entries, from that of entry 1 on: a view that is valid until the next change. */
  get hashes(): Int32Array<ArrayBuffer> {
    return this.#hashes.subarray(1, this.size);
  }

  /** Bytes of the longest entry. */
  longestEntry(): number {
    const ends = this.#ends, size = this.size;
    let longest = 0;
    for (let id = 1, start = 0; id < size; id++) {
      const end = ends[id];
      if (end - start > longest) longest = end - start;
      start = end;
    }
    return longest;
  }

  /** Writes the bytes of each entry, by id: `into.length` of them, OTHER included. */
  copyLengths(into: Uint8Array | Uint16Array | Uint32Array): void {
    const ends = this.#ends, size = into.length;
    into[0] = 0;
    for (let id = 1, start = 0; id < size; id++) {
      const end = ends[id];
      into[id] = end - start;
      start = end;
    }
  }

  /** Writes the bytes of all entries, one behind the other, from the start of `into`. */
  copyEntries(into: Uint8Array): void {
    into.set(this.#text.subarray(0, this.bytes));
  }

  /**
   * Keeps the entries for which `renamed[id]` is not 0, under that id, and forgets the others; keeps the memory. New ids
   * count up from 1 in the order of the old ones.
   */
  keepOnly(renamed: Int32Array): void {
    const text = this.#text, ends = this.#ends, hashes = this.#hashes, size = this.size;
    this.clear();
    let end = 0;
    for (let id = 1, start = 0, top = 0; id < size; id++, start = end) {
      end = ends[id];
      const to = renamed[id];
      if (to === 0) continue;
      if (top === start) top = end;
      else for (let i = start; i < end; i++) text[top++] = text[i];
      ends[to] = this.bytes = top;
      hashes[to] = hashes[id];
      this.size = to + 1;
    }
    this.#fit();
    for (let id = 1; id < this.size; id++) this.#place(id);
  }

  /** Gives back slots that only a flood has needed: what is left is looked up in fewer pages and stays in the caches. */
  #fit(): void {
    let length = SLOTS_MIN;
    while (length >> 2 < this.size) length *= 2;
    if (length >= this.#slots.length) return;
    this.memory.free(this.#slots);
    this.#slots = this.memory.words(length);
    this.#findHome();
  }

  /** Bytes held, used or not. */
  get memoryBytes(): number {
    const crowdedOut = this.#crowdedOut.size === 0 ? 0 : this.#crowdedOut.size * CROWDED_OUT_BYTES + this.bytes;
    return this.#slots.byteLength + this.#ends.byteLength + this.#hashes.byteLength + this.#text.byteLength +
      this.#short.byteLength + crowdedOut;
  }

  /** Gives its memory back: it is of no use from now on. */
  free(): void {
    for (const column of [this.#slots, this.#ends, this.#hashes, this.#text, this.#short]) this.memory.free(column);
  }

  /** Forgets all entries; keeps the memory. */
  clear(): void {
    this.#slots.fill(0);
    this.#short.fill(0);
    this.#crowdedOut.clear();
    this.generation++;
    this.size = 1;
    this.bytes = 0;
  }

  #insert(slot: number, hash: number, view: DataView, at: number, length: number): number {
    const id = this.#append(hash, view, at, length);
    this.#slots[slot] = taken(hash, id, this.#slots.length - 1);
    return id;
  }

  /** The id of an entry for which there is no slot. */
  #crowded(hash: number, view: DataView, at: number, length: number): number {
    const key = bytesKey(view, at, length);
    let id = this.#crowdedOut.get(key);
    if (id === undefined) this.#crowdedOut.set(key, id = this.#append(hash, view, at, length));
    return id;
  }

  /** Copies a new entry behind the others; returns its id. */
  #append(hash: number, view: DataView, at: number, length: number): number {
    const id = this.size++, to = this.bytes, end = to + length;
    if (end + TEXT_PADDING > this.#text.length) this.#growText(end + TEXT_PADDING);
    const text = this.#textView;
    for (let i = 0; i < length; i += 4) text.setInt32(to + i, view.getInt32(at + i, true), true);
    this.bytes = end;
    this.#ends[id] = end;
    this.#hashes[id] = hash;
    return id;
  }

  #growText(bytes: number): void {
    const text = this.memory.bytes(2 ** Math.ceil(Math.log2(Math.max(bytes, 2 * this.#text.length))));
    text.set(this.#text);
    this.memory.free(this.#text);
    this.#text = text;
    this.#textView = viewOf(text);
    this.#findHome();
  }

  #double(): void {
    const slots = this.memory.words(2 * this.#slots.length);
    const [ends, hashes] = [this.#ends, this.#hashes].map((column) => {
      const more = this.memory.words(Math.max(column.length, slots.length >> 1));
      more.set(column);
      return more;
    });
    this.#crowdedOut.clear();
    for (const column of [this.#slots, this.#ends, this.#hashes]) this.memory.free(column);
    this.#slots = slots;
    this.#ends = ends;
    this.#hashes = hashes;
    this.#findHome();
    for (let id = 1; id < this.size; id++) this.#place(id);
  }

  /** Enters an entry that is in no slot yet, and equal to none that is. */
  #place(id: number): void {
    const slots = this.#slots, mask = slots.length - 1, hash = this.#hashes[id];
    let probes = 0;
    while (probes < PROBES_MAX && slots[hash + probes & mask] !== 0) probes++;
    if (probes === PROBES_MAX) {
      const start = this.#ends[id - 1];
      this.#crowdedOut.set(bytesKey(this.#textView, start, this.#ends[id] - start), id);
      return;
    }
    slots[hash + probes & mask] = taken(hash, id, mask);
  }
}

function viewOf(text: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> {
  return new DataView(text.buffer, text.byteOffset, text.length);
}

/** What stands in the slot of an entry. */
function taken(hash: number, id: number, mask: number): number {
  return hash & ~mask | id;
}

/** A text that is different for different bytes: for the few values that find no slot. */
export function bytesKey(view: DataView, at: number, length: number): string {
  let key = "";
  for (let i = 0; i < length; i++) key += String.fromCharCode(view.getUint8(at + i));
  return key;
}

/** Whether `text[from … to)` is the `length` bytes of `view` at `at`. */
export function isSame(text: DataView, from: number, to: number, view: DataView, at: number, length: number): boolean {
  if (to - from !== length) return false;
  const whole = at + (length & ~3);
  for (; at < whole; at += 4, from += 4) if (text.getInt32(from, true) !== view.getInt32(at, true)) return false;
  const rest = length & 3;
  return rest === 0 || ((text.getInt32(from, true) ^ view.getInt32(at, true)) & lowBytes(rest)) === 0;
}

let padded = new Uint8Array(4096), paddedView = new DataView(padded.buffer);

/** The bytes with room behind them to read whole words. Valid until the next call. */
function paddedCopy(bytes: Uint8Array, start: number, length: number): DataView {
  if (length + 4 > padded.length) {
    padded = new Uint8Array(2 * length + 4);
    paddedView = new DataView(padded.buffer);
  }
  for (let i = 0; i < length; i++) padded[i] = bytes[start + i];
  return paddedView;
}
