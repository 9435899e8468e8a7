/**
 * The memory budget: the most that a role's data can take, added up from the bounds, and printed when it starts.
 *
 * Every term is what `bounds.ts` and `slices.ts` allow at worst, not what is usual: every table full, with values as long
 * as they may be. The runtime comes on top: what Deno takes before there is any data, and what was freed and has not gone
 * back to the machine yet.
 */
import {
  AHEAD_SECONDS_MAX,
  BATCH_LINES,
  CHUNK_BYTES,
  DELTA_BYTES_MAX,
  DERIVED_BYTES_MAX,
  ENTRY_BYTES_MAX,
  MAKE_DELAY_SECONDS,
  OPEN_BYTES_MAX,
  OPEN_ENTRIES_MAX,
  OPEN_ENTRY_BYTES_MAX,
  OPEN_ROWS_MAX,
  STORE_PENDING_BYTES_MAX,
  SUBSCRIBER_QUEUE_BYTES_MAX,
} from "./bounds.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { DIMENSION_COUNT, DIMENSIONS, SOURCE, TAG } from "./dimensions.ts";
import { type Caps, FINEST_S, type Tier, TIERS } from "./slices.ts";
import { LINE_WORDS } from "./line_batch.ts";
import { ROW_DOUBLES, TABLE_ROWS_MAX } from "./counter_table.ts";
import { BLOCK_OVERHEAD_BYTES, VIEWS_BYTES } from "./bucket_block.ts";

/** One line of the budget. */
export interface MemoryTerm {
  /** A few words, as printed. */
  readonly name: string;
  readonly bytes: number;
}

export interface MemoryBudget {
  readonly terms: readonly MemoryTerm[];
  /** Their sum. */
  readonly dataBytes: number;
  /** Bytes that the process may take beyond its data. */
  readonly runtimeBytes: number;
}

export interface BudgetOptions {
  /** 0 for a role that reads no logs. */
  readonly ingestThreads: number;
  /** Sources whose clocks may be ahead send slices before their time. */
  readonly followsSources: boolean;
}

/**
 * Bytes of a role without data: the runtime, the program and gRPC (measured: 75 MB), what V8 lets its heap grow by before
 * it looks for garbage, and what the allocator keeps in pieces.
 */
const RUNTIME_BYTES = 160e6;

/** The same for one more thread: a worker with its own heap. */
const THREAD_BYTES = 40e6;

/** What a role can take with these flags. */
export function memoryBudget({ ingestThreads, followsSources }: BudgetOptions): MemoryBudget {
  const terms = [
    ...(ingestThreads === 0 ? [] : [
      { name: "open slices", bytes: ingestThreads * (OPEN_BYTES_MAX + openTableBytes()) },
      { name: "read buffers", bytes: ingestThreads * (CHUNK_BYTES + batchBytes()) },
    ]),
    ...TIERS.map((tier, t) => ({ name: `${tier.sliceS} s slots`, bytes: ringBytes(tier, t, followsSources) })),
    { name: "unmerged deltas", bytes: STORE_PENDING_BYTES_MAX },
    { name: "one merge", bytes: mergeBytes() },
    { name: "delta log", bytes: DELTA_BYTES_MAX },
    { name: "kept for questions", bytes: DERIVED_BYTES_MAX },
    { name: "snapshots for subscribers", bytes: SUBSCRIBER_QUEUE_BYTES_MAX },
  ];
  return {
    terms,
    dataBytes: terms.reduce((sum, { bytes }) => sum + bytes, 0),
    runtimeBytes: RUNTIME_BYTES + ingestThreads * THREAD_BYTES,
  };
}

/** The budget as facts for one line of the log, in megabytes. */
export function budgetFacts({ terms, dataBytes, runtimeBytes }: MemoryBudget): Readonly<Record<string, number>> {
  const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
  const parts = terms.map(({ name, bytes }) => [`${name.replaceAll(" ", "_")}_mb`, megabytes(bytes)]);
  return { data_mb: megabytes(dataBytes), runtime_mb: megabytes(runtimeBytes), ...Object.fromEntries(parts) };
}

/** Slots of one ring with their buckets at the caps in bytes. */
function ringBytes({ slots, freshCaps, caps }: Tier, t: number, followsSources: boolean): number {
  const coarserS = TIERS[t + 1]?.sliceS ?? 0, { sliceS } = TIERS[t];
  // Until the coarser slot is made of them: its own slices, those of the delay, and the one that is now.
  const fresh = coarserS === 0 ? 0 : coarserS / sliceS + Math.ceil(MAKE_DELAY_SECONDS / sliceS) + 1;
  const ahead = followsSources ? Math.ceil((AHEAD_SECONDS_MAX + FINEST_S) / sliceS) : 1;
  return (fresh + ahead) * bucketBytesMax(freshCaps) + Math.max(0, slots - fresh) * bucketBytesMax(caps);
}

function bucketBytesMax({ bytesMax = Infinity }: Caps): number {
  return bytesMax + BLOCK_OVERHEAD_BYTES + VIEWS_BYTES;
}

/** A table as full as it may be while lines are counted: rows, their index, and a dictionary for each dimension. */
function openTableBytes(): number {
  return rowsBytes(OPEN_ROWS_MAX) + DIMENSIONS.reduce((sum, _, d) => sum + dictionaryBytes(d), 0);
}

/** The same while buckets are merged, and the block that it becomes. */
function mergeBytes(): number {
  const largest = Math.max(...TIERS.map(({ freshCaps }) => bucketBytesMax(freshCaps)));
  return rowsBytes(TABLE_ROWS_MAX) + DIMENSIONS.reduce((sum, _, d) => sum + dictionaryBytes(d), 0) + largest;
}

/** Rows double when they are full, and the index has two slots a row; while they grow, what is outgrown is freed at once. */
function rowsBytes(rows: number): number {
  const room = 2 ** Math.ceil(Math.log2(rows));
  return room * ROW_DOUBLES * 8 + 2 * room * 4;
}

/**
 * Entries of one dimension: slots, records, the arena, which doubles when it is full, and what roll-up took from each. An
 * input has one tag, a collector one name.
 */
function dictionaryBytes(d: number): number {
  if (isOfInput(d)) return 0;
  const head = 12, padding = 3, slots = 4 * 4 * 2, record = 4 * 2, givenUp = 2 * MEASURE_COUNT * 8;
  const arena = 2 * (OPEN_ENTRY_BYTES_MAX + OPEN_ENTRIES_MAX * (head + padding));
  return OPEN_ENTRIES_MAX * (slots + record + givenUp) + arena;
}

/** Lines staged, and the scratch of entries that are written anew. */
function batchBytes(): number {
  return BATCH_LINES * (LINE_WORDS * 4 + DIMENSION_COUNT * (ENTRY_BYTES_MAX + 4) + MEASURE_COUNT * 8);
}

/** Whether a dimension has one value an input or a collector, whatever clients send. */
function isOfInput(d: number): boolean {
  return d === TAG || d === SOURCE;
}
