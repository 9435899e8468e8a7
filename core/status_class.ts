/**
 * The class of a status: what a page stacks and colours by. `4` of `404`; a status that is absent, no number of three
 * digits, or was given up has none.
 */
import { REQUESTS, saturated } from "./measures.ts";
import { STATUS } from "./dimensions.ts";
import type { Bucket, Dictionary } from "./bucket.ts";
import { KeptOfEach } from "./derived.ts";
import { marginalOfEach } from "./bucket_block.ts";
import type { CompiledFilter } from "./filter_match.ts";
import { RowScan } from "./row_scan.ts";
import { matchingRequests, projectionFor } from "./matching_total.ts";

/** Names of the classes, in the order of every array of them. */
export const STATUS_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

export const STATUS_CLASS_COUNT = STATUS_CLASSES.length;

/** Index of what has no class, in tables of this file alone. */
export const NO_CLASS = STATUS_CLASS_COUNT;

const DIGIT_0 = 0x30, DIGIT_1 = 0x31, DIGIT_9 = 0x39;

const kept = new KeptOfEach<Uint8Array<ArrayBuffer>>();

/** The class of every entry of a dictionary of statuses. Made once and kept with it (`derived.ts`). 1 B an entry. */
export function statusClasses(dictionary: Dictionary): Uint8Array {
  const made = kept.get(dictionary);
  if (made !== undefined) return made;
  const { size, offsets, bytes } = dictionary, classes = new Uint8Array(size).fill(NO_CLASS);
  for (let e = 1; e < size; e++) classes[e] = classOfStatus(bytes.subarray(offsets[e], offsets[e + 1]));
  return kept.set(dictionary, classes, [classes.buffer]);
}

/** The class of one entry of the dimension status; NO_CLASS when it has none. */
export function classOfStatus(entry: Uint8Array): number {
  if (entry.length !== 3 || !entry.every((byte) => byte >= DIGIT_0 && byte <= DIGIT_9)) return NO_CLASS;
  const at = entry[0] - DIGIT_1;
  return at >= 0 && at < STATUS_CLASS_COUNT ? at : NO_CLASS;
}

/** By entry of the dictionary of statuses; all zero between buckets. */
let sums = new Float64Array(0);
const scan = new RowScan(true);

/**
 * Adds the requests of one bucket that certainly match to their classes; those without a class are in none.
 *
 * As with `matchingRequests`, a filter on the status alone is answered from the marginals, any other from rows: so classes
 * may add up to less than all that match, never to more.
 *
 * @param into STATUS_CLASS_COUNT numbers
 * @returns all that match, as `matchingRequests` has it
 */
export function addByStatusClass(bucket: Bucket, filter: CompiledFilter | undefined, into: Float64Array): number {
  const dictionary = bucket.dictionaries[STATUS], { size } = dictionary, classes = statusClasses(dictionary);
  if (sums.length < size) sums = new Float64Array(2 * size);
  if (filter === undefined || filter.dimension === STATUS) {
    const requests = marginalOfEach(dictionary, REQUESTS), matches = filter?.matches(dictionary);
    if (matches === undefined) { for (let e = 1; e < size; e++) sums[e] = requests[e]; }
    else for (let i = 0; i < matches.count; i++) sums[matches.entries[i]] = requests[matches.entries[i]];
  } else {
    const rows = projectionFor(bucket, filter, STATUS) ?? bucket;
    if (rows === bucket) scan.select(bucket, filter);
    else scan.selectPlainly(rows, filter);
    scan.merge(rows, scan.certain, STATUS, REQUESTS, sums);
  }
  let all = 0;
  for (let e = 0; e < size; e++) {
    all += sums[e];
    if (classes[e] !== NO_CLASS) into[classes[e]] = saturated(into[classes[e]] + sums[e]);
  }
  sums.fill(0, 0, size);
  // Marginals know of what rows have given up.
  return filter === undefined || filter.dimension !== undefined ? matchingRequests(bucket, filter) : saturated(all);
}
