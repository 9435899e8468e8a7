/**
 * Newcomers: what a full dictionary remembers of values that it has seen once.
 *
 * Nearly all that floods a table is seen once and never again. Such a value must not take an entry, since entries are what
 * overflows; but one that comes again must not have lost its first line. So the first line of each value is kept here,
 * with its bytes, for a while, in two *generations*. The young one takes newcomers. When it is full, the old one is
 * forgotten as a whole and the young one takes its place. That touches no row and no entry of the table, and costs an
 * addition and a slot a value, whatever floods.
 *
 *   a value is new              its line is kept, and counts under OTHER in the table's rows
 *   it comes again              it gets an entry of the table, to which the line that was kept is given back
 *   its generation is forgotten the line that was kept is OTHER's
 *
 * So a value loses at most one line a generation. Values are told apart by their bytes, as in every dictionary: two that
 * are made to collide must not count as one.
 *
 *   slots[hash & mask]    place in the low PLACE_BITS bits, the hash's upper bits above; 0 when free
 *   place                 generation in the lowest bit, number within it (from 1) above
 *
 * One table of slots for both, of a word each: a flood looks up a value a line here, and never finds it in the cache.
 */
import { IS_SUM, MEASURE_COUNT, mergeValues, saturated, type Values } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import { isSame } from "./intern.ts";

const PLACE_BITS = 18, PLACE_MASK = (1 << PLACE_BITS) - 1, TAG_MASK = ~PLACE_MASK;

/** Newcomers of one generation at most, a batch above what `isFull` is asked: what a place can hold. */
const GENERATION_MAX = (PLACE_MASK >> 1) - 1024;

/** Slots looked at for one value, as in `intern.ts`. */
const PROBES_MAX = 64;

const SLOTS_MIN = 4096, PLACES_MIN = 1024, TEXT_BYTES_MIN = 16_384;

/** What `meet` says of a value that it keeps from now on; and of one for which there is no slot. */
export const NEW = 0, NO_PLACE = -1;

/** The newcomers of one dimension of one table. */
export class Newcomers {
  #slots = new Int32Array(SLOTS_MIN);
  readonly #generations = [new Generation(), new Generation()] as const;
  /** The one that takes newcomers: 0 or 1. */
  #young = 0;

  /** What `meet` will look at: a pass over a batch of these lets its cache misses overlap. */
  slotOf(hash: number): number {
    return this.#slots[hash & this.#slots.length - 1];
  }

  /** Makes sure that `count` more newcomers fit. Call it before a batch. */
  reserve(count: number): void {
    const young = this.#generations[this.#young];
    young.reserve(count);
    const most = this.#generations[0].size + this.#generations[1].size + count;
    if (2 * most <= this.#slots.length) return;
    let length = this.#slots.length;
    while (length < 2 * most) length *= 2;
    free(this.#slots);
    this.#slots = new Int32Array(length);
    for (const g of [0, 1]) this.#place(g);
  }

  /**
   * Meets a value that has no entry: `length` bytes of `view` at `at`. Returns NEW when it has not been here, and keeps
   * `values[v …]` as its line; otherwise the place of what was kept of it, for `giveBack`; or NO_PLACE.
   */
  meet(view: DataView, at: number, length: number, hash: number, values: Float64Array, v: number): number {
    const slots = this.#slots, mask = slots.length - 1, tag = hash & TAG_MASK;
    let slot = hash & mask;
    const last = slot + PROBES_MAX & mask;
    for (let there = slots[slot]; there !== 0; there = slots[slot]) {
      if ((there & TAG_MASK) === tag) {
        const place = there & PLACE_MASK;
        if (this.#generations[place & 1].isAt(place >> 1, hash, view, at, length)) return place;
      }
      slot = slot + 1 & mask;
      if (slot === last) return NO_PLACE;
    }
    slots[slot] = tag | this.#generations[this.#young].keep(hash, view, at, length, values, v) << 1 | this.#young;
    return NEW;
  }

  /** Adds the line kept at `place` to `into[to …]`; nothing when that was done before. */
  giveBack(place: number, into: Float64Array, to: number): void {
    this.#generations[place & 1].giveBack(place >> 1, into, to);
  }

  /** Whether it is time to `forget`. */
  isFull(entriesMax: number, bytesMax: number): boolean {
    const { size, bytes } = this.#generations[this.#young];
    return size >= Math.min(entriesMax, GENERATION_MAX) || bytes >= bytesMax;
  }

  /**
   * Forgets the old generation. Adds what it kept to `other[OTHER …]`, the largest line of it to `lostMax`, and the
   * largest line that was not given back to `foldedMax`.
   */
  forget(other: Float64Array, lostMax: Values, foldedMax: Values): void {
    const old = 1 - this.#young;
    if (this.#generations[old].size > 0) {
      this.#generations[old].settle(other, lostMax, foldedMax);
      this.#slots.fill(0);
      this.#place(this.#young);
    }
    this.#young = old;
  }

  /** Bytes held, used or not. */
  get memoryBytes(): number {
    return this.#slots.byteLength + this.#generations[0].memoryBytes + this.#generations[1].memoryBytes;
  }

  /** Forgets all without a word; keeps the memory. */
  clear(): void {
    if (this.#generations.every(({ size }) => size === 0)) return;
    this.#slots.fill(0);
    for (const generation of this.#generations) generation.clear();
  }

  /** Gives its memory back: it is of no use from now on. */
  free(): void {
    free(this.#slots);
    for (const generation of this.#generations) generation.free();
  }

  /** Enters the values of a generation that are in no slot. One that finds none is kept all the same, and not found again. */
  #place(g: number): void {
    const slots = this.#slots, mask = slots.length - 1, { size, hashes } = this.#generations[g];
    for (let i = 1; i <= size; i++) {
      const hash = hashes[i], last = hash + PROBES_MAX & mask;
      let slot = hash & mask;
      while (slots[slot] !== 0 && slot !== last) slot = slot + 1 & mask;
      if (slots[slot] === 0) slots[slot] = hash & TAG_MASK | i << 1 | g;
    }
  }
}

/** Values that came one after the other, numbered from 1. */
class Generation {
  size = 0;
  /** Bytes of all values. */
  bytes = 0;
  hashes = new Int32Array(PLACES_MIN);
  #ends = new Int32Array(PLACES_MIN);
  #text = new DataView(new ArrayBuffer(TEXT_BYTES_MIN));
  /** The line of each value, at `[number * MEASURE_COUNT + m]`. */
  #lines = new Float64Array(PLACES_MIN * MEASURE_COUNT);
  /** 1 where it was given back. */
  #givenBack = new Uint8Array(PLACES_MIN);

  get memoryBytes(): number {
    const { hashes } = this;
    return hashes.byteLength + this.#ends.byteLength + this.#text.byteLength + this.#lines.byteLength +
      this.#givenBack.byteLength;
  }

  isAt(i: number, hash: number, view: DataView, at: number, length: number): boolean {
    return this.hashes[i] === hash && isSame(this.#text, this.#ends[i - 1], this.#ends[i], view, at, length);
  }

  keep(hash: number, view: DataView, at: number, length: number, values: Float64Array, v: number): number {
    const i = ++this.size, to = this.bytes, end = to + length;
    if (end + 4 > this.#text.byteLength) this.#growText(end + 4);
    const text = this.#text, lines = this.#lines;
    for (let b = 0; b < length; b += 4) text.setInt32(to + b, view.getInt32(at + b, true), true);
    this.bytes = end;
    this.#ends[i] = end;
    this.hashes[i] = hash;
    for (let m = 0, o = i * MEASURE_COUNT; m < MEASURE_COUNT; m++) lines[o + m] = values[v + m];
    this.#givenBack[i] = 0;
    return i;
  }

  giveBack(i: number, into: Float64Array, to: number): void {
    if (this.#givenBack[i] === 1) return;
    this.#givenBack[i] = 1;
    mergeValues(into, this.#lines, i * MEASURE_COUNT, to);
  }

  /** Says what became of its lines, and forgets them. */
  settle(other: Float64Array, lostMax: Values, foldedMax: Values): void {
    const { size } = this, lines = this.#lines, givenBack = this.#givenBack;
    for (let m = 0; m < MEASURE_COUNT; m++) {
      let sum = 0, lost = 0, short = 0;
      for (let i = 1, o = MEASURE_COUNT + m; i <= size; i++, o += MEASURE_COUNT) {
        const value = lines[o];
        if (value > lost) lost = value;
        if (givenBack[i] === 1) continue;
        if (value > short) short = value;
        sum += value;
      }
      const at = OTHER * MEASURE_COUNT + m;
      other[at] = IS_SUM[m] ? saturated(other[at] + sum) : Math.max(other[at], short);
      if (!IS_SUM[m]) continue;
      lostMax[m] = saturated(lostMax[m] + lost);
      foldedMax[m] = saturated(foldedMax[m] + short);
    }
    this.clear();
  }

  clear(): void {
    this.size = this.bytes = 0;
  }

  free(): void {
    for (const column of [this.hashes, this.#ends, this.#lines, this.#givenBack]) free(column);
    this.#text.buffer.transfer(0);
  }

  reserve(count: number): void {
    const places = this.size + count + 1;
    if (places <= this.hashes.length) return;
    const more = Math.max(places, 2 * this.hashes.length);
    const hashes = new Int32Array(more), ends = new Int32Array(more), givenBack = new Uint8Array(more);
    const lines = new Float64Array(more * MEASURE_COUNT);
    hashes.set(this.hashes);
    ends.set(this.#ends);
    givenBack.set(this.#givenBack);
    lines.set(this.#lines);
    for (const column of [this.hashes, this.#ends, this.#lines, this.#givenBack]) free(column);
    this.hashes = hashes;
    this.#ends = ends;
    this.#givenBack = givenBack;
    this.#lines = lines;
  }

  #growText(bytes: number): void {
    const text = new Uint8Array(2 * Math.max(bytes, this.#text.byteLength));
    text.set(new Uint8Array(this.#text.buffer));
    this.#text.buffer.transfer(0);
    this.#text = new DataView(text.buffer);
  }
}
