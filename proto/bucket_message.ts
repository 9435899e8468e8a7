/**
 * A bucket as a message, and back. The layout is documented field by field in `logtail.proto`.
 *
 * Whoever receives a message does not trust it: every length, index and number is checked before a bucket is made of
 * it, so that no later step has to. Columns are copied, because the `bytes` of a message share the receive buffer
 * (which would stay alive as a whole) and start at any address (which a typed array of wider numbers refuses).
 */
import { ENTRY_BYTES_MAX, OPEN_ENTRIES_MAX, OPEN_ROWS_MAX, SOURCE_NAME_BYTES_MAX } from "@/core/bounds.ts";
import { bucketChecksum, bucketProblem } from "@/core/bucket_check.ts";
import {
  type Bucket,
  type Delta,
  type Dictionary,
  type Identity,
  type IndexColumn,
  indexColumn,
  type NumberColumn,
  numberColumn,
} from "@/core/bucket.ts";
import { DIMENSIONS } from "@/core/dimensions.ts";
import { emptyLedger, type Ledger, LEDGER_REASONS } from "@/core/ledger.ts";
import { MEASURES, type Values, zeroValues } from "@/core/measures.ts";
import { TIERS } from "@/core/slices.ts";
import type {
  BucketDeltaMessage,
  BucketMessage,
  DimensionColumnMessage,
  LedgerLinesMessage,
  MeasureColumnMessage,
} from "./schema.ts";

/** A delta that can be trusted, or why there is none: a clause to follow "sent a bucket that cannot be used:". */
export type DeltaReading = { readonly delta: Delta } | { readonly problem: string };

/** The message of a delta. Its columns are the bucket's own memory: serialize it before anything else happens. */
export function deltaMessage(delta: Delta): BucketDeltaMessage {
  return { ...delta.identity, bucket: bucketMessage(delta.bucket) };
}

/** Reads a delta from a message of any origin; never throws. The delta shares no memory with the message. */
export function readDelta(message: BucketDeltaMessage): DeltaReading {
  try {
    const identity = readIdentity(message);
    if (message.bucket === null) refuse("it is empty");
    const bucket = readBucket(message.bucket);
    const problem = bucketProblem(bucket);
    if (problem !== undefined) refuse(problem);
    // A sender that knows other dimensions or measures than we do has summed up other columns.
    if (hasOurColumns(message.bucket) && bucketChecksum(bucket) !== identity.checksum) {
      refuse("its checksum does not match its content");
    }
    return { delta: { identity, bucket } };
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.message };
    throw error;
  }
}

// ---------------------------------------------------------------- writing

function bucketMessage(bucket: Bucket): BucketMessage {
  return {
    start: bucket.startS,
    length: bucket.lengthS,
    rows: bucket.rows,
    dimensions: DIMENSIONS.map(({ name }, d) =>
      dimensionMessage(name, bucket.dictionaries[d], columnBytes(bucket.indexes[d]))
    ),
    measures: MEASURES.map(({ name }, m) => ({
      name,
      values: columnBytes(bucket.measures[m]),
      total: bucket.totals[m],
    })),
    ledger: LEDGER_REASONS.map((reason, r) => ({ reason, lines: bucket.ledger[r] })),
  };
}

function dimensionMessage(name: string, dictionary: Dictionary, indexes: Uint8Array): DimensionColumnMessage {
  const { size, offsets } = dictionary;
  const lengths = new Uint32Array(size);
  for (let entry = 0; entry < size; entry++) lengths[entry] = offsets[entry + 1] - offsets[entry];
  return {
    name,
    indexes,
    size,
    lengths: columnBytes(numberColumn(lengths)),
    entries: dictionary.bytes.subarray(0, offsets[size]),
    measures: MEASURES.map((measure, m) => ({
      name: measure.name,
      marginals: columnBytes(dictionary.marginals[m]),
      lost_max: dictionary.lostMax[m],
      folded_max: dictionary.foldedMax[m],
    })),
  };
}

/** The bytes of a column. Every machine that Deno runs on is little-endian, as the wire is. */
function columnBytes(column: NumberColumn): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

// ---------------------------------------------------------------- reading

/** Thrown and caught in this file only, so that the checks below read as a list. */
class Refusal extends Error {}

function refuse(reason: string): never {
  throw new Refusal(reason);
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
  const measures = readMeasures(message.measures, rows);
  const totals = readTotals(message.measures);
  const byName = named(message.dimensions, (dimension) => dimension.name, "dimension");
  const columns = DIMENSIONS.map(({ name }) => {
    const dimension = byName.get(name);
    return dimension === undefined ? absentDimension(rows, totals) : readDimension(dimension, rows);
  });
  return {
    startS: start,
    lengthS: length,
    rows,
    dictionaries: columns.map((column) => column.dictionary),
    indexes: columns.map((column) => column.indexes),
    measures,
    totals,
    ledger: readLedger(message.ledger),
  };
}

interface Dimension {
  readonly dictionary: Dictionary;
  readonly indexes: IndexColumn;
}

function readDimension(message: DimensionColumnMessage, rows: number): Dimension {
  const { name, size } = message;
  // OTHER comes on top of the entries of an open slice.
  if (size < 1 || size > OPEN_ENTRIES_MAX + 1) refuse(`dimension ${name} has ${size} entries`);
  const indexes = rows === 0
    ? emptyColumn(message.indexes, indexColumn(0, size), `indexes of ${name}`)
    : readIndexes(message.indexes, rows, `indexes of ${name}`);
  for (let row = 0; row < rows; row++) {
    if (indexes[row] >= size) refuse(`row ${row} has entry ${indexes[row]} of the ${size} of dimension ${name}`);
  }
  const offsets = readOffsets(message, size);
  const byName = named(message.measures, (measure) => measure.name, `measure of dimension ${name}`);
  const readings = MEASURES.map((measure) => byName.get(measure.name));
  return {
    indexes,
    dictionary: {
      size,
      offsets,
      bytes: new Uint8Array(message.entries),
      marginals: readings.map((reading) =>
        reading === undefined ? new Uint8Array(size) : readNumbers(reading.marginals, size, `marginals of ${name}`)
      ),
      lostMax: readValues(readings, (reading) => reading.lost_max, `lost_max of ${name}`),
      foldedMax: readValues(readings, (reading) => reading.folded_max, `folded_max of ${name}`),
    },
  };
}

function readOffsets(message: DimensionColumnMessage, size: number): Uint32Array<ArrayBuffer> {
  const { name, entries } = message;
  const lengths = readIndexes(message.lengths, size, `lengths of ${name}`);
  if (lengths[0] !== 0) refuse(`OTHER of dimension ${name} is not empty`);
  const offsets = new Uint32Array(size + 1);
  let end = 0;
  for (let entry = 0; entry < size; entry++) {
    if (lengths[entry] > ENTRY_BYTES_MAX) refuse(`entry ${entry} of ${name} is ${lengths[entry]} bytes long`);
    end += lengths[entry];
    offsets[entry + 1] = end;
  }
  if (end !== entries.length) refuse(`entries of ${name} are ${entries.length} bytes, their lengths say ${end}`);
  return offsets;
}

/** What every row of a dimension is that the sender does not know: absent. */
function absentDimension(rows: number, totals: Values): Dimension {
  return {
    indexes: new Uint8Array(rows).fill(1),
    dictionary: {
      size: 2,
      offsets: new Uint32Array(3),
      bytes: new Uint8Array(0),
      marginals: MEASURES.map((_, m) => numberColumn([0, totals[m]])),
      lostMax: zeroValues(),
      foldedMax: zeroValues(),
    },
  };
}

function readMeasures(messages: readonly MeasureColumnMessage[], rows: number): readonly NumberColumn[] {
  const byName = named(messages, (message) => message.name, "measure");
  return MEASURES.map(({ name }) => {
    const message = byName.get(name);
    if (message === undefined) return new Uint8Array(rows);
    return rows === 0
      ? emptyColumn(message.values, new Uint8Array(0), `values of ${name}`)
      : readNumbers(message.values, rows, `values of ${name}`);
  });
}

function readTotals(messages: readonly MeasureColumnMessage[]): Values {
  const readings = MEASURES.map(({ name }) => messages.find((message) => message.name === name));
  return readValues(readings, (message) => message.total, "total");
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

/** A column of `length` (at least 1) integers. */
function readIndexes(bytes: Uint8Array, length: number, what: string): IndexColumn {
  const { buffer } = new Uint8Array(bytes);
  switch (bytes.length / length) {
    case 1:
      return new Uint8Array(buffer);
    case 2:
      return new Uint16Array(buffer);
    case 4:
      return new Uint32Array(buffer);
  }
  return refuse(`${what} are ${bytes.length} bytes for ${length} elements`);
}

/** A column of `length` (at least 1) values. */
function readNumbers(bytes: Uint8Array, length: number, what: string): NumberColumn {
  if (bytes.length !== 8 * length) return readIndexes(bytes, length, what);
  const column = new Float64Array(new Uint8Array(bytes).buffer);
  for (let i = 0; i < length; i++) if (!whole(column[i])) refuse(`${what} hold ${column[i]}`);
  return column;
}

function emptyColumn<Column>(bytes: Uint8Array, column: Column, what: string): Column {
  return bytes.length === 0 ? column : refuse(`${what} are ${bytes.length} bytes for no rows`);
}

/** Whether a number can be a count. -0 cannot: it would not survive a comparison of bytes. */
function whole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}

/** Whether a message has all columns we know and no others, so that its checksum is about the bucket we made of it. */
function hasOurColumns(message: BucketMessage): boolean {
  const ours = (messages: readonly { readonly name: string }[], known: readonly { readonly name: string }[]): boolean =>
    messages.length === known.length && known.every(({ name }) => messages.some((message) => message.name === name));
  return ours(message.dimensions, DIMENSIONS) && ours(message.measures, MEASURES) &&
    message.dimensions.every((dimension) => ours(dimension.measures, MEASURES)) &&
    message.ledger.length === LEDGER_REASONS.length &&
    LEDGER_REASONS.every((reason) => message.ledger.some((lines) => lines.reason === reason));
}
