/**
 * The values of groups: byte strings to numbers from 0 on, and back.
 *
 * What `InternTable` does, for a table that is larger than the caches and asked for thousands of values at once, once a
 * bucket. Then a look-up costs its cache misses. So there are few of them, and those of a batch overlap: each step touches
 * what the next one needs, of all values, before any waits for it. Values of up to eight bytes, as prefixes, statuses and
 * methods have, stand in the slots themselves.
 *
 *   slots[4 s …]      of a short value its two words, else hash and start in the text; its length; its number + 1, or 0
 *   starts[number]    where its bytes begin in the text, and where those of the one before end
 *
 * A hash hit is confirmed by the bytes, and a chain of slots is followed only so far, as in `intern.ts`.
 */
import * as bounds from "./bounds.ts";
import { free } from "./free.ts";
import * as hashes from "./hash.ts";
import * as intern from "./intern.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { bytesKey, isSame } = intern;
const { hashEnd, hashWord, hashWords } = hashes;

/** Values looked up at once: what they touch has to stay in the nearest cache. */
const BATCH = Math.min(128, bounds.BATCH_LINES);
export const GROUP_BATCH = BATCH;

/** Bytes of a value that stands in its slot. */
const SHORT_BYTES = 8;

/** Words of a slot, and of a value that is looked up: what would stand in its slot but for the number, and its slot. */
const SLOT_WORDS = 4, LENGTH = 2, NUMBER = 3;

/** By length: the bytes of a short value in its two words. Branches on lengths would be mispredicted. */
const FIRST_MASKS = Int32Array.of(0, 0xff, 0xffff, 0xffffff, -1, -1, -1, -1, -1);
const SECOND_MASKS = Int32Array.of(0, 0, 0, 0, 0, 0xff, 0xffff, 0xffffff, -1);

const SLOTS_MIN = 64, TEXT_BYTES_MIN = 1024;

/** Slots looked at for one value: those that find no place, as where somebody makes hashes collide, stand in a map. */
const PROBES_MAX = 64;

/** Bytes behind the text: words are read and written whole. */
const TEXT_PADDING = 8;

export class GroupTable {
  /** The next number. */
  size = 0;
  #slots = new Int32Array(SLOT_WORDS * SLOTS_MIN);
  #starts = new Uint32Array(SLOTS_MIN + 1);
  #text = new Uint8Array(TEXT_BYTES_MIN);
  #view = new DataView(this.#text.buffer);
  readonly #staged = new Int32Array(SLOT_WORDS * BATCH);
  /** Numbers by bytes, one character each, of values that are in no slot. */
  readonly #crowdedOut = new Map<string, number>();
  #touched = 0;

  /** @param seed any integer; a fresh random one per process */
  constructor(readonly seed: number) {}

  /** Bytes of all values. */
  get bytes(): number {
    return this.#starts[this.size];
  }

  /** Values that are in no slot: none, unless somebody makes them collide. */
  get crowdedOut(): number {
    return this.#crowdedOut.size;
  }

  /** The bytes of a value: a view that is valid until the next change. */
  entry(number: number): Uint8Array<ArrayBuffer> {
    return this.#text.subarray(this.#starts[number], this.#starts[number + 1]);
  }

  /** The number of `bytes[start … end)`, which gets one when it is new. Copies the bytes it keeps. */
  numberOf(bytes: Uint8Array, start: number, end: number): number {
    const padded = paddedCopy(bytes, start, end);
    oneEnd[1] = end - start;
    this.numbersOf(padded, oneEnd, 0, 1, one);
    return one[0];
  }

  /**
   * The numbers of up to GROUP_BATCH values that stand one behind the other: value i is
   * `view[offsets[from + i] … offsets[from + i + 1])`. The view must reach seven bytes beyond the last.
   */
  numbersOf(view: DataView, offsets: Uint32Array, from: number, count: number, into: Int32Array): void {
    this.#reserve(count);
    const slots = this.#slots, staged = this.#staged, mask = slots.length / SLOT_WORDS - 1;
    stage(view, offsets, from, count, this.seed, mask, staged);
    this.#touched ^= touchSlots(slots, staged, count);
    findLikely(slots, staged, count, into);
    this.#touched ^= touchText(this.#text, slots, staged, count, into);
    for (let i = 0, s = 0; i < count; i++, s += SLOT_WORDS) {
      const likely = into[i], length = staged[s + LENGTH];
      if (likely >= 0 && length <= SHORT_BYTES) continue;
      const at = offsets[from + i];
      if (likely >= 0) {
        const start = slots[likely + 1];
        into[i] = slots[likely + NUMBER] - 1;
        if (isSame(this.#view, start, start + length, view, at, length)) continue;
      }
      into[i] = this.#find(view, at, staged, s);
    }
  }

  /**
   * Keeps the values of which `kept` is 1 and forgets the others; keeps the memory. New numbers count up in the order of the
   * old ones.
   */
  keepOnly(kept: Uint8Array): void {
    const starts = this.#starts, text = this.#text;
    let numbers = 0, top = 0;
    for (let number = 0, start = starts[0], end = 0; number < this.size; number++, start = end) {
      end = starts[number + 1];
      if (kept[number] === 0) continue;
      if (top !== start) text.copyWithin(top, start, end);
      top += end - start;
      starts[++numbers] = top;
    }
    this.size = numbers;
    this.#slots.fill(0);
    this.#placeAll();
  }

  /** Gives its memory back: it is of no use from now on. */
  free(): void {
    for (const column of [this.#slots, this.#starts, this.#text]) free(column);
  }

  /** The number of a staged value, for certain. */
  #find(view: DataView, at: number, staged: Int32Array, s: number): number {
    const slots = this.#slots, first = staged[s], second = staged[s + 1], length = staged[s + LENGTH];
    const last = slots.length - 1;
    let o = staged[s + NUMBER];
    for (let probes = 0; probes < PROBES_MAX; probes++, o = o + SLOT_WORDS & last) {
      const number = slots[o + NUMBER] - 1;
      if (number < 0) return this.#enter(o, view, at, staged, s);
      if (slots[o] !== first || slots[o + LENGTH] !== length) continue;
      if (length <= SHORT_BYTES ? slots[o + 1] === second : this.#hasAt(slots[o + 1], view, at, length)) return number;
    }
    const key = bytesKey(view, at, length), known = this.#crowdedOut.get(key);
    if (known !== undefined) return known;
    this.#crowdedOut.set(key, this.size);
    return this.#append(view, at, length);
  }

  #hasAt(start: number, view: DataView, at: number, length: number): boolean {
    return isSame(this.#view, start, start + length, view, at, length);
  }

  #enter(o: number, view: DataView, at: number, staged: Int32Array, s: number): number {
    const slots = this.#slots, length = staged[s + LENGTH], start = this.#starts[this.size];
    const number = this.#append(view, at, length);
    slots[o] = staged[s];
    slots[o + 1] = length <= SHORT_BYTES ? staged[s + 1] : start;
    slots[o + LENGTH] = length;
    slots[o + NUMBER] = number + 1;
    return number;
  }

  /** Copies a new value behind the others; returns its number. */
  #append(view: DataView, at: number, length: number): number {
    const number = this.size++, start = this.#starts[number], end = start + length;
    if (end + TEXT_PADDING > this.#text.length) this.#growText(end + TEXT_PADDING);
    const text = this.#view;
    for (let i = 0; i < length; i += 4) text.setInt32(start + i, view.getInt32(at + i, true), true);
    this.#starts[number + 1] = end;
    return number;
  }

  #growText(bytes: number): void {
    const text = new Uint8Array(2 * Math.max(bytes, this.#text.length));
    text.set(this.#text);
    free(this.#text);
    this.#text = text;
    this.#view = new DataView(text.buffer);
  }

  /** Makes sure that `count` more values fit: at most half of the slots are taken. */
  #reserve(count: number): void {
    const needed = 2 * (this.size + count);
    let slots = this.#slots.length / SLOT_WORDS;
    if (needed <= slots) return;
    while (needed > slots) slots *= 2;
    const starts = new Uint32Array((slots >> 1) + 1);
    starts.set(this.#starts.subarray(0, this.size + 1));
    free(this.#starts);
    free(this.#slots);
    this.#starts = starts;
    this.#slots = new Int32Array(SLOT_WORDS * slots);
    this.#placeAll();
  }

  /** Enters all values, which are different, in empty slots. */
  #placeAll(): void {
    const slots = this.#slots, staged = this.#staged;
    this.#crowdedOut.clear();
    for (let from = 0; from < this.size; from += BATCH) {
      const count = Math.min(BATCH, this.size - from);
      stage(this.#view, this.#starts, from, count, this.seed, slots.length / SLOT_WORDS - 1, staged);
      this.#touched ^= touchSlots(slots, staged, count);
      for (
        let i = placeStaged(slots, staged, 0, count, from);
        i < count;
        i = placeStaged(slots, staged, i + 1, count, from)
      ) {
        const start = this.#starts[from + i];
        this.#crowdedOut.set(bytesKey(this.#view, start, this.#starts[from + i + 1] - start), from + i);
      }
    }
  }
}

// ---------------------------------------------------------------- steps of a batch

/** Writes down what would stand in the slot of each value, and where its slots begin. */
function stage(
  view: DataView,
  offsets: Uint32Array,
  from: number,
  count: number,
  seed: number,
  mask: number,
  staged: Int32Array,
): void {
  for (let i = 0, s = 0; i < count; i++, s += SLOT_WORDS) {
    const at = offsets[from + i], length = offsets[from + i + 1] - at;
    let first = 0, second = 0, hash = 0;
    if (length <= SHORT_BYTES) {
      first = view.getInt32(at, true) & FIRST_MASKS[length];
      second = view.getInt32(at + 4, true) & SECOND_MASKS[length];
      hash = hashEnd(hashWord(seed, first), second, length);
    } else {
      first = hash = hashWords(view, at, length, seed);
      second = at;
    }
    staged[s] = first;
    staged[s + 1] = second;
    staged[s + LENGTH] = length;
    staged[s + NUMBER] = (hash & mask) * SLOT_WORDS;
  }
}

/** Enters staged values that are new, from number `i` on; returns the number of one that finds no slot, or `count`. */
function placeStaged(slots: Int32Array, staged: Int32Array, i: number, count: number, from: number): number {
  const last = slots.length - 1;
  for (; i < count; i++) {
    const s = SLOT_WORDS * i;
    let o = staged[s + NUMBER], probes = 0;
    for (; probes < PROBES_MAX && slots[o + NUMBER] !== 0; probes++) o = o + SLOT_WORDS & last;
    if (probes === PROBES_MAX) return i;
    slots[o] = staged[s];
    slots[o + 1] = staged[s + 1];
    slots[o + LENGTH] = staged[s + LENGTH];
    slots[o + NUMBER] = from + i + 1;
  }
  return count;
}

function touchSlots(slots: Int32Array, staged: Int32Array, count: number): number {
  let touched = 0;
  for (let i = 0, s = NUMBER; i < count; i++, s += SLOT_WORDS) touched ^= slots[staged[s]];
  return touched;
}

/** For each value the number of a short one, the slot of a longer one that looks like it, or -1 where that is not known yet. */
function findLikely(slots: Int32Array, staged: Int32Array, count: number, into: Int32Array): void {
  const last = slots.length - 1;
  for (let i = 0, s = 0; i < count; i++, s += SLOT_WORDS) {
    const first = staged[s], second = staged[s + 1], length = staged[s + LENGTH], isShort = length <= SHORT_BYTES;
    let o = staged[s + NUMBER], found = -1;
    for (let probes = 0; probes < PROBES_MAX; probes++, o = o + SLOT_WORDS & last) {
      const next = slots[o + NUMBER];
      if (next === 0) break;
      if (slots[o] !== first || slots[o + LENGTH] !== length || isShort && slots[o + 1] !== second) continue;
      found = isShort ? next - 1 : o;
      break;
    }
    into[i] = found;
  }
}

/** Touches the text of what looks alike. */
function touchText(text: Uint8Array, slots: Int32Array, staged: Int32Array, count: number, likely: Int32Array): number {
  let touched = 0;
  for (let i = 0, s = LENGTH; i < count; i++, s += SLOT_WORDS) {
    const length = staged[s], o = likely[i];
    if (length <= SHORT_BYTES || o < 0) continue;
    const start = slots[o + 1];
    touched ^= text[start] ^ text[start + length - 1];
  }
  return touched;
}

// ---------------------------------------------------------------- single values

const one = new Int32Array(1), oneEnd = new Uint32Array(2);
let padded = new Uint8Array(4096), paddedView = new DataView(padded.buffer);

/** The bytes with room behind them to read whole words. Valid until the next call. */
function paddedCopy(bytes: Uint8Array, start: number, end: number): DataView {
  if (end - start + 4 > padded.length) {
    padded = new Uint8Array(2 * (end - start) + 4);
    paddedView = new DataView(padded.buffer);
  }
  for (let i = start; i < end; i++) padded[i - start] = bytes[i];
  return paddedView;
}
