/**
 * The memory budget: the most that a role's data can take, added up from the bounds, and printed when it starts.
 *
 * Every term is what `bounds.ts` and `slices.ts` allow at worst, not what is usual: every table full, with values as long
 * as they may be, and slots that gain nothing by being packed. The runtime comes on top: what Deno takes before there is any data, and what was freed and has not gone
 * back to the machine yet.
 */
import {
  AHEAD_SECONDS_MAX,
  BATCH_LINES,
  BUCKET_MESSAGE_BYTES_MAX,
  CHUNK_BYTES,
  DELTA_BYTES_MAX,
  DERIVED_BYTES_MAX,
  ENTRY_BYTES_MAX,
  HTTP_BYTES_MAX,
  KERNEL_BYTES_MAX,
  MAKE_DELAY_SECONDS,
  MERGES_MAX,
  METRICS_LABEL_CHARS_MAX,
  METRICS_REQUEST_SERIES_MAX,
  METRICS_SPREADS_MAX,
  MIRROR_NEWS_BYTES,
  OPEN_BYTES_MAX,
  OPEN_ENTRIES_MAX,
  OPEN_ENTRY_BYTES_MAX,
  OPEN_ROWS_MAX,
  PASSED_SLOTS_BYTES_MAX,
  SOCKET_BATCH_BYTES,
  SOCKET_BATCH_MESSAGES_MAX,
  SOCKET_BATCHES_MAX,
  SOURCE_NAME_BYTES_MAX,
  SPREAD_SERIES_MAX,
  STATE_QUEUE_BYTES_MAX,
  STATE_SEGMENT_BYTES,
  STATE_WRITE_BYTES_MAX,
  STORE_PENDING_BYTES_MAX,
  SUBSCRIBER_QUEUE_BYTES_MAX,
  SYSLOG_CONNECTIONS_MAX,
  SYSLOG_READ_BYTES,
  SYSLOG_UNFINISHED_BYTES_MAX,
  UNPACKED_BYTES_MAX,
  UNTAKEN_BYTES_MAX,
  UNTIDY_MAX,
  WAITING_BYTES_MAX,
} from "./bounds.ts";
import { MEASURE_COUNT } from "./measures.ts";
import { DIMENSION_COUNT, DIMENSIONS, SOURCE, STATUS } from "./dimensions.ts";
import { type Caps, FINEST_S, type Tier, TIERS } from "./slices.ts";
import { SLIM_WORDS } from "./slim_rows.ts";
import { LINE_WORDS } from "./line_batch.ts";
import { KNOWN_PART, ROOMY } from "./sift.ts";
import { CROWDED_OUT_BYTES } from "./intern.ts";
import { ROW_DOUBLES, TABLE_ROWS_MAX } from "./counter_table.ts";
import { CELLS } from "./line_spread.ts";
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

/** What of a role's flags decides about its memory. */
export interface BudgetOptions {
  /** 0 for a role that reads no logs. */
  readonly ingestThreads: number;
  /** Inputs that are no files; each has a thread that receives. */
  readonly sockets?: number;
  /** Sources whose clocks may be ahead send slices before their time. */
  readonly followsSources: boolean;
  /** How many of these; for each of them there is a connection, and a message or two on their way. */
  readonly sources?: number;
  /** Whether what was sealed is saved before it is delivered. */
  readonly savesState?: boolean;
  /** Whether it tells what websites were asked for; see `line_spread.ts`. */
  readonly showsRequests?: boolean;
}

/**
 * Bytes of a role without data: the runtime, the program and gRPC (measured: 75 MB), what V8 lets its heap grow by before
 * it looks for garbage, and what the allocator keeps in pieces.
 */
const RUNTIME_BYTES = 160e6;

/** The same for one more thread: a worker with its own heap (measured: 12 to 17 MB when it starts). */
const THREAD_BYTES = 40e6;

/**
 * Bytes for one source that is followed: connection, HTTP/2 and gRPC (measured: 0.2 MB), its identities in every slot, a message
 * that has come and waits for its turn, and the next one on its way, in pieces and then whole.
 */
export const SOURCE_BYTES = 0.5e6 + 2 * BUCKET_MESSAGE_BYTES_MAX;

/** What a role can take with these flags. */
export function memoryBudget(options: BudgetOptions): MemoryBudget {
  const { ingestThreads, sockets = 0, followsSources, sources = 0, savesState = false, showsRequests = false } =
    options;
  const terms = [
    { name: "open slices", bytes: ingestThreads * openBytes() },
    // Pages that they have touched and that no open table uses.
    { name: "kernels", bytes: ingestThreads * KERNEL_BYTES_MAX },
    { name: "read buffers", bytes: ingestThreads * (CHUNK_BYTES + batchBytes()) },
    { name: "received batches", bytes: sockets * receivedBytes() },
    // What one seal adds is at most half of what it is made of.
    { name: "sealed on the way", bytes: ingestThreads * (UNTAKEN_BYTES_MAX + OPEN_BYTES_MAX / 2) },
    ...TIERS.map((tier, t) => ({ name: `${tier.sliceS} s slots`, bytes: ringBytes(tier, t, followsSources) })),
    { name: "unmerged deltas", bytes: STORE_PENDING_BYTES_MAX },
    { name: "one merge", bytes: mergeBytes() },
    { name: "merges under way", bytes: followsSources ? openMergesBytes() : 0 },
    { name: "slots to be cut", bytes: followsSources ? UNTIDY_MAX * bucketBytesMax(TIERS[0].freshCaps) : 0 },
    { name: "sources", bytes: sources * SOURCE_BYTES },
    { name: "roll-up scratch", bytes: rollUpBytes(TABLE_ROWS_MAX) + ingestThreads * rollUpBytes(OPEN_ROWS_MAX) },
    { name: "delta log", bytes: DELTA_BYTES_MAX },
    { name: "slots passed on", bytes: followsSources ? PASSED_SLOTS_BYTES_MAX : 0 },
    { name: "waiting to be saved", bytes: savesState ? STATE_QUEUE_BYTES_MAX + STATE_WRITE_BYTES_MAX : 0 },
    { name: "kept for questions", bytes: DERIVED_BYTES_MAX },
    { name: "unpacked for questions", bytes: followsSources ? 0 : UNPACKED_BYTES_MAX },
    { name: "slots for questions", bytes: followsSources ? mirrorBytes() : 0 },
    { name: "snapshots for subscribers", bytes: SUBSCRIBER_QUEUE_BYTES_MAX },
    { name: "metrics of requests", bytes: showsRequests ? requestMetricsBytes() : 0 },
  ].filter(({ bytes }) => bytes > 0);
  return {
    terms,
    dataBytes: terms.reduce((sum, { bytes }) => sum + bytes, 0),
    runtimeBytes: RUNTIME_BYTES + (ingestThreads + sockets + (followsSources ? 1 : 0)) * THREAD_BYTES,
  };
}

/** The budget as facts for one line of the log, in megabytes. */
export function budgetFacts({ terms, dataBytes, runtimeBytes }: MemoryBudget): Readonly<Record<string, number>> {
  const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
  const parts = terms.map(({ name, bytes }) => [`${name.replaceAll(/[ -]/g, "_")}_mb`, megabytes(bytes)]);
  return { data_mb: megabytes(dataBytes), runtime_mb: megabytes(runtimeBytes), ...Object.fromEntries(parts) };
}

/**
 * Bytes on disk beyond which a role with this state lets go of what it could spare: twice all that a restart can need, and what
 * is being written.
 */
export function stateBytesMax(followsSources: boolean): number {
  const slots = TIERS.reduce((sum, tier, t) => sum + ringBytes(tier, t, followsSources), 0);
  return 2 * (slots + DELTA_BYTES_MAX) + STATE_SEGMENT_BYTES + STATE_WRITE_BYTES_MAX;
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

/**
 * Tables of one thread. Several together stay below OPEN_BYTES_MAX but for what a chunk adds, for which each of their columns
 * can have to double; a single one is bounded by its own caps. Spare ones are half of the bound at most.
 */
function openBytes(): number {
  return Math.max(2 * OPEN_BYTES_MAX, tableBytes(OPEN_ROWS_MAX, true)) + OPEN_BYTES_MAX / 2;
}

/** The table of a merge, as full as it may be, and the block that it becomes. */
function mergeBytes(): number {
  return tableBytes(TABLE_ROWS_MAX, false) + Math.max(...TIERS.map(({ freshCaps }) => bucketBytesMax(freshCaps)));
}

/** Merges that go on: their tables, what sifts, buckets that wait, a bucket of all rows that a question looks at; and outlooks. */
function openMergesBytes(): number {
  const each = tableBytes(OPEN_ROWS_MAX, false) + siftBytes() + WAITING_BYTES_MAX + lookedBytes();
  return MERGES_MAX * each + TIERS.length * KNOWN_PART / 3 * dictionariesBytes();
}

/**
 * What sifts: values that are known, fewer than a table has; what its entries had given up; sums of what is not entered; and
 * of one bucket its rows and entries. What an outlook knows is what a bucket keeps, a third of that.
 */
function siftBytes(): number {
  const entries = DIMENSIONS.reduce((sum, _, d) => sum + entriesOf(d), 0), sums = DIMENSION_COUNT * 512 * 1024;
  const bucket = OPEN_ROWS_MAX * (8 + DIMENSION_COUNT * 4) + entries * (8 + 1 + 3 * 4 + 8 * MEASURE_COUNT);
  return KNOWN_PART * dictionariesBytes() + entries * 8 * MEASURE_COUNT + sums + ROOMY * bucket;
}

function dictionariesBytes(): number {
  return DIMENSIONS.reduce((sum, _, d) => sum + dictionaryBytes(d), 0);
}

/** The bucket of all rows of a merge that goes on. */
function lookedBytes(): number {
  const entries = DIMENSIONS.reduce((sum, _, d) => sum + entriesOf(d), 0);
  const text = DIMENSIONS.reduce((sum, _, d) => sum + (entriesOf(d) < OPEN_ENTRIES_MAX ? 0 : OPEN_ENTRY_BYTES_MAX), 0);
  return OPEN_ROWS_MAX * 8 * ROW_DOUBLES + entries * (4 + 8 * MEASURE_COUNT) + text;
}

/**
 * All slots once more in the thread that answers, as they were told, those that it is being told, and of merges that go on what
 * was shown last and is shown next.
 */
function mirrorBytes(): number {
  const slots = TIERS.reduce((sum, tier, t) => sum + ringBytes(tier, t, true), 0);
  return slots + 2 * MERGES_MAX * lookedBytes() + 2 * MIRROR_NEWS_BYTES;
}

/** A table with all that belongs to it. @param isCounting whether lines are counted into it: then a flood has newcomers */
export function tableBytes(rows: number, isCounting: boolean): number {
  const perDimension = DIMENSIONS.map((_, d) => dictionaryBytes(d) + (isCounting ? newcomerBytes(d) : 0));
  return perDimension.reduce((sum, bytes) => sum + bytes, rowsBytes(rows) + (isCounting ? slimBytes(rows) : 0));
}

/** Rows double when they are full, and the index has two slots a row; while they grow, what is outgrown is freed at once. */
function rowsBytes(rows: number): number {
  const room = powerOfTwo(rows);
  return room * ROW_DOUBLES * 8 + 2 * room * 4;
}

/** The rows once more, slim: to and fro while the table rolls up. Row 0 is not used. */
function slimBytes(rows: number): number {
  return powerOfTwo(rows + 1) * (4 * SLIM_WORDS + 2 * 4);
}

/**
 * Entries of one dimension: slots, twice as many as entries; an end and a hash for each; the text, which
 * doubles when it is full; what roll-up took from each, of which there can be room for twice as many; and, where somebody
 * makes entries collide, their bytes once more as texts of the runtime's.
 */
function dictionaryBytes(d: number): number {
  const entries = entriesOf(d), slots = 2 * 4, ends = 4, hashes = 4, givenUp = 2 * MEASURE_COUNT * 8;
  const each = powerOfTwo(entries) * (slots + ends + hashes) + entries * (givenUp + CROWDED_OUT_BYTES);
  return each + 3 * (entries < OPEN_ENTRIES_MAX ? entries * SOURCE_NAME_BYTES_MAX : OPEN_ENTRY_BYTES_MAX);
}

/** Two bits a value, for those that are seen and those that are known (`newcomers.ts`). */
function newcomerBytes(d: number): number {
  return entriesOf(d) < OPEN_ENTRIES_MAX ? 0 : 2 * 128 * 1024;
}

/**
 * What a thread keeps for its roll-ups: weights of rows, and of each entry its weight and what is taken from it. While one
 * goes on also its costs, and for visible pairs the entries of rows, their order, and what they weigh within one value.
 */
function rollUpBytes(rows: number): number {
  const entries = DIMENSIONS.reduce((sum, _, d) => sum + entriesOf(d), 0);
  return rows * (8 + 4 + 2 + 4 * (DIMENSION_COUNT + 2)) + entries * (8 + MEASURE_COUNT * 8) + 8 * OPEN_ENTRIES_MAX;
}

/**
 * Series in the thread that counts, and in the one that shows them; and pages: what waits to be read, and the one that is being
 * drawn. Labels are texts of the runtime's, of two bytes a character at worst.
 */
function requestMetricsBytes(): number {
  const labels = 2 * 2 * METRICS_LABEL_CHARS_MAX, rest = 100;
  const counting = SPREAD_SERIES_MAX * (CELLS * 4 + 2 * 8 + rest);
  const shown = METRICS_SPREADS_MAX * (CELLS * 8 + labels + rest) + METRICS_REQUEST_SERIES_MAX * (labels + rest);
  const lines = METRICS_SPREADS_MAX * (CELLS + 4) + METRICS_REQUEST_SERIES_MAX;
  return counting + shown + lines * (labels + rest) + HTTP_BYTES_MAX;
}

/** Lines staged, and the scratch of entries that are written anew. */
function batchBytes(): number {
  return BATCH_LINES * (LINE_WORDS * 4 + DIMENSION_COUNT * (ENTRY_BYTES_MAX + 4) + MEASURE_COUNT * 8);
}

/** Batches of one input that is no file, and messages whose end has not come. */
function receivedBytes(): number {
  const batches = SOCKET_BATCHES_MAX * (SOCKET_BATCH_BYTES + SOCKET_BATCH_MESSAGES_MAX * 4);
  return batches + SYSLOG_UNFINISHED_BYTES_MAX + SYSLOG_CONNECTIONS_MAX * SYSLOG_READ_BYTES;
}

/** Entries that a dictionary has at most: a collector has one name, a flag and a status have few values whatever is sent. */
function entriesOf(d: number): number {
  if (d === SOURCE) return 2;
  if (d === STATUS) return 1024;
  return DIMENSIONS[d].kind === "flag" ? 4 : OPEN_ENTRIES_MAX;
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}
