/**
 * Lines staged between parsing and counting, as columns.
 *
 * A format's parser fills one place a line; the pipeline then looks up all entries, then counts. Three short loops over
 * 256 lines keep each loop's tables in the cache and leave room for the engine to look ahead.
 *
 *   starts[line * DIMENSION_COUNT + d] … ends[…]   bytes of dimension d's entry: where they stand in the chunk, or, when
 *   inScratch[…] is 1                              in `scratch`, for what the parser had to write anew
 *   times[line]                                    seconds since 1970
 *   values[line * MEASURE_COUNT + m]               measures
 */
import { BATCH_LINES, ENTRY_BYTES_MAX } from "./bounds.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { DIMENSION_COUNT } from "./dimensions.ts";

/** Bytes of a client's prefix entry at most: two of header, sixteen of address. */
export const PREFIX_ENTRY_BYTES = 18;

/** Fields of a line that can be written anew because the log escapes them: every dimension but the prefix. */
const ESCAPED_FIELDS_MAX = DIMENSION_COUNT - 1;

export interface LineBatch {
  /** Lines staged; at most BATCH_LINES. */
  count: number;
  readonly starts: Int32Array<ArrayBuffer>;
  readonly ends: Int32Array<ArrayBuffer>;
  readonly inScratch: Uint8Array<ArrayBuffer>;
  readonly scratch: Uint8Array<ArrayBuffer>;
  /** Bytes of `scratch` in use: the parser writes behind them. There is always room for one more line. */
  scratchLength: number;
  readonly times: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
}

export function lineBatch(): LineBatch {
  return {
    count: 0,
    starts: new Int32Array(BATCH_LINES * DIMENSION_COUNT),
    ends: new Int32Array(BATCH_LINES * DIMENSION_COUNT),
    inScratch: new Uint8Array(BATCH_LINES * DIMENSION_COUNT),
    scratch: new Uint8Array(BATCH_LINES * (PREFIX_ENTRY_BYTES + ESCAPED_FIELDS_MAX * ENTRY_BYTES_MAX)),
    scratchLength: 0,
    times: new Float64Array(BATCH_LINES),
    values: new Float64Array(BATCH_LINES * MEASURE_COUNT),
  };
}

/**
 * What every format offers: parses the line that begins at `start` and ends with the newline at `newline`, and stages
 * it in place `batch.count`.
 *
 * Returns COUNTED, or the ledger reason for which the line is not staged. Never throws, whatever the bytes.
 */
export type LineParser = (
  bytes: Uint8Array,
  start: number,
  newline: number,
  batch: LineBatch,
  masks: ClientMasks,
) => number;

/** Lengths of the client prefixes, in bits. */
export interface ClientMasks {
  readonly v4Bits: number;
  readonly v6Bits: number;
}
