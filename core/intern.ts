/**
 * Interning: byte strings to small numbers, and back.
 *
 * Open addressing over typed arrays; the bytes of all entries lie one behind the other in an arena. A hash hit is
 * always confirmed byte by byte: any mixing function can be made to collide by whoever writes the log, and two prefixes
 * counted as one would be a wrong number. The seed only keeps an attacker from making probe chains long.
 *
 *   slots[hash & mask]  = id, 0 when free      (ids begin at 1; 0 is OTHER and never looked up)
 *   hashes[id]          = full hash
 *   offsets[id], [id+1] = entry's bytes in the arena
 */

const SLOTS_MIN = 64;
/** Share of slots in use at which the slots double. */
const LOAD_MAX = 0.5;

export class InternTable {
  /** Ids in use, OTHER included: the next id. */
  size = 1;
  #slots = new Uint32Array(SLOTS_MIN);
  #hashes = new Int32Array(SLOTS_MIN);
  #offsets = new Uint32Array(SLOTS_MIN + 1);
  #arena = new Uint8Array(1024);

  /** @param seed any integer; a fresh random one per process. */
  constructor(readonly seed: number) {}

  /** The id of `bytes[start … end)`; given one when it is new. Copies the bytes it keeps. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(bytes, start, end, this.seed);
    const slots = this.#slots, hashes = this.#hashes, mask = slots.length - 1;
    let slot = hash & mask;
    for (let id = slots[slot]; id !== 0; id = slots[slot]) {
      if (hashes[id] === hash && this.#equals(id, bytes, start, end)) return id;
      slot = (slot + 1) & mask;
    }
    return this.#insert(slot, hash, bytes, start, end);
  }

  /** The bytes of an entry: a view that is valid until the next change. */
  entry(id: number): Uint8Array {
    return this.#arena.subarray(this.#offsets[id], this.#offsets[id + 1]);
  }

  entryLength(id: number): number {
    return this.#offsets[id + 1] - this.#offsets[id];
  }

  /** Bytes of all entries. */
  get bytes(): number {
    return this.#offsets[this.size];
  }

  /** Forgets all entries; keeps the memory. */
  clear(): void {
    this.#slots.fill(0);
    this.size = 1;
  }

  #insert(slot: number, hash: number, bytes: Uint8Array, start: number, end: number): number {
    const id = this.size++;
    const from = this.#offsets[id], to = from + end - start;
    if (to > this.#arena.length) this.#arena = grown(this.#arena, new Uint8Array(2 * Math.max(to, this.#arena.length)));
    for (let i = start, o = from; i < end; i++, o++) this.#arena[o] = bytes[i];
    this.#slots[slot] = id;
    this.#hashes[id] = hash;
    this.#offsets[id + 1] = to;
    if (this.size >= this.#slots.length * LOAD_MAX) this.#double();
    return id;
  }

  #equals(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const arena = this.#arena;
    let o = this.#offsets[id];
    if (this.#offsets[id + 1] - o !== end - start) return false;
    for (let i = start; i < end; i++) if (arena[o++] !== bytes[i]) return false;
    return true;
  }

  #double(): void {
    const slots = new Uint32Array(this.#slots.length * 2), mask = slots.length - 1;
    for (let id = 1; id < this.size; id++) {
      let slot = this.#hashes[id] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
    this.#hashes = grown(this.#hashes, new Int32Array(slots.length));
    this.#offsets = grown(this.#offsets, new Uint32Array(slots.length + 1));
  }
}

/** A seeded 32-bit hash, by words of four bytes. Spreads; does not withstand an attacker, see above. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed ^ (end - start);
  let p = start;
  for (; p + 4 <= end; p += 4) {
    const word = bytes[p] | bytes[p + 1] << 8 | bytes[p + 2] << 16 | bytes[p + 3] << 24;
    hash = Math.imul((hash << 5 | hash >>> 27) ^ word, 0x9E3779B1);
  }
  for (; p < end; p++) hash = Math.imul((hash << 5 | hash >>> 27) ^ bytes[p], 0x85EBCA6B);
  return mix(hash);
}

/** Spreads the high bits of a product into the low ones, which choose the slot. */
export function mix(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 15, 0x85EBCA6B);
  return hash ^ hash >>> 13;
}

function grown<Column extends Uint8Array | Uint32Array | Int32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
