/**
 * Groups: what each value of a dimension has over buckets. Entries are joined by their bytes.
 *
 *   values[group * MEASURE_COUNT + m]   what is certain
 *   hidden[group], unknown[group]       requests it can have beyond that
 *
 * Group REST is what belongs to no group, HIDDEN a place for what is not known where it belongs. Sums are left to pass
 * 2^53 inside and saturate when they are read (`saturated` says why that is the same).
 */
import { BATCH_LINES } from "./bounds.ts";
import { IS_SUM, MEASURE_COUNT, mergeValues, REQUESTS, saturated, type Values, zeroValues } from "./measures.ts";
import { OTHER } from "./dimensions.ts";
import { free } from "./free.ts";
import { hashWords, InternTable } from "./intern.ts";
import type { Dictionary } from "./bucket.ts";
import { SHARED_IDS } from "./value_ids.ts";
import { roomFor } from "./wide_column.ts";
import { nthLargest } from "./nth_largest.ts";

export const REST = 0, HIDDEN = 1;
const WORD_BYTES = 4;
/** Groups follow after these: id of the intern table + FIRST - 1. */
const FIRST = 2;

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
  readonly #table: InternTable;
  /** Room for one more group is made before it is needed; hold these no longer than until the next `of`. */
  values = new Float64Array(64 * MEASURE_COUNT);
  hidden = new Float64Array(64);
  unknown = new Float64Array(64);
  /** Groups by the id of their value; 0 where it is not known. */
  #groupOfId = new Int32Array(0);
  readonly #staged = new Int32Array(3 * BATCH_LINES);
  readonly #ids = new Int32Array(BATCH_LINES);

  constructor(seed: number) {
    this.#table = new InternTable(seed);
  }

  /** Groups in use. */
  get size(): number {
    return this.#table.size - 1;
  }

  get end(): number {
    return FIRST + this.size;
  }

  /** The group of an entry, made when it is new: found by the id of its value, if that is given, else by its bytes. */
  of({ bytes, offsets }: Dictionary, entry: number, valueId?: number): number {
    if (valueId === undefined || valueId < SHARED_IDS) {
      return this.#grown(this.#table.intern(bytes, offsets[entry], offsets[entry + 1]) + FIRST - 1);
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

  /** The same for all entries but OTHER by their bytes, many at once, so that cache misses overlap. */
  ofEntries(dictionary: Dictionary, into: Int32Array): void {
    const { bytes, offsets, size } = dictionary, table = this.#table;
    if (bytes.byteOffset + bytes.length + WORD_BYTES > bytes.buffer.byteLength) { // no room behind it to read whole words
      for (let e = OTHER + 1; e < size; e++) into[e] = this.of(dictionary, e);
      return;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset), staged = this.#staged, ids = this.#ids;
    for (let from = OTHER + 1; from < size; from += BATCH_LINES) {
      const count = Math.min(BATCH_LINES, size - from);
      for (let i = 0; i < count; i++) {
        const start = offsets[from + i], length = offsets[from + i + 1] - start;
        staged[3 * i] = hashWords(view, start, length, table.seed);
        staged[3 * i + 1] = start;
        staged[3 * i + 2] = length;
      }
      table.internBatch(view, view, staged, 3, 0, 0, count, ids, 1, 0);
      this.#grown(table.size - 1 + FIRST - 1);
      for (let i = 0; i < count; i++) into[from + i] = ids[i] + FIRST - 1;
    }
  }

  #groupOfNewId(bytes: Uint8Array, from: number, to: number, valueId: number): number {
    if (valueId >= this.#groupOfId.length) {
      const more = new Int32Array(roomFor(valueId));
      more.set(this.#groupOfId);
      free(this.#groupOfId);
      this.#groupOfId = more;
    }
    return this.#groupOfId[valueId] = this.#grown(this.#table.intern(bytes, from, to) + FIRST - 1);
  }

  entry(group: number): Uint8Array {
    return this.#table.entry(group - FIRST + 1);
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
   * Keeps the `count` groups with most of a measure; the others fold into REST.
   *
   * @returns the most that one of them had or could have had
   */
  keep(sort: number, count: number): { readonly kept: Groups; readonly lost: number } {
    const kept = new Groups(this.#table.seed), listed = new Set(this.ranked(sort, count));
    kept.add(REST, this.values, REST * MEASURE_COUNT);
    let lost = 0;
    for (let group = FIRST; group < this.end; group++) {
      if (listed.has(group)) kept.#addGroup(this, group);
      else {
        kept.add(REST, this.values, group * MEASURE_COUNT);
        lost = Math.max(lost, this.most(group));
      }
    }
    return { kept, lost };
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
      const group = this.#grown(this.#table.intern(bytes, offsets[g], offsets[g + 1]) + FIRST - 1);
      this.add(group, values, g * MEASURE_COUNT);
      this.hidden[group] += extra[g];
    }
  }

  #addGroup(from: Groups, group: number): void {
    const entry = from.entry(group), into = this.#grown(this.#table.intern(entry, 0, entry.length) + FIRST - 1);
    this.add(into, from.values, group * MEASURE_COUNT);
    this.hidden[into] += from.hidden[group];
    this.unknown[into] += from.unknown[group];
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
