/**
 * A bucket as a message, and back. The layout is documented field by field in `logtail.proto`.
 *
 * Whoever receives a message does not trust it. This file checks what has to hold before a block of memory can be made
 * of it: names, sizes, widths, lengths of columns; `bucket_check.ts` checks every number in them. Columns are copied into
 * that block, because the `bytes` of a message share the receive buffer (which would stay alive as a whole) and start at
 * any address (which a typed array of wider numbers refuses).
 */
import { OPEN_ENTRIES_MAX, OPEN_ROWS_MAX, SOURCE_NAME_BYTES_MAX } from "@/core/bounds.ts";
import { bucketChecksum, bucketProblem } from "@/core/bucket_check.ts";
import { ALL_ONE, ALL_ZERO, type DimensionPlan, type Form, formForIndex } from "@/core/block_layout.ts";
import { blankBucket, type BlockDictionary, inBlock, isWhole } from "@/core/bucket_block.ts";
import type { Bucket, Delta, Identity, IndexColumn, NumberColumn } from "@/core/bucket.ts";
import { DIMENSIONS } from "@/core/dimensions.ts";
import { emptyLedger, type Ledger, LEDGER_REASONS } from "@/core/ledger.ts";
import { MEASURES, VALUE_MAX, type Values, zeroValues } from "@/core/measures.ts";
import { TIERS } from "@/core/slices.ts";
import type { BucketDeltaMessage, BucketMessage, DimensionColumnMessage, LedgerLinesMessage } from "./schema.ts";

/** A delta that can be trusted, or why there is none: a clause to follow "sent a bucket that cannot be used:". */
export type DeltaReading = { readonly delta: Delta } | { readonly problem: string };

/**
 * The message of a delta. Its columns are the bucket's own memory: serialize it before anything else happens.
 *
 * @param readsCut whether the reader knows `content_checksum`: what a relay has cut still has the identity of what was counted
 */
export function deltaMessage({ identity, bucket }: Delta, readsCut = true): BucketDeltaMessage {
  const content = bucketChecksum(bucket), message = { ...identity, bucket: bucketMessage(bucket) };
  if (content === identity.checksum) return message;
  return readsCut ? { ...message, content_checksum: content } : { ...message, checksum: content };
}

/** Reads a delta from a message of any origin; never throws. The delta shares no memory with the message. */
export function readDelta(message: BucketDeltaMessage): DeltaReading {
  try {
    const identity = readIdentity(message);
    return { delta: { identity, bucket: readChecked(message.bucket, message.content_checksum || identity.checksum) } };
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.message };
    throw error;
  }
}

/** The same for a bucket alone. */
export function readCheckedBucket(
  message: BucketMessage | null,
  checksum: number,
): { readonly bucket: Bucket } | { readonly problem: string } {
  try {
    return { bucket: readChecked(message, checksum) };
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.message };
    throw error;
  }
}

// ---------------------------------------------------------------- writing

/** The message of a bucket: its columns are the bucket's own memory. */
export function bucketMessage(any: Bucket): BucketMessage {
  const bucket = inBlock(any);
  const { startS, lengthS, rows, dictionaries, indexes, measures, totals, ledger } = bucket;
  return {
    start: startS,
    length: lengthS,
    rows,
    dimensions: DIMENSIONS.map(({ name }, d) => dimensionMessage(name, dictionaries[d], indexes[d])),
    measures: MEASURES.map(({ name }, m) => {
      const { bytes, width } = cutColumn(measures[m]);
      return { name, values: bytes, width, total: totals[m] };
    }),
    ledger: LEDGER_REASONS.map((reason, r) => ({ reason, lines: ledger[r] })),
  };
}

function dimensionMessage(name: string, dictionary: BlockDictionary, index: IndexColumn): DimensionColumnMessage {
  const { size, lengths, bytes, givenUp, folded, lostMax, foldedMax } = dictionary;
  // Of the lengths, only those of a dictionary of OTHER and an absent value are all zero.
  const isConstant = formForIndex(constantOf(index), index.length, size) <= 0;
  const indexes = isConstant ? cutColumn(index) : wholeColumn(index);
  const lengthsOfEntries = constantOf(lengths) === 0 ? cutColumn(lengths) : wholeColumn(lengths);
  return {
    name,
    indexes: indexes.bytes,
    index_width: indexes.width,
    size,
    lengths: lengthsOfEntries.bytes,
    length_width: lengthsOfEntries.width,
    entries: bytes,
    measures: givenUp.map((column, m) => {
      const { bytes, width } = cutColumn(column);
      return {
        name: MEASURES[m].name,
        given_up: bytes,
        width,
        lost_max: lostMax[m],
        folded_max: foldedMax[m],
        folded: folded[m],
      };
    }),
  };
}

interface WireColumn {
  readonly bytes: Uint8Array;
  readonly width: number;
}

function wholeColumn(column: NumberColumn): WireColumn {
  // Every machine that Deno runs on is little-endian, as the wire is.
  return {
    bytes: new Uint8Array(column.buffer, column.byteOffset, column.byteLength),
    width: column.BYTES_PER_ELEMENT,
  };
}

/** Without the elements at the end that repeat the one before; without any when all are zero. */
function cutColumn(column: NumberColumn): WireColumn {
  let length = column.length;
  while (length > 1 && column[length - 1] === column[length - 2]) length--;
  if (length === 1 && column[0] === 0) length = 0;
  return wholeColumn(column.subarray(0, length) as NumberColumn);
}

/** What all elements are, if they are all the same. */
function constantOf(column: IndexColumn): number | undefined {
  let row = 1;
  while (row < column.length && column[row] === column[0]) row++;
  return row >= column.length ? column[0] : undefined;
}

// ---------------------------------------------------------------- reading

/** Thrown and caught in this file only, so that the checks below read as a list. */
class Refusal extends Error {}

function refuse(reason: string): never {
  throw new Refusal(reason);
}

function readChecked(message: BucketMessage | null, checksum: number): Bucket {
  if (message === null) refuse("it is empty");
  const bucket = readBucket(message);
  const problem = bucketProblem(bucket);
  if (problem !== undefined) refuse(problem);
  // A sender that knows other dimensions or measures than we do has summed up other columns.
  if (hasOurColumns(message) && bucketChecksum(bucket) !== checksum) refuse("its checksum does not match its content");
  return bucket;
}

function readIdentity(message: BucketDeltaMessage): Identity {
  const { source, instance, sequence, checksum } = message;
  const sourceBytes = new TextEncoder().encode(source).length;
  if (sourceBytes === 0) refuse("its source has no name");
  if (sourceBytes > SOURCE_NAME_BYTES_MAX) refuse(`the name of its source is ${sourceBytes} bytes long`);
  if (!/^[0-9a-f]{16}$/.test(instance)) refuse("its instance is not 16 hexadecimal digits");
  if (!(Number.isSafeInteger(sequence) && sequence >= 1)) refuse(`its sequence number is ${sequence}`);
  return { source, instance, sequence, checksum };
}

function readBucket(message: BucketMessage): Bucket {
  const { start, length, rows } = message;
  if (!TIERS.some((tier) => tier.sliceS === length)) refuse(`no slice is ${length} seconds long`);
  if (!(whole(start) && start % length === 0)) refuse(`no slice of ${length} seconds starts at ${start}`);
  if (rows > OPEN_ROWS_MAX) refuse(`it has ${rows} rows, more than ${OPEN_ROWS_MAX}`);
  const byMeasure = named(message.measures, (measure) => measure.name, "measure");
  const byDimension = named(message.dimensions, (dimension) => dimension.name, "dimension");
  const measures = MEASURES.map(({ name }) => byMeasure.get(name));
  const columns = measures.map((measure) =>
    measure === undefined ? NO_COLUMN : readCut(measure.values, measure.width, rows, `values of ${measure.name}`)
  );
  const dimensions = DIMENSIONS.map(({ name }) => {
    const dimension = byDimension.get(name);
    return dimension === undefined ? ABSENT : readDimension(dimension, rows);
  });
  // Rows and entries differ: a few bytes cannot be many of them, which would take the memory and the time of many.
  if (rows > 1 && dimensions.every(({ index }) => index.form <= 0)) refuse(`its ${rows} rows are all the same`);
  const bucket = blankBucket({
    startS: start,
    lengthS: length,
    rows,
    totals: readValues(measures, (measure) => measure.total, "total"),
    ledger: readLedger(message.ledger),
    measures: columns.map(({ form }) => form),
    dimensions: dimensions.map(({ plan }) => plan),
  });
  columns.forEach((column, m) => fill(bucket.measures[m], column));
  dimensions.forEach(({ index, lengths, givenUp, entries }, d) => {
    const dictionary = bucket.dictionaries[d];
    fill(bucket.indexes[d], index);
    fill(dictionary.lengths, lengths);
    dictionary.givenUp.forEach((column, m) => fill(column, givenUp[m]));
    dictionary.bytes.set(entries);
  });
  return bucket;
}

interface Dimension {
  readonly plan: DimensionPlan;
  readonly index: ReadColumn;
  readonly lengths: ReadColumn;
  readonly givenUp: readonly ReadColumn[];
  readonly entries: Uint8Array;
}

function readDimension(message: DimensionColumnMessage, rows: number): Dimension {
  const { name, size, entries } = message;
  // OTHER comes on top of the entries of an open slice.
  if (size < 1 || size > OPEN_ENTRIES_MAX + 1) refuse(`dimension ${name} has ${size} entries`);
  const index = readWhole(message.indexes, message.index_width, rows, `indexes of ${name}`);
  const lengths = readWhole(message.lengths, message.length_width, size, `lengths of ${name}`);
  if (lengths.form <= 0 && size > 2) refuse(`entries of ${name} are all the same`);
  const byName = named(message.measures, (measure) => measure.name, `measure of dimension ${name}`);
  const readings = MEASURES.map((measure) => byName.get(measure.name));
  const lostMax = readValues(readings, (reading) => reading.lost_max, `lost_max of ${name}`);
  const foldedMax = readValues(readings, (reading) => reading.folded_max, `folded_max of ${name}`);
  // Where nothing was lost, nothing was given up, whatever was sent.
  const whole = isWhole({ lostMax, foldedMax });
  const folded = whole ? zeroValues() : readValues(readings, (reading) => reading.folded, `folded of ${name}`);
  const givenUp = whole
    ? []
    : readings.map((reading) =>
      reading === undefined ? NO_COLUMN : readCut(reading.given_up, reading.width, size, `given_up of ${name}`)
    );
  const plan: DimensionPlan = {
    size,
    bytes: entries.length,
    index: index.form,
    lengths: lengths.form,
    givenUp: givenUp.map(({ form }) => form),
    folded,
    lostMax,
    foldedMax,
  };
  return { plan, index, lengths, givenUp, entries };
}

/** A column in a message, of which every length is right. */
interface ReadColumn {
  readonly form: Form;
  readonly bytes: Uint8Array;
}

const NO_COLUMN: ReadColumn = { form: ALL_ZERO, bytes: new Uint8Array(0) };

/** What every row of a dimension is that the sender does not know: absent, entry 1 after OTHER. */
const ABSENT: Dimension = {
  plan: {
    size: 2,
    bytes: 0,
    index: ALL_ONE,
    lengths: ALL_ZERO,
    givenUp: [],
    folded: zeroValues(),
    lostMax: zeroValues(),
    foldedMax: zeroValues(),
  },
  index: { form: ALL_ONE, bytes: new Uint8Array(0) },
  lengths: NO_COLUMN,
  givenUp: [],
  entries: new Uint8Array(0),
};

/** A column of `length` integers that are all there, or all 0, or all 1. */
function readWhole(bytes: Uint8Array, width: number, length: number, what: string): ReadColumn {
  const column = readCut(bytes, width, length, what);
  if (column.form === 8 || column.form > 0 && bytes.length !== column.form * length) {
    refuse(`${what} are ${bytes.length} bytes for ${length} elements`);
  }
  return column;
}

/** A column of `length` values; the last one that is there stands for those that are missing. */
function readCut(bytes: Uint8Array, told: number, length: number, what: string): ReadColumn {
  if (bytes.length === 0) return NO_COLUMN;
  const width = told === 0 ? bytes.length / length : told, there = bytes.length / width;
  if (!(width === 1 || width === 2 || width === 4 || width === 8) || !Number.isInteger(there) || there > length) {
    refuse(`${what} are ${bytes.length} bytes for ${length} elements`);
  }
  if (there === 1 && width === 1 && bytes[0] <= 1) return { form: bytes[0] === 0 ? ALL_ZERO : ALL_ONE, bytes };
  return { form: width, bytes };
}

/** Copies a column to its place in a block and repeats its last element. */
function fill(column: NumberColumn, { form, bytes }: ReadColumn): void {
  if (form <= 0) return;
  new Uint8Array(column.buffer, column.byteOffset, column.byteLength).set(bytes);
  const there = bytes.length / form;
  column.fill(column[there - 1], there);
}

/** One number per measure; zero where the sender has no such measure. */
function readValues<Message>(
  readings: readonly (Message | undefined)[],
  value: (message: Message) => number,
  what: string,
): Values {
  const values = zeroValues();
  readings.forEach((reading, m) => {
    if (reading === undefined) return;
    values[m] = value(reading);
    if (!whole(values[m])) refuse(`${what} of ${MEASURES[m].name} is ${values[m]}`);
  });
  return values;
}

/** Reasons that only a newer sender knows are left out; its `read` then exceeds the rest by that much. */
function readLedger(messages: readonly LedgerLinesMessage[]): Ledger {
  const ledger = emptyLedger();
  const byName = named(messages, (message) => message.reason, "ledger reason");
  LEDGER_REASONS.forEach((reason, r) => {
    const lines = byName.get(reason)?.lines ?? 0;
    if (!whole(lines)) refuse(`its ledger says ${lines} lines ${reason}`);
    ledger[r] = lines;
  });
  return ledger;
}

function named<Message>(
  messages: readonly Message[],
  name: (message: Message) => string,
  what: string,
): ReadonlyMap<string, Message> {
  const map = new Map(messages.map((message) => [name(message), message]));
  if (map.size !== messages.length) refuse(`a ${what} comes twice`);
  return map;
}

/** Whether a number can be a count. -0 cannot: it would not survive a comparison of bytes. */
function whole(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= VALUE_MAX && !Object.is(value, -0);
}

/** Whether a message has all columns we know and no others, so that its checksum is about the bucket we made of it. */
function hasOurColumns(message: BucketMessage): boolean {
  const ours = (messages: readonly { readonly name: string }[], known: readonly { readonly name: string }[]): boolean =>
    messages.length === known.length && known.every(({ name }) => messages.some((message) => message.name === name));
  return ours(message.dimensions, DIMENSIONS) && ours(message.measures, MEASURES) &&
    message.dimensions.every(({ measures }) => measures.length === 0 || ours(measures, MEASURES)) &&
    message.ledger.length === LEDGER_REASONS.length &&
    LEDGER_REASONS.every((reason) => message.ledger.some((lines) => lines.reason === reason));
}
