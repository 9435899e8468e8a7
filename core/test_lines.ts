/**
 * Fixtures of the core's tests and benches: traffic as log lines and as numbers, from one seed.
 */
import { DIMENSION_COUNT, SOURCE } from "./dimensions.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { CHUNK_PADDING, type ClientMasks, ENTRY_WORDS, LineBatch, type LineFormat } from "./line_batch.ts";
import type { CounterTable } from "./counter_table.ts";
import { Kernel } from "./kernel.ts";
import { COUNTED, LEDGER_REASONS } from "./ledger.ts";
import { countRow } from "./test_tables.ts";

/** A small, fast pseudo-random generator: numbers in [0, 1). Xorshift32 (Marsaglia 2003). */
export function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** One request: the value of each dimension as text ("" is absent), and its measures. */
export interface Request {
  readonly values: readonly string[];
  readonly measures: readonly number[];
}

/** Counts a request in a table as the pipeline does, but from text. */
export function countRequest(table: CounterTable, { values, measures }: Request): void {
  const ids = new Int32Array(DIMENSION_COUNT);
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const bytes = ENCODER.encode(values[d]);
    ids[d] = table.dictionaries[d].intern(bytes, 0, bytes.length);
  }
  countRow(table, ids, measures);
}

/**
 * A random request over `spread` prefixes and URIs and, as in real traffic, far fewer values of the other dimensions;
 * few values are frequent, many are rare.
 */
export function randomRequest(random: () => number, spread: number): Request {
  const pick = (values: number): number => Math.floor(values * random() ** 3);
  const prefix = pick(spread);
  const values = [
    `w${pick(Math.ceil(spread / 20))}`,
    `p${prefix}`,
    `u${pick(spread)}`,
    `${200 + 100 * pick(4)}`,
    ["GET", "POST", "HEAD"][pick(3)],
    `${64_496 + prefix % 100}`,
    "",
    `${prefix % 50 === 49 ? 1 : 0}`,
    "c",
  ];
  return {
    values,
    measures: Array.from({ length: MEASURE_COUNT }, (_, m) => m === 0 ? 1 : Math.floor(1000 * random())),
  };
}

/** That of all lines staged here. */
let kernel: Kernel | undefined;

/** What a format makes of one line. */
export interface StagedLine {
  /** Name of the ledger reason. */
  readonly reason: string;
  /** Entry of each dimension that the format stages; undefined for that of the collector. The tag of the input is empty. */
  readonly entries: readonly (Uint8Array | undefined)[];
  readonly hashes: readonly number[];
  readonly timeS: number;
  readonly measures: readonly number[];
}

/** Stages a line without its newline; by `scan` alone, which may decline (undefined), or by `parse` alone. */
export function stageLine(
  format: LineFormat,
  by: "scan" | "parse",
  line: Uint8Array,
  masks: ClientMasks,
  before = 0,
): StagedLine | undefined {
  kernel ??= new Kernel();
  const { chunk: bytes, chunkView: view } = kernel, newline = before + line.length;
  bytes.fill(0x55, 0, newline + 1 + CHUNK_PADDING);
  bytes.set(line, before);
  bytes[newline] = 10;
  kernel.beginChunk();
  const batch = new LineBatch(7, masks, kernel);
  let reason = COUNTED;
  if (by === "parse") reason = format.parse(bytes, before, newline, batch);
  else {
    const next = format.scan(bytes, view, before, newline + 1, batch);
    if (next === before) return undefined;
    if (next !== newline + 1) throw new Error(`the next line begins at ${newline + 1}, not at ${next}`);
  }
  if (reason === COUNTED && !batch.hasOptional) batch.stageAbsent(0, newline);
  if (reason === COUNTED) batch.beginTag();
  batch.count = Math.max(batch.count, 1);
  batch.hashRest(view);
  const entries = Array.from({ length: DIMENSION_COUNT }, (_, d) => {
    const [, start, length] = batch.staged.subarray(d * ENTRY_WORDS, (d + 1) * ENTRY_WORDS);
    if (d === SOURCE || reason !== COUNTED) return undefined;
    return start < 0 ? batch.scratch.slice(~start, ~start + length) : bytes.slice(start, start + length);
  });
  return {
    reason: LEDGER_REASONS[reason],
    entries,
    hashes: Array.from({ length: DIMENSION_COUNT }, (_, d) => batch.staged[d * ENTRY_WORDS]),
    timeS: batch.times[0],
    measures: [...batch.values.subarray(0, MEASURE_COUNT)],
  };
}

const ENCODER = new TextEncoder();
