/**
 * Interning: byte strings to small numbers, and back.
 *
 * Open addressing over typed arrays. The bytes of all entries lie one behind the other in an arena of 4-byte words, so
 * that comparing and hashing take a word at a time; the last word of an entry is filled up with zeros.
 *
 *   slots[2 * slot]       hash
 *   slots[2 * slot + 1]   record: where the entry begins in the arena; 0 when the slot is free
 *   arena[record …]       hash | id | length in bytes | the bytes, in words
 *   records[id]           record                                  (ids begin at 1; 0 is OTHER and never looked up)
 *
 * A hash hit is always confirmed by the bytes: any mixing function can be made to collide by whoever writes the log
 * (for chains of xor and multiply, flipping one top bit and its image in the next word does it whatever the seed), and
 * two prefixes counted as one would be a wrong number. For the same reason a chain of slots is followed only so far:
 * entries that find no place within PROBES_MAX slots are *crowded out* into a map of the runtime's, which is slower but
 * does not degrade, so that colliding entries cost linear time.
 */

import { free } from "./free.ts";

const SLOTS_MIN = 64;
const ARENA_WORDS_MIN = 256;
/** Slots looked at for one entry. At a load of a half and without malice, one entry in many millions needs more. */
const PROBES_MAX = 64;
/** Words of a record before the bytes. */
const HASH_AT = 0, ID_AT = 1, LENGTH_AT = 2, BYTES_AT = 3;

export class InternTable {
  /** Ids in use, OTHER included: the next id. */
  size = 1;
  /** Bytes of all entries. */
  bytes = 0;
  #slots = new Int32Array(2 * SLOTS_MIN);
  #records = new Int32Array(SLOTS_MIN);
  #arena = new Int32Array(ARENA_WORDS_MIN);
  #arenaBytes = new Uint8Array(this.#arena.buffer);
  /** First free word of the arena. Never 0: that is a free slot's record. */
  #top = 1;
  #touched = 0;
  /** Ids by the bytes, one character each, of entries that are in no slot. */
  readonly #crowdedOut = new Map<string, number>();

  /** @param seed any integer; a fresh random one per process. */
  constructor(readonly seed: number) {}

  /** The id of `bytes[start … end)`; given one when it is new. Copies the bytes it keeps. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const view = paddedCopy(bytes, start, length);
    return this.internWords(view, 0, length, hashWords(view, 0, length, this.seed));
  }

  /**
   * The same for `length` bytes of `view` at `at`, whose hash is known: that of `hashWords` with this table's seed.
   * The view must reach three bytes beyond them.
   */
  internWords(view: DataView, at: number, length: number, hash: number): number {
    if (this.size > this.#slots.length >> 2) this.#double();
    const slots = this.#slots, arena = this.#arena, mask = slots.length - 2;
    let slot = hash << 1 & mask;
    const last = slot + 2 * PROBES_MAX & mask;
    for (let record = slots[slot + 1]; record !== 0; record = slots[slot + 1]) {
      if (slots[slot] === hash && isSame(arena, record, view, at, length)) return arena[record + ID_AT];
      slot = slot + 2 & mask;
      if (slot === last) return this.#crowded(hash, view, at, length);
    }
    return this.#insert(slot, hash, view, at, length);
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
    while (this.size + count > this.#slots.length >> 2) this.#double();
    const slots = this.#slots;
    let arena = this.#arena;
    const mask = slots.length - 2, end = from + count;
    // Touch what will be needed: the cache misses of a batch then overlap instead of waiting for one another.
    let touched = 0;
    for (let i = from, s = from * stride + at; i < end; i++, s += stride) touched ^= slots[staged[s] << 1 & mask];
    this.#touched ^= touched;
    let lastHash = 0, lastLength = -1, lastId = 0;
    for (let i = from, s = from * stride + at, k = from * idStride + idAt; i < end; i++, s += stride, k += idStride) {
      const hash = staged[s], length = staged[s + 2];
      // Up to three bytes are one word, and different words have different hashes: statuses, most methods, flags.
      if (hash === lastHash && length === lastLength) {
        ids[k] = lastId;
        continue;
      }
      let start = staged[s + 1], text = view;
      if (start < 0) {
        start = ~start;
        text = scratch;
      }
      let slot = hash << 1 & mask, id = 0;
      const last = slot + 2 * PROBES_MAX & mask;
      do {
        const record = slots[slot + 1];
        if (record === 0) {
          id = this.#insert(slot, hash, text, start, length);
          arena = this.#arena;
          break;
        }
        if (slots[slot] === hash && isSame(arena, record, text, start, length)) {
          id = arena[record + ID_AT];
          break;
        }
        slot = slot + 2 & mask;
      } while (slot !== last);
      if (id === 0) {
        id = this.#crowded(hash, text, start, length);
        arena = this.#arena;
      }
      ids[k] = id;
      if (length < 4) {
        lastHash = hash;
        lastLength = length;
        lastId = id;
      }
    }
  }

  /** Entries that are in no slot: a handful, unless somebody makes them collide. */
  get crowdedOut(): number {
    return this.#crowdedOut.size;
  }

  /** The bytes of an entry: a view that is valid until the next change. */
  entry(id: number): Uint8Array<ArrayBuffer> {
    if (id === 0) return this.#arenaBytes.subarray(0, 0);
    const record = this.#records[id], start = (record + BYTES_AT) << 2;
    return this.#arenaBytes.subarray(start, start + this.#arena[record + LENGTH_AT]);
  }

  entryLength(id: number): number {
    return id === 0 ? 0 : this.#arena[this.#records[id] + LENGTH_AT];
  }

  /** Writes the bytes of all entries, one behind the other, from the start of `into`. */
  copyEntries(into: DataView): void {
    const arena = this.#arena, top = this.#top;
    let at = 0;
    for (let record = 1; record < top;) {
      const end = at + arena[record + LENGTH_AT];
      record += BYTES_AT;
      for (; at + 4 <= end; at += 4) into.setInt32(at, arena[record++], true);
      if (at < end) { for (let rest = arena[record++]; at < end; rest >>>= 8) into.setUint8(at++, rest); }
    }
  }

  /** The hash of an entry, with this table's seed. */
  hashOf(id: number): number {
    return id === 0 ? 0 : this.#arena[this.#records[id] + HASH_AT];
  }

  /**
   * Keeps the entries for which `renamed[id]` is not 0, under that id, and forgets the others; keeps the memory. New ids
   * count up from 1 in the order of the old ones.
   */
  keepOnly(renamed: Int32Array): void {
    const arena = this.#arena, records = this.#records, size = this.size;
    this.clear();
    for (let id = 1; id < size; id++) {
      const to = renamed[id];
      if (to === 0) continue;
      const record = records[id], words = BYTES_AT + ((arena[record + LENGTH_AT] + 3) >> 2), kept = this.#top;
      if (kept !== record) { for (let i = 0; i < words; i++) arena[kept + i] = arena[record + i]; }
      arena[kept + ID_AT] = to;
      records[to] = kept;
      this.size = to + 1;
      this.bytes += arena[kept + LENGTH_AT];
      this.#top += words;
      this.#place(to);
    }
  }

  /** Bytes held, used or not. */
  get memoryBytes(): number {
    return this.#slots.byteLength + this.#records.byteLength + this.#arena.byteLength;
  }

  /** Gives its memory back: it is of no use from now on. */
  free(): void {
    for (const column of [this.#slots, this.#records, this.#arena]) free(column);
  }

  /** Forgets all entries; keeps the memory. */
  clear(): void {
    this.#slots.fill(0);
    this.#crowdedOut.clear();
    this.size = this.#top = 1;
    this.bytes = 0;
  }

  #insert(slot: number, hash: number, view: DataView, at: number, length: number): number {
    const record = this.#append(hash, view, at, length);
    this.#slots[slot] = hash;
    this.#slots[slot + 1] = record;
    return this.size - 1;
  }

  /** The id of an entry for which there is no slot. */
  #crowded(hash: number, view: DataView, at: number, length: number): number {
    const key = bytesKey(view, at, length);
    let id = this.#crowdedOut.get(key);
    if (id !== undefined) return id;
    this.#append(hash, view, at, length);
    this.#crowdedOut.set(key, id = this.size - 1);
    return id;
  }

  /** Copies a new entry to the arena; returns its record. */
  #append(hash: number, view: DataView, at: number, length: number): number {
    const id = this.size++, record = this.#top, words = (length + 3) >> 2;
    if (record + BYTES_AT + words > this.#arena.length) this.#growArena(record + BYTES_AT + words);
    const arena = this.#arena;
    arena[record + HASH_AT] = hash;
    arena[record + ID_AT] = id;
    arena[record + LENGTH_AT] = length;
    const to = record + BYTES_AT, whole = length >> 2;
    for (let i = 0; i < whole; i++) arena[to + i] = view.getInt32(at + 4 * i, true);
    if (words > whole) arena[to + whole] = view.getInt32(at + 4 * whole, true) & lowBytes(length & 3);
    this.#top = to + words;
    this.bytes += length;
    this.#records[id] = record;
    return record;
  }

  #growArena(words: number): void {
    const arena = new Int32Array(2 * Math.max(words, this.#arena.length));
    arena.set(this.#arena);
    free(this.#arena);
    this.#arena = arena;
    this.#arenaBytes = new Uint8Array(arena.buffer);
  }

  #double(): void {
    const slots = new Int32Array(2 * this.#slots.length), records = new Int32Array(slots.length >> 1);
    records.set(this.#records);
    this.#crowdedOut.clear();
    free(this.#slots);
    free(this.#records);
    this.#slots = slots;
    this.#records = records;
    for (let id = 1; id < this.size; id++) this.#place(id);
  }

  /** Enters an entry of the arena that is in no slot yet, and equal to none that is. */
  #place(id: number): void {
    const slots = this.#slots, mask = slots.length - 2, arena = this.#arena;
    const record = this.#records[id], hash = arena[record + HASH_AT], first = hash << 1 & mask;
    let probes = 0;
    while (probes < PROBES_MAX && slots[(first + 2 * probes & mask) + 1] !== 0) probes++;
    if (probes === PROBES_MAX) {
      const at = (record + BYTES_AT) << 2;
      this.#crowdedOut.set(bytesKey(new DataView(arena.buffer), at, arena[record + LENGTH_AT]), id);
      return;
    }
    const slot = first + 2 * probes & mask;
    slots[slot] = hash;
    slots[slot + 1] = record;
  }
}

/** A text that is different for different bytes. */
function bytesKey(view: DataView, at: number, length: number): string {
  let key = "";
  for (let i = 0; i < length; i++) key += String.fromCharCode(view.getUint8(at + i));
  return key;
}

/**
 * A seeded 32-bit hash of `length` bytes of `view` at `at`, by words of four bytes; the last word is filled up with
 * zeros, and is a whole zero where nothing is left (as a scanner that hashes on its way sees it). Spreads; does not
 * withstand an attacker, see above. Reads up to three bytes beyond the end.
 */
export function hashWords(view: DataView, at: number, length: number, seed: number): number {
  let hash = seed;
  const whole = at + (length & ~3);
  for (; at < whole; at += 4) hash = hashWord(hash, view.getInt32(at, true));
  return hashEnd(hash, view.getInt32(at, true) & lowBytes(length & 3), length);
}

/** One step of `hashWords`. */
export function hashWord(hash: number, word: number): number {
  return Math.imul((hash << 5 | hash >>> 27) ^ word, 0x9E3779B1);
}

/** The last step: the rest of the bytes as a word of which the others are zero, and the length in bytes. */
export function hashEnd(hash: number, word: number, length: number): number {
  return mix(hashWord(hash, word) ^ length);
}

/** Spreads the high bits of a product into the low ones, which choose the slot. */
export function mix(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 15, 0x85EBCA6B);
  return hash ^ hash >>> 13;
}

/** A mask for the first `count` bytes of a little-endian word, 0 to 3. */
function lowBytes(count: number): number {
  return (1 << (count << 3)) - 1;
}

function isSame(arena: Int32Array, record: number, view: DataView, at: number, length: number): boolean {
  if (arena[record + LENGTH_AT] !== length) return false;
  let word = record + BYTES_AT;
  const whole = at + (length & ~3);
  for (; at < whole; at += 4, word++) if (arena[word] !== view.getInt32(at, true)) return false;
  const rest = length & 3;
  return rest === 0 || arena[word] === (view.getInt32(at, true) & lowBytes(rest));
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
