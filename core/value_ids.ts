/**
 * Numbers for the values of dimensions, the same in all buckets of this process: what joins buckets. A value's bytes are
 * hashed and compared once, when its bucket is first asked about; from then on questions join entries by reading four
 * bytes of each, and decide a filter once a value instead of once an entry (an hour of full minutes has 960 000 entries of
 * URIs and 72 000 URIs). Ids never leave the process and nothing is lost with them: they are kept like everything that
 * questions compute (`derived.ts`), within the same bound.
 *
 *   SHARED_IDS …       one value each, in the order they came
 *   0 … SHARED_IDS     shared: a value that came when the tables were full has the number that its hash falls on
 *
 * So a shared id says "one of these values", which is enough to see that none of them can matter (`candidates.ts`).
 */
import { VALUE_IDS_BYTES_MAX, VALUE_IDS_MAX } from "./bounds.ts";
import { DIMENSION_COUNT, OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import { hashWords } from "./hash.ts";
import { isSame } from "./intern.ts";
import type { Bucket, Dictionary } from "./bucket.ts";
import { BlockDictionary } from "./bucket_block.ts";
import { derived, KeptOfEach } from "./derived.ts";

const SHARED_BITS = 13;

/** Ids below this are shared by hash. */
export const SHARED_IDS = 1 << SHARED_BITS;

/** Bytes that readers by words may read behind an entry. */
const BEHIND = 3;

/** Entries that are numbered for each that is asked about before full tables begin again. */
const WORTH_BEGINNING = 2;

interface Numbered {
  readonly generation: number;
  readonly d: number;
  readonly ids: Int32Array<ArrayBuffer>;
}

/** Numbers of the values of all dimensions. A process has one (`valueIds`); tests have their own. */
export class ValueIds {
  /** Changes when all numbers do. */
  generation = 0;
  #seed = 0;
  #tables: ValueTable[] = [];
  /** In all tables. */
  #values = 0;
  #bytes = 0;
  #memory = 0;
  #isFull = false;
  #entriesNumbered = 0;
  /** As what is kept has it (`derived.ts`). */
  #usedAt = 0;
  readonly #kept = new KeptOfEach<Numbered>();

  /** @param valuesMax a test may move it later */
  constructor(public valuesMax: number = VALUE_IDS_MAX, readonly bytesMax: number = VALUE_IDS_BYTES_MAX) {}

  /**
   * A question begins: numbers stay what they are until the next one. Full tables begin again when most of what they hold
   * is of buckets that are gone, so that no bucket is numbered more than a few times.
   *
   * @param seed of the process's hashes
   */
  begin(buckets: readonly Bucket[], seed: number): void {
    this.#usedAt = derived.nextUse();
    const isOther = this.#tables.length === 0 || seed !== this.#seed;
    if (!isOther && !(this.#isFull && this.#entriesNumbered > WORTH_BEGINNING * entriesOf(buckets))) return;
    this.#forget();
    this.#seed = seed;
    this.#tables = Array.from({ length: DIMENSION_COUNT }, () => new ValueTable());
    this.#reserve();
  }

  /** Gives its memory back when it was used last at `use` or before. */
  giveBack(use: number): void {
    if (this.#tables.length > 0 && this.#usedAt <= use) this.#forget();
  }

  #forget(): void {
    for (const table of this.#tables) table.free();
    this.#tables = [];
    this.#values = this.#bytes = this.#entriesNumbered = 0;
    this.#isFull = false;
    this.generation++;
    this.#reserve();
  }

  /** The number of each entry of a dictionary of dimension `d`; OTHER has none. Not to be changed. Cost: see above. */
  of(dictionary: Dictionary, d: number): Int32Array {
    const made = this.#kept.get(dictionary);
    if (made !== undefined && made.generation === this.generation && made.d === d) return made.ids;
    const ids = this.#number(dictionary, d);
    this.#entriesNumbered += dictionary.size;
    this.#reserve();
    return this.#kept.set(dictionary, { generation: this.generation, d, ids }, [ids.buffer]).ids;
  }

  /** The number of one value; it need not have come up yet. */
  ofValue(entry: Uint8Array, d: number): number {
    const view = paddedCopy(entry, 0, entry.length), hash = hashWords(view, 0, entry.length, this.#seed);
    const id = this.#tables[d].find(view, 0, entry.length, hash, false);
    return id === 0 ? hash >>> 32 - SHARED_BITS : SHARED_IDS + id;
  }

  /** Values of dimension `d` that have a number of their own: entry i is that of SHARED_IDS + i. To be read at once. */
  valuesOf(d: number): Pick<Dictionary, "size" | "offsets" | "bytes"> {
    return this.#tables[d];
  }

  /** Numbers of dimension `d` are below this; it may grow. */
  end(d: number): number {
    return SHARED_IDS + (this.#tables[d]?.size ?? 1);
  }

  #number(dictionary: Dictionary, d: number): Int32Array<ArrayBuffer> {
    const { size, bytes } = dictionary, lengths = lengthOfEach(dictionary), ids = new Int32Array(size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let e = OTHER + 1, from = lengths[OTHER]; e < size; e++) {
      const length = lengths[e], to = from + length;
      // The last entry may have nothing behind it.
      ids[e] = to + BEHIND < bytes.length
        ? this.#idOf(d, view, from, length)
        : this.#idOf(d, paddedCopy(bytes, from, to), 0, length);
      from = to;
    }
    return ids;
  }

  #idOf(d: number, view: DataView, at: number, length: number): number {
    const table = this.#tables[d], hash = hashWords(view, at, length, this.#seed), { size } = table;
    // Once there was no room for a value there never is again, so that it always has the same number.
    const hasRoom = this.#values < this.valuesMax && this.#bytes + length <= this.bytesMax;
    const id = table.find(view, at, length, hash, hasRoom);
    if (table.size > size) {
      this.#values++;
      this.#bytes += length;
    }
    if (id !== 0) return SHARED_IDS + id;
    this.#isFull = this.#isFull || !hasRoom;
    return hash >>> 32 - SHARED_BITS;
  }

  /** Tells the bound what the tables take. */
  #reserve(): void {
    const memory = this.#tables.reduce((sum, table) => sum + table.memoryBytes, 0);
    derived.reserve(memory - this.#memory);
    this.#memory = memory;
  }
}

/** Bytes of each entry; of a block, without computing where entries begin. */
function lengthOfEach(dictionary: Dictionary): ArrayLike<number> {
  if (dictionary instanceof BlockDictionary) return dictionary.lengths;
  const { size, offsets } = dictionary;
  return Int32Array.from({ length: size }, (_, e) => offsets[e + 1] - offsets[e]);
}

/** Those of this process. */
export const valueIds = new ValueIds();

function entriesOf(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, { dictionaries }) => dictionaries.reduce((entries, { size }) => entries + size, sum), 0);
}

function paddedCopy(bytes: Uint8Array, from: number, to: number): DataView {
  const copy = new Uint8Array(to - from + BEHIND + 1);
  copy.set(bytes.subarray(from, to));
  return new DataView(copy.buffer);
}

/** Slots looked at for one value; those that find no place, as where somebody makes hashes collide, stand in a map. */
const PROBES_MAX = 64;

/**
 * The values of one dimension: what `InternTable` does, in a third of the memory, for values that are looked up rarely.
 *
 *   slots[slot]                                 id, 0 when the slot is free
 *   hashes[id]                                  its hash
 *   bytes[offsets[id] … offsets[id + 1])        its bytes
 */
class ValueTable {
  /** The next id; ids begin at 1. */
  size = 1;
  #slots = new Int32Array(64);
  #hashes = new Int32Array(32);
  offsets = new Uint32Array(32);
  bytes = new Uint8Array(1024);
  #view = new DataView(this.bytes.buffer);
  /** Ids by bytes, one character each, of values that are in no slot. */
  readonly #crowdedOut = new Map<string, number>();

  /** The id of a value, which gets one if it is new and may; 0 when it has none. */
  find(view: DataView, at: number, length: number, hash: number, isWelcome: boolean): number {
    const mask = this.#slots.length - 1, slots = this.#slots;
    for (let probe = 0, slot = hash & mask; probe < PROBES_MAX; probe++, slot = slot + 1 & mask) {
      const id = slots[slot];
      if (id === 0) return isWelcome ? this.#append(slot, view, at, length, hash) : 0;
      if (this.#hashes[id] !== hash) continue;
      if (isSame(this.#view, this.offsets[id], this.offsets[id + 1], view, at, length)) return id;
    }
    const key = bytesKey(view, at, length), known = this.#crowdedOut.get(key);
    if (known !== undefined || !isWelcome) return known ?? 0;
    this.#crowdedOut.set(key, this.size);
    return this.#append(-1, view, at, length, hash);
  }

  get memoryBytes(): number {
    return [this.#slots, this.#hashes, this.offsets, this.bytes].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Gives its memory back. */
  free(): void {
    for (const column of [this.#slots, this.#hashes, this.offsets, this.bytes]) free(column);
  }

  #append(slot: number, view: DataView, at: number, length: number, hash: number): number {
    const id = this.size++, from = this.offsets[id], end = from + length;
    if (end + BEHIND >= this.bytes.length) {
      this.bytes = grown(this.bytes, end + BEHIND);
      this.#view = new DataView(this.bytes.buffer);
    }
    for (let i = 0; i < length; i++) this.bytes[from + i] = view.getUint8(at + i);
    if (id + 1 >= this.offsets.length) {
      this.offsets = grown(this.offsets, id + 1);
      this.#hashes = grown(this.#hashes, id + 1);
    }
    this.offsets[id + 1] = end;
    this.#hashes[id] = hash;
    if (slot >= 0) this.#slots[slot] = id;
    if (3 * id > 2 * this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length), mask = slots.length - 1;
    this.#crowdedOut.clear();
    for (let id = 1; id < this.size; id++) {
      let slot = this.#hashes[id] & mask, probe = 0;
      for (; probe < PROBES_MAX && slots[slot] !== 0; probe++) slot = slot + 1 & mask;
      if (probe < PROBES_MAX) slots[slot] = id;
      else this.#crowdedOut.set(bytesKey(this.#view, this.offsets[id], this.offsets[id + 1] - this.offsets[id]), id);
    }
    free(this.#slots);
    this.#slots = slots;
  }
}

/** A text that is different for different bytes. */
function bytesKey(view: DataView, at: number, length: number): string {
  let key = "";
  for (let i = 0; i < length; i++) key += String.fromCharCode(view.getUint8(at + i));
  return key;
}

/** A quarter more than is needed; the old one is freed. */
function grown<Column extends Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(
  column: Column,
  needed: number,
): Column {
  const more = new (column.constructor as new (length: number) => Column)(needed + (needed >> 2) + 64);
  more.set(column);
  free(column);
  return more;
}
