/**
 * Questions and answers, as every role passes them on: the collector and the aggregator compute them, gRPC carries
 * them, the CLI and the page show them.
 */
import type { BackfillItem } from "./backfill.ts";
import type { DimensionName } from "./dimensions.ts";
import type { IdentityRanges } from "./identity_set.ts";
import type { Filter } from "./filter_tree.ts";
import type { Ledger } from "./ledger.ts";
import { REQUESTS, VALUE_MAX, type Values } from "./measures.ts";
import type { WindowName } from "./slices.ts";
import type { Feed, Subscriber } from "./subscriber.ts";

export interface TopNQuestion {
  readonly window: WindowName;
  readonly groupBy: DimensionName;
  /** At least 1, at most TOP_N_MAX. */
  readonly n: number;
  /** Index into MEASURES. */
  readonly sort: number;
  readonly filter: Filter;
  /** Whether entries are wanted with what a page shows beside them; for DETAILED_ENTRIES_MAX of them at most. */
  readonly detail?: boolean;
}

export interface TrendQuestion {
  readonly window: WindowName;
  readonly filter: Filter;
  /** Whether points are wanted by class of status, and with them the window before this one. */
  readonly detail?: boolean;
}

/** How much of what was asked for is known. */
export interface Coverage {
  /** Sources that should contribute. */
  readonly expected: number;
  /** Sources that are delivering and have delivered every slice of the span that any source has. */
  readonly present: number;
  /** Names (or addresses, while no name is known) of the others. */
  readonly missing: readonly string[];
  /** Seconds of the span for which at least one source delivered. */
  readonly secondsCovered: number;
  /** Seconds of the span. */
  readonly seconds: number;
}

export interface TopNEntry {
  /** Plain text, may hold any character: escape it for where it goes. */
  readonly label: string;
  /** Certain. */
  readonly values: Values;
  /** Requests this entry can have at most; equal to `values[REQUESTS]` when the answer is exact. */
  readonly countMax: number;
  /** When it was asked for. */
  readonly detail?: EntryDetail;
}

/** What a page shows beside an entry. */
export interface EntryDetail {
  /** Requests of each point of `TopNAnswer.series`. */
  readonly counts: Float64Array | readonly number[];
  /** Requests by class, in the order of STATUS_CLASSES; what is missing to the count has none, or one that is not known. */
  readonly byStatus: Float64Array | readonly number[];
}

/** The points that the details of entries are of. */
export interface SeriesFrame {
  /** Start of the first point, seconds since 1970. */
  readonly fromS: number;
  /** Seconds from one point to the next; the last may be shorter. */
  readonly stepS: number;
  /** Seconds of each point for which anything is known; 0 is a gap. */
  readonly secondsKnown: readonly number[];
}

export interface TopNAnswer {
  readonly source: string;
  readonly window: WindowName;
  readonly groupBy: DimensionName;
  /** Span answered for, seconds since 1970. */
  readonly fromS: number;
  readonly toS: number;
  /** Everything that certainly matches the filter. */
  readonly total: Values;
  /** Requests that match the filter, at most; equal to `total[REQUESTS]` when that is exact. */
  readonly totalMax: number;
  /** What matches and is in no entry: entries + other = total, per additive measure. */
  readonly other: Values;
  readonly coverage: Coverage;
  readonly entries: readonly TopNEntry[];
  /** Requests that a value which is in no entry can have at most, whether it is known or not. */
  readonly unlistedMax: number;
  /** When details were asked for. */
  readonly series?: SeriesFrame;
}

/**
 * Whether an answer leaves nothing to say about what its counts can be at most: each is certain and, where it is ranked
 * by requests, no value that is not listed can have more than one that is.
 *
 * @param sort measure that the answer is ranked by
 */
export function isExact({ entries, unlistedMax }: TopNAnswer, sort: number): boolean {
  if (entries.length === 0) return unlistedMax === 0;
  if (entries.some(({ values, countMax }) => countMax > values[REQUESTS])) return false;
  return sort !== REQUESTS || unlistedMax <= entries[entries.length - 1].values[REQUESTS];
}

/** Whether a sum has reached the largest integer that a double holds exactly: it stays there, and is at least that. */
export function isSaturated(value: number): boolean {
  return value >= VALUE_MAX;
}

export interface TrendPoint {
  /** Start, seconds since 1970. */
  readonly startS: number;
  /** Null where nothing is known: a gap, not a zero. */
  readonly count: number | null;
  /** Less than the point's whole span is known: the newest point until its step is over, and those beside a gap. */
  readonly incomplete: boolean;
  /** Requests by class, in the order of STATUS_CLASSES, when asked for; the rest of `count` has none or is not known. */
  readonly byStatus?: Float64Array | readonly number[];
}

export interface TrendAnswer {
  readonly source: string;
  readonly window: WindowName;
  readonly fromS: number;
  readonly toS: number;
  readonly stepS: number;
  readonly coverage: Coverage;
  readonly points: readonly TrendPoint[];
  /** When asked for: the window before this one, as far as it is held. */
  readonly previous?: PreviousTrend;
}

/** A trend to lay behind another. Its points are where they were; they may be coarser, and reach a little beyond. */
export interface PreviousTrend {
  readonly stepS: number;
  /** Empty when nothing is held. */
  readonly points: readonly TrendPoint[];
}

/**
 * `connected`: delivers. `lagging`: is connected, but behind. `connecting`: has failed once or twice. `degraded`: three times in
 * a row. `gone`: for so long that deltas have been lost.
 */
export type TargetState = "connected" | "connecting" | "degraded" | "lagging" | "gone";

/** A source that a relay expects, and whether it delivers there. */
export interface SourceBehind {
  readonly name: string;
  readonly present: boolean;
}

/** One source as its follower sees it. A collector lists itself. */
export interface TargetInfo {
  /** Empty until the source has told its name. */
  readonly name: string;
  /** host:port, as configured; for a collector, where it listens. */
  readonly address: string;
  readonly state: TargetState;
  /** End of the newest slice received, seconds since 1970; 0 when none. */
  readonly newestS: number;
  /** What is wrong, in one line; empty when nothing is. */
  readonly problem: string;
  /** What became of its lines, as far as received since this program started. */
  readonly ledger: Ledger;
  /** Names of the sources whose buckets it has delivered: several of a relay. Its own alone when absent. Stays in this process. */
  readonly delivers?: ReadonlySet<string>;
  /** Of a relay that tells: whom it follows. Stays in this process. */
  readonly behind?: readonly SourceBehind[];
  /** Seconds since 1970 since when it is in this state; undefined when nobody tells. */
  readonly sinceS?: number;
  /** Milliseconds by which its clock is ahead of that of whoever answers; undefined when nobody tells. */
  readonly skewMs?: number;
  /** Lines it read a second, of late; undefined when nobody tells. */
  readonly linesPerS?: number;
  /** Bytes of memory its process takes; undefined when nobody tells. */
  readonly memoryBytes?: number;
}

/** One fine or coarse slot in the original's shape: label and requests. */
export interface Snapshot {
  readonly source: string;
  readonly startS: number;
  /** One minute, or five (coarse). */
  readonly coarse: boolean;
  readonly entries: readonly { readonly label: string; readonly count: number }[];
}

/** Buckets on their way to one reader. */
export interface BucketFeed extends Feed<BackfillItem> {
  close(): void;
}

/** A question that would hold up everybody else. The message says what would work. */
export class QuestionTooExpensive extends Error {}

/**
 * What a role that serves must be able to do; `proto/service.ts` puts it on the wire. Nothing here throws, but that a
 * question may be too expensive (QuestionTooExpensive).
 */
export interface Answerer {
  /** Name in answers. */
  readonly source: string;
  topN(question: TopNQuestion): TopNAnswer;
  trend(question: TrendQuestion): TrendAnswer;
  targets(): readonly TargetInfo[];
  /** Whom it follows, through relays as well, for those who follow it; nobody in a collector. */
  sources?(): readonly SourceBehind[];
  /** Every slot held that the original's DumpSnapshots shows: whole minutes, then five minutes; oldest first. */
  dump(): Iterable<Snapshot>;
  /** Pushes each minute as it becomes whole, until the returned function is called. */
  followSnapshots(subscriber: Subscriber<Snapshot>): () => void;
  /**
   * Buckets, to be taken at the reader's own pace. Close it.
   *
   * @param has what the reader has: it is sent what it lacks, newest first, and what is new in between (`backfill.ts`).
   * Without it, the retained deltas, oldest first, then each new one.
   */
  followDeltas(has?: readonly IdentityRanges[]): BucketFeed;
}
