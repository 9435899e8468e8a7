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
 *   it comes again after that   it gets an entry, without that line: a bit that it has been here outlives what was kept
 *
 * So a value loses at most one line a generation. Values are told apart by their bytes, as in every dictionary: two that
 * are made to collide must not count as one. A bit that another value has set only means an entry too early.
 *
 *   seen[hash >>> 17]         bit hash >>> 12, and one of another mix: whether a value with these two has been here
 *   heads[hash & HEADS - 1]   place of the value that came last with this end of a hash; 0 for none
 *   next[i]                   place of the one before it
 *   place                     generation in the lowest bit, number within it (from 1) above
 *
 * A value that is new is written to the ends of columns and to a head, and nothing is read for it but one bit: a flood
 * brings one or two such values a line, and all of it has to stay in the caches. With generations of 32 768 values
 * instead of 8192 the made-up attack takes a quarter longer, and longer still with a slot to be found for each value.
 */
import * as measures from "./measures.ts";
import type { Values } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import * as intern from "./intern.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { IS_SUM, MEASURE_COUNT, mergeValues, saturated } = measures;
const { isSame } = intern;

/** 128 KiB. */
const SEEN_WORDS = 1 << 15;
const HEADS = 1 << 14;

/** Generations after which bits are cleared: by then 8 % are set, so that one new value of 150 gets an entry too early. With
 * one bit a value instead of two, 4 % did, and made dictionaries and rows overflow once more in ten seconds. */
const SEEN_GENERATIONS = 4;

/** Values looked at for one: more than that have the same end of their hash only if somebody makes them so. */
const CHAIN_MAX = 64;

const PLACES_MIN = 1024, TEXT_BYTES_MIN = 16_384;

/** What `meet` says of a value that it keeps from now on; and of one that has been here, but of which nothing is kept. */
const IS_NEW = 0, IS_FORGOTTEN = -1;
export const NEW = IS_NEW, FORGOTTEN = IS_FORGOTTEN;

/** The newcomers of one dimension of one table. */
export class Newcomers {
  readonly #seen = new Int32Array(SEEN_WORDS);
  readonly #heads = new Int32Array(HEADS);
  readonly #generations = [new Generation(), new Generation()] as const;
  /** The one that takes newcomers: 0 or 1. */
  #young = 0;
  /** Generations since bits were cleared. */
  #generationsSeen = 0;

  /** Makes sure that `count` more newcomers fit. Call it before a batch. */
  reserve(count: number): void {
    this.#generations[this.#young].reserve(count);
  }

  /**
   * Meets a value that has no entry: `length` bytes of `view` at `at`. Returns NEW when it has not been here, and keeps
   * `values[v …]` as its line; otherwise the place of what was kept of it, for `giveBack`; or FORGOTTEN.
   */
  meet(view: DataView, at: number, length: number, hash: number, values: Float64Array, v: number): number {
    if (setSeen(this.#seen, hash)) return this.#find(view, at, length, hash);
    const heads = this.#heads, head = hash & HEADS - 1, young = this.#young;
    heads[head] = this.#generations[young].keep(view, at, length, hash, values, v, heads[head]) << 1 | young;
    return IS_NEW;
  }

  /** Adds the line kept at `place` to `into[to …]`; nothing when that was done before. */
  giveBack(place: number, into: Float64Array, to: number): void {
    this.#generations[place & 1].giveBack(place >> 1, into, to);
  }

  /** Whether it is time to `forget`. */
  isFull(entriesMax: number, bytesMax: number): boolean {
    const { size, bytes } = this.#generations[this.#young];
    return size >= entriesMax || bytes >= bytesMax;
  }

  /**
   * Forgets the old generation. Adds what it kept to `other[OTHER …]`, the largest line of it to `lostMax`, and the
   * largest line that was not given back to `foldedMax`.
   */
  forget(other: Float64Array, lostMax: Values, foldedMax: Values): void {
    const young = this.#young, old = 1 - young;
    if (this.#generations[old].size > 0) {
      this.#generations[old].settle(other, lostMax, foldedMax);
      this.#heads.fill(0);
      if (++this.#generationsSeen >= SEEN_GENERATIONS) this.#clearSeen();
      this.#generations[young].enter(this.#seen, this.#heads, young);
    }
    this.#young = old;
  }

  /** Bytes held, used or not. */
  get memoryBytes(): number {
    return 4 * (SEEN_WORDS + HEADS) + this.#generations[0].memoryBytes + this.#generations[1].memoryBytes;
  }

  /** Forgets all without a word; keeps the memory. */
  clear(): void {
    this.#clearSeen();
    this.#heads.fill(0);
    for (const generation of this.#generations) generation.clear();
  }

  /** Gives its memory back: it is of no use from now on. */
  free(): void {
    free(this.#seen);
    free(this.#heads);
    for (const generation of this.#generations) generation.free();
  }

  #find(view: DataView, at: number, length: number, hash: number): number {
    let place = this.#heads[hash & HEADS - 1];
    for (let looked = 0; place !== 0 && looked < CHAIN_MAX; looked++) {
      const generation = this.#generations[place & 1], i = place >> 1;
      if (generation.isAt(i, view, at, length, hash)) return place;
      place = generation.next[i];
    }
    return IS_FORGOTTEN;
  }

  #clearSeen(): void {
    this.#seen.fill(0);
    this.#generationsSeen = 0;
  }
}

/** Sets the bits of a hash; returns whether they were set. */
function setSeen(seen: Int32Array, hash: number): boolean {
  const other = Math.imul(hash, 0x9E3779B1), first = hash >>> 17, second = other >>> 17;
  const a = 1 << (hash >>> 12), b = 1 << (other >>> 12);
  if ((seen[first] & a) !== 0 && (seen[second] & b) !== 0) return true;
  seen[first] |= a;
  seen[second] |= b;
  return false;
}

/** Values that came one after the other, numbered from 1. */
class Generation {
  size = 0;
  /** Bytes of all values. */
  bytes = 0;
  next = new Int32Array(PLACES_MIN);
  #hashes = new Int32Array(PLACES_MIN);
  #ends = new Int32Array(PLACES_MIN);
  #text = new DataView(new ArrayBuffer(TEXT_BYTES_MIN));
  /** The line of each value, at `[number * MEASURE_COUNT + m]`. */
  #lines = new Float64Array(PLACES_MIN * MEASURE_COUNT);
  /** 1 where it was given back. */
  #givenBack = new Uint8Array(PLACES_MIN);

  get memoryBytes(): number {
    return this.#columns().reduce((bytes, { byteLength }) => bytes + byteLength, this.#text.byteLength);
  }

  isAt(i: number, view: DataView, at: number, length: number, hash: number): boolean {
    return this.#hashes[i] === hash && isSame(this.#text, this.#ends[i - 1], this.#ends[i], view, at, length);
  }

  keep(
    view: DataView,
    at: number,
    length: number,
    hash: number,
    values: Float64Array,
    v: number,
    next: number,
  ): number {
    const i = ++this.size, to = this.bytes, end = to + length;
    if (end + 4 > this.#text.byteLength) this.#growText(end + 4);
    const text = this.#text, lines = this.#lines;
    for (let b = 0; b < length; b += 4) text.setInt32(to + b, view.getInt32(at + b, true), true);
    this.bytes = end;
    this.#ends[i] = end;
    this.#hashes[i] = hash;
    this.next[i] = next;
    for (let m = 0, o = i * MEASURE_COUNT; m < MEASURE_COUNT; m++) lines[o + m] = values[v + m];
    this.#givenBack[i] = 0;
    return i;
  }

  /** Enters its values, as generation `g`, where no other is. */
  enter(seen: Int32Array, heads: Int32Array, g: number): void {
    const { size, next } = this, hashes = this.#hashes;
    for (let i = 1; i <= size; i++) {
      const hash = hashes[i], head = hash & HEADS - 1;
      setSeen(seen, hash);
      next[i] = heads[head];
      heads[head] = i << 1 | g;
    }
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
    this.#columns().forEach(free);
    this.#text.buffer.transfer(0);
  }

  reserve(count: number): void {
    const places = this.size + count + 1;
    if (places <= this.next.length) return;
    const more = Math.max(places, 2 * this.next.length), columns = this.#columns();
    this.next = longer(this.next, new Int32Array(more));
    this.#hashes = longer(this.#hashes, new Int32Array(more));
    this.#ends = longer(this.#ends, new Int32Array(more));
    this.#givenBack = longer(this.#givenBack, new Uint8Array(more));
    this.#lines = longer(this.#lines, new Float64Array(more * MEASURE_COUNT));
    columns.forEach(free);
  }

  #columns(): readonly (Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Float64Array<ArrayBuffer>)[] {
    return [this.next, this.#hashes, this.#ends, this.#givenBack, this.#lines];
  }

  #growText(bytes: number): void {
    const text = new Uint8Array(2 * Math.max(bytes, this.#text.byteLength));
    text.set(new Uint8Array(this.#text.buffer));
    this.#text.buffer.transfer(0);
    this.#text = new DataView(text.buffer);
  }
}

/** `more`, which begins with what is in `column`. */
function longer<Column extends Int32Array | Uint8Array | Float64Array>(column: Column, more: Column): Column {
  more.set(column);
  return more;
}
