/**
 * Groups: what each value of a dimension has over buckets. Entries are joined by their bytes.
 *
 *   values[group * MEASURE_COUNT + m]   what is certain
 *   hidden[group], unknown[group]       requests it can have beyond that
 *
 * Group REST is what belongs to no group, HIDDEN a place for what is not known where it belongs. Sums are left to pass
 * 2^53 inside and saturate when they are read (`saturated` says why that is the same).
 */
import {
  IS_SUM,
  MEASURE_COUNT,
  mergeValues,
  REQUESTS,
  saturated,
  SUM_COUNT,
  type Values,
  zeroValues,
} from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import { GROUP_BATCH, GroupTable } from "./group_table.ts";
import type { Dictionary, IndexColumn } from "./bucket.ts";
import type { BlockDictionary } from "./bucket_block.ts";
import { SHARED_IDS } from "./value_ids.ts";
import { roomFor, WideIndex } from "./wide_column.ts";
import { nthLargest } from "./nth_largest.ts";

export const REST = 0, HIDDEN = 1;
/** Groups follow after these: number in the table + FIRST. */
const FIRST = 2;

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const VALUES = MEASURE_COUNT, SUMS = SUM_COUNT;

/** Groups as plain numbers: they can be posted to another thread. */
export interface GroupsState {
  /** Group g is `bytes[offsets[g] … offsets[g + 1])`. */
  readonly offsets: Float64Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Measure m of group g is `values[g * MEASURE_COUNT + m]`. */
  readonly values: Float64Array<ArrayBuffer>;
  /** Requests that group g can have beyond its values and what any value can have; may be negative. */
  readonly extra: Float64Array<ArrayBuffer>;
  /** What belongs to no group. */
  readonly rest: Values;
}

export class Groups {
  readonly #table: GroupTable;
  /** Room for one more group is made before it is needed; hold these no longer than until the next `of`. */
  values = new Float64Array(64 * MEASURE_COUNT);
  hidden = new Float64Array(64);
  unknown = new Float64Array(64);
  /** Groups by the id of their value; 0 where it is not known. */
  #groupOfId = new Int32Array(0);
  readonly #numbers = new Int32Array(GROUP_BATCH);
  readonly #lengths = new WideIndex();
  #offsets = new Uint32Array(0);
  #touched = 0;

  constructor(seed: number) {
    this.#table = new GroupTable(seed);
  }

  /** Groups in use. */
  get size(): number {
    return this.#table.size;
  }

  get end(): number {
    return FIRST + this.size;
  }

  /** The group of an entry, made when it is new: found by the id of its value, if that is given, else by its bytes. */
  of({ bytes, offsets }: Dictionary, entry: number, valueId?: number): number {
    if (valueId === undefined || valueId < SHARED_IDS) {
      return this.#groupOf(bytes, offsets[entry], offsets[entry + 1]);
    }
    const known = valueId < this.#groupOfId.length ? this.#groupOfId[valueId] : 0;
    return known !== 0 ? known : this.#groupOfNewId(bytes, offsets[entry], offsets[entry + 1], valueId);
  }

  /** The group of the value with an id of its own, one of whose entries has been asked for. */
  ofId(valueId: number): number {
    return this.#groupOfId[valueId];
  }

  /** The groups of all entries but OTHER, whose values have these ids. */
  ofAll(dictionary: Dictionary, ids: Int32Array, into: Int32Array): void {
    for (let e = OTHER + 1; e < ids.length; e++) {
      const id = ids[e], known = id < this.#groupOfId.length ? this.#groupOfId[id] : 0;
      into[e] = known !== 0 ? known : this.of(dictionary, e, id);
    }
  }

  /**
   * Adds what all entries of a dictionary but OTHER have: measure m of entry e is `sums[e * MEASURE_COUNT + m]`. Cost: some
   * forty nanoseconds an entry, its cache misses.
   */
  addEntries({ bytes, lengths, size }: BlockDictionary, sums: Float64Array): void {
    const table = this.#table, numbers = this.#numbers, view = new DataView(bytes.buffer, bytes.byteOffset);
    const offsets = this.#offsetsOf(lengths);
    for (let from = OTHER + 1; from < size; from += GROUP_BATCH) {
      const count = Math.min(GROUP_BATCH, size - from);
      table.numbersOf(view, offsets, from, count, numbers);
      this.#grown(table.size - 1 + FIRST);
      this.#touched ^= touchValues(this.values, numbers, count);
      addSums(this.values, numbers, count, sums, from);
    }
  }

  /** Where entries begin: made here, since nobody asks for them again. */
  #offsetsOf(lengths: IndexColumn): Uint32Array {
    const wide = this.#lengths.of(lengths), size = lengths.length;
    if (size >= this.#offsets.length) this.#offsets = new Uint32Array(roomFor(size + 1));
    addUp(wide, size, this.#offsets);
    return this.#offsets;
  }

  #groupOf(bytes: Uint8Array, start: number, end: number): number {
    return this.#grown(this.#table.numberOf(bytes, start, end) + FIRST);
  }

  #groupOfNewId(bytes: Uint8Array, from: number, to: number, valueId: number): number {
    if (valueId >= this.#groupOfId.length) {
      const more = new Int32Array(roomFor(valueId));
      more.set(this.#groupOfId);
      free(this.#groupOfId);
      this.#groupOfId = more;
    }
    return this.#groupOfId[valueId] = this.#groupOf(bytes, from, to);
  }

  entry(group: number): Uint8Array {
    return this.#table.entry(group - FIRST);
  }

  value(group: number, m: number): number {
    return saturated(this.values[group * MEASURE_COUNT + m]);
  }

  valuesOf(group: number): Values {
    return this.values.slice(group * MEASURE_COUNT, (group + 1) * MEASURE_COUNT).map(saturated);
  }

  /** Requests that a group has or can have, but for what any value can have. */
  most(group: number): number {
    return this.values[group * MEASURE_COUNT + REQUESTS] + this.hidden[group] + this.unknown[group];
  }

  /** What all groups and REST have together. */
  total(): Values {
    const total = zeroValues();
    for (let group = REST; group < this.end; group++) mergeValues(total, this.values, group * MEASURE_COUNT);
    return total;
  }

  /** Requests that a group which is not listed has or can have at most, but for what any value can have. */
  mostUnlisted(listed: ReadonlySet<number>, withHidden: boolean): number {
    let most = 0;
    for (let group = FIRST; group < this.end; group++) {
      if (!listed.has(group)) most = Math.max(most, this.most(group) - (withHidden ? 0 : this.hidden[group]));
    }
    return most;
  }

  /** The `n` first by measure; equal ones by their bytes, so that an answer does not depend on seeds. */
  ranked(sort: number, n: number): number[] {
    const values = new Float64Array(this.size), groups: number[] = [];
    for (let group = FIRST; group < this.end; group++) {
      if (this.value(group, REQUESTS) > 0) values[groups.push(group) - 1] = this.value(group, sort);
    }
    const least = nthLargest(values.subarray(0, groups.length), n);
    return groups.filter((_, i) => values[i] >= least).sort((a, b) =>
      this.value(b, sort) - this.value(a, sort) || compareBytes(this.entry(a), this.entry(b))
    ).slice(0, n);
  }

  /** Merges `values[at …]` into a group. */
  add(group: number, values: ArrayLike<number>, at = 0): void {
    mergeValues(this.values, values, at, group * MEASURE_COUNT);
  }

  /** What HIDDEN holds belongs to no group after all. */
  releaseHidden(): void {
    mergeValues(this.values, this.values, HIDDEN * MEASURE_COUNT, REST * MEASURE_COUNT);
    this.values.fill(0, HIDDEN * MEASURE_COUNT, (HIDDEN + 1) * MEASURE_COUNT);
  }

  /**
   * Keeps the `count` groups with most of a measure, of equal ones those that came first; the others fold into REST. Groups
   * are numbered anew. Cost: some hundred nanoseconds a group.
   *
   * @returns the most that one of the others had or could have had
   */
  keep(sort: number, count: number): number {
    const { size, values, hidden, unknown } = this, kept = new Uint8Array(size), weights = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      weights[i] = this.value(FIRST + i, REQUESTS) > 0 ? this.value(FIRST + i, sort) + 1 : 0;
    }
    const least = nthLargest(weights, count);
    let equal = count, lost = 0, to = FIRST;
    for (let i = 0; i < size; i++) if (weights[i] > least) equal--;
    for (let i = 0; i < size; i++) {
      const group = FIRST + i;
      if (weights[i] < least || weights[i] === least && equal-- <= 0) {
        this.add(REST, values, group * MEASURE_COUNT);
        lost = Math.max(lost, this.most(group));
        continue;
      }
      kept[i] = 1;
      for (let m = 0; m < VALUES; m++) values[to * VALUES + m] = values[group * VALUES + m];
      hidden[to] = hidden[group];
      unknown[to++] = unknown[group];
    }
    values.fill(0, to * MEASURE_COUNT);
    for (const column of [hidden, unknown]) column.fill(0, to);
    this.#groupOfId.fill(0);
    this.#table.keepOnly(kept);
    return lost;
  }

  /** What belongs to no group or to one that is not listed. */
  totalUnlisted(listed: ReadonlySet<number>): Values {
    const total = zeroValues();
    for (let group = REST; group < this.end; group++) {
      if (!listed.has(group)) mergeValues(total, this.values, group * MEASURE_COUNT);
    }
    return total;
  }

  /** The same of maxima alone; 0 for sums. */
  largestUnlisted(listed: ReadonlySet<number>): Values {
    const largest = zeroValues();
    for (let group = REST; group < this.end; group++) {
      if (listed.has(group)) continue;
      for (let m = 0; m < MEASURE_COUNT; m++) {
        if (!IS_SUM[m]) largest[m] = Math.max(largest[m], this.value(group, m));
      }
    }
    return largest;
  }

  state(): GroupsState {
    const { size } = this, offsets = new Float64Array(size + 1), bytes = new Uint8Array(this.#table.bytes);
    for (let g = 0; g < size; g++) {
      const entry = this.entry(FIRST + g);
      bytes.set(entry, offsets[g]);
      offsets[g + 1] = offsets[g] + entry.length;
    }
    return {
      offsets,
      bytes,
      values: this.values.slice(FIRST * MEASURE_COUNT, this.end * MEASURE_COUNT),
      extra: this.hidden.slice(FIRST, this.end).map((hidden, g) => hidden + this.unknown[FIRST + g]),
      rest: this.valuesOf(REST),
    };
  }

  addState({ offsets, bytes, values, extra, rest }: GroupsState): void {
    this.add(REST, rest);
    for (let g = 0; g < extra.length; g++) {
      const group = this.#groupOf(bytes, offsets[g], offsets[g + 1]);
      this.add(group, values, g * MEASURE_COUNT);
      this.hidden[group] += extra[g];
    }
  }

  /** Gives the memory back: it is of no use from now on. */
  free(): void {
    this.#table.free();
    for (const column of [this.values, this.hidden, this.unknown, this.#groupOfId]) free(column);
  }

  #grown(group: number): number {
    while (group >= this.hidden.length) {
      this.values = doubled(this.values);
      this.hidden = doubled(this.hidden);
      this.unknown = doubled(this.unknown);
    }
    return group;
  }
}

/** `offsets[e]` is the sum of all lengths before e. */
function addUp(lengths: Int32Array, size: number, offsets: Uint32Array): void {
  let end = 0;
  for (let e = 0; e < size; e++) {
    offsets[e] = end;
    end = end + lengths[e] | 0;
  }
  offsets[size] = end;
}

/** Touches what `addSums` will change, so that cache misses overlap: both ends, since every other lies on two lines. */
function touchValues(values: Float64Array, numbers: Int32Array, count: number): number {
  let touched = 0;
  for (let i = 0; i < count; i++) {
    const at = (numbers[i] + FIRST) * VALUES;
    touched += values[at] + values[at + VALUES - 1];
  }
  return touched;
}

function addSums(values: Float64Array, numbers: Int32Array, count: number, sums: Float64Array, from: number): void {
  if (VALUES !== 4 || SUMS !== 3) {
    for (let i = 0; i < count; i++) mergeValues(values, sums, (from + i) * VALUES, (numbers[i] + FIRST) * VALUES);
    return;
  }
  for (let i = 0, at = from * VALUES; i < count; i++, at += VALUES) {
    const to = (numbers[i] + FIRST) * VALUES, most = sums[at + 3];
    values[to] += sums[at];
    values[to + 1] += sums[at + 1];
    values[to + 2] += sums[at + 2];
    if (most > values[to + 3]) values[to + 3] = most;
  }
}

function doubled(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const more = new Float64Array(column.length * 2);
  more.set(column);
  free(column);
  return more;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
