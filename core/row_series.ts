/**
 * What stands beside a ranking's rows on a page: for each listed value its requests over time, and by class of status.
 *
 * One pass over the buckets of the window, whatever the number of values. Per bucket the dictionary is searched for the
 * listed values (a look at each entry's number), and the rows are looked at once.
 *
 *   requests over time   from marginals where the ranking is (no filter, or one on the grouped dimension), else from rows
 *   classes              always from rows: they can add up to less than the count, never to more
 */
import { REQUESTS, saturated } from "./measures.ts";
import { DIMENSIONS, STATUS } from "./dimensions.ts";
import type { Bucket, Dictionary } from "./bucket.ts";
import { marginalOfEach } from "./bucket_block.ts";
import { entryOf } from "./label.ts";
import { hashWords } from "./hash.ts";
import { InternTable } from "./intern.ts";
import { SHARED_IDS, valueIds } from "./value_ids.ts";
import { roomFor, WideIndex, WideNumbers } from "./wide_column.ts";
import type { CompiledFilter } from "./filter_match.ts";
import { RowScan } from "./row_scan.ts";
import { classOfStatus, NO_CLASS, STATUS_CLASS_COUNT, statusClasses } from "./status_class.ts";

/** Per listed value, in the order of the labels. */
export interface RowSeries {
  /** Requests of each point. */
  readonly series: readonly Float64Array[];
  /** Requests by class, in the order of STATUS_CLASSES. */
  readonly byStatus: readonly Float64Array[];
}

/** A number per class, and one for what has none. */
const CLASSES = STATUS_CLASS_COUNT + 1;

/**
 * Cost: a nanosecond or two an entry and a row (`row_series_bench.ts`); memory by labels times points.
 *
 * @param points the buckets of each point, prepared for the filter
 * @param d dimension that the labels are of
 * @param seed of the process's hashes
 */
export function rowSeries(
  points: readonly (readonly Bucket[])[],
  d: number,
  labels: readonly string[],
  filter: CompiledFilter | undefined,
  seed: number,
): RowSeries {
  valueIds.begin(points.flat(), seed);
  const search = new EntrySearch(d, seed), rows = new PlacedRows();
  const placeOf = labels.map((label) => search.add(entryOf(DIMENSIONS[d], label)));
  const places = search.size, fromMarginals = filter === undefined || filter.dimension === d;
  /** counts[point * places + place], classes[place * CLASSES + class]; place 0 is nobody's. */
  const counts = new Float64Array(points.length * places), classes = new Float64Array(places * CLASSES);
  points.forEach((buckets, point) => {
    const into = counts.subarray(point * places, (point + 1) * places);
    for (const bucket of buckets) {
      const found = search.in(bucket.dictionaries[d]);
      if (fromMarginals) {
        addMarginals(bucket.dictionaries[d], found, into);
        if (d !== STATUS && found.count > 0) rows.addAll(bucket, d, found.places, classes);
      } else if (found.count > 0) rows.addMatching(bucket, d, filter, found.places, classes, into);
      search.leave();
    }
  });
  const series = placeOf.map((place) =>
    Float64Array.from(points, (_, point) => saturated(counts[point * places + place]))
  );
  const byStatus = placeOf.map((place, i) =>
    d === STATUS
      ? ofOneClass(labels[i], series[i])
      : classes.slice(place * CLASSES, (place + 1) * CLASSES - 1).map(saturated)
  );
  return { series, byStatus };
}

function addMarginals(dictionary: Dictionary, { entries, places, count }: Found, into: Float64Array): void {
  if (count === 0) return;
  const requests = marginalOfEach(dictionary, REQUESTS);
  for (let i = 0; i < count; i++) into[places[entries[i]]] += requests[entries[i]];
}

/** All requests of a status are of its class. */
function ofOneClass(label: string, series: Float64Array): Float64Array {
  const classes = new Float64Array(CLASSES), entry = entryOf(DIMENSIONS[STATUS], label);
  const sum = saturated(series.reduce((sum, count) => sum + count, 0));
  classes[entry === undefined ? NO_CLASS : classOfStatus(entry)] = sum;
  return classes.subarray(0, STATUS_CLASS_COUNT);
}

/** Rows of listed values, bucket after bucket, in memory that is used again. */
class PlacedRows {
  readonly #scan = new RowScan(true);
  readonly #index = new WideIndex();
  readonly #status = new WideIndex();
  readonly #requests = new WideNumbers();

  /** Adds all rows to the classes of their values. */
  addAll(
    { rows, indexes, measures, dictionaries }: Bucket,
    d: number,
    places: Int32Array,
    classes: Float64Array,
  ): void {
    const index = this.#index.of(indexes[d]), status = this.#status.of(indexes[STATUS]);
    const requests = this.#requests.of(measures[REQUESTS]), classOf = statusClasses(dictionaries[STATUS]);
    // Nobody's rows are added to nobody's place: a branch that half of the rows take costs more than that.
    for (let row = 0; row < rows; row++) {
      classes[places[index[row]] * CLASSES + classOf[status[row]]] += requests[row];
    }
  }

  /** Adds the rows that certainly match a filter to the classes of their values, and to their point. */
  addMatching(
    bucket: Bucket,
    d: number,
    filter: CompiledFilter,
    places: Int32Array,
    classes: Float64Array,
    into: Float64Array,
  ): void {
    this.#scan.select(bucket, filter);
    const { rows, count } = this.#scan.certain,
      entries = this.#scan.entries(bucket, this.#scan.certain, d),
      status = bucket.indexes[STATUS];
    const requests = bucket.measures[REQUESTS], classOf = statusClasses(bucket.dictionaries[STATUS]);
    for (let i = 0; i < count; i++) {
      const place = places[entries[i]];
      if (place === 0) continue;
      const value = requests[rows[i]];
      into[place] += value;
      classes[place * CLASSES + classOf[status[rows[i]]]] += value;
    }
  }
}

/** Where the listed values are in one dictionary. */
interface Found {
  /** By entry: the place of its value, from 1; 0 for all others. Longer than the dictionary. */
  readonly places: Int32Array;
  readonly entries: Int32Array;
  readonly count: number;
}

/** Bytes that comparing by words may read behind an entry. */
const BEHIND = 3;

const SEVERAL = -1;

/** Finds a few values in one dictionary after the other. */
class EntrySearch {
  readonly #table: InternTable;
  /** By id: the place of its value; SEVERAL where other values share it, 0 for all others. */
  #placeOfId = new Int32Array(0);
  readonly #values: Uint8Array[] = [];
  #places = new Int32Array(0);
  #entries = new Int32Array(64);
  #count = 0;

  constructor(readonly d: number, readonly seed: number) {
    this.#table = new InternTable(seed);
  }

  /** Places in use, that of nobody included. */
  get size(): number {
    return this.#table.size;
  }

  /** Adds a value; its place. That of what can be no entry is nobody's. */
  add(entry: Uint8Array | undefined): number {
    if (entry === undefined) return 0;
    const view = padded(entry), hash = hashWords(view, 0, entry.length, this.seed);
    this.#values.push(entry);
    return this.#table.internWords(view, 0, entry.length, hash);
  }

  /** Valid until `leave`. */
  in(dictionary: Dictionary): Found {
    const { size, bytes } = dictionary, ids = valueIds.of(dictionary, this.d), placeOfId = this.#placesOfIds();
    if (this.#places.length < size) this.#places = new Int32Array(roomFor(size));
    if (this.#entries.length < this.size) this.#entries = new Int32Array(this.size);
    const places = this.#places, entries = this.#entries;
    let count = 0;
    for (let e = 1; e < size; e++) {
      let place = placeOfId[ids[e]];
      if (place === 0) continue;
      if (place === SEVERAL) place = this.#find(bytes.subarray(dictionary.offsets[e], dictionary.offsets[e + 1]));
      if (place === 0) continue;
      places[e] = place;
      entries[count++] = e;
    }
    this.#count = count;
    return { places, entries, count };
  }

  /** Made again when there are more numbers than before. */
  #placesOfIds(): Int32Array {
    const end = valueIds.end(this.d);
    if (this.#placeOfId.length >= end) return this.#placeOfId;
    this.#placeOfId = new Int32Array(end);
    for (const entry of this.#values) {
      const id = valueIds.ofValue(entry, this.d);
      this.#placeOfId[id] = id < SHARED_IDS ? SEVERAL : this.#find(entry);
    }
    return this.#placeOfId;
  }

  #find(entry: Uint8Array): number {
    const view = padded(entry), { length } = entry;
    return this.#table.find(view, 0, length, hashWords(view, 0, length, this.seed));
  }

  /** Clears what `in` has found. */
  leave(): void {
    for (let i = 0; i < this.#count; i++) this.#places[this.#entries[i]] = 0;
  }
}

/** The bytes with room behind them to read whole words. */
function padded(entry: Uint8Array): DataView {
  const copy = new Uint8Array(entry.length + BEHIND + 1);
  copy.set(entry);
  return new DataView(copy.buffer);
}
