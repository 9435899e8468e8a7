/**
 * Answers as messages, and back. What the original program sends is a valid answer without the fields from 100 up:
 * its counts are certain, and of its coverage nothing is known.
 */
import { Buffer } from "node:buffer";
import type {
  Coverage,
  Snapshot,
  TargetInfo,
  TopNAnswer,
  TopNEntry,
  TopNQuestion,
  TrendAnswer,
  TrendPoint,
  TrendQuestion,
} from "@/core/answer.ts";
import { MESSAGE_BYTES_MAX, SERIES_POINTS_MAX } from "@/core/bounds.ts";
import { emptyLedger, type Ledger, LEDGER_REASONS } from "@/core/ledger.ts";
import { BYTES, MEASURES, REQUESTS, TIME_MAX, TIME_SUM, VALUE_MAX, type Values, zeroValues } from "@/core/measures.ts";
import { WINDOWS } from "@/core/slices.ts";
import { STATUS_CLASS_COUNT } from "@/core/status_class.ts";
import {
  type CoverageMessage,
  type LedgerLinesMessage,
  type SnapshotMessage,
  TARGET_STATES,
  type TargetInfoMessage,
  type TopNEntryMessage,
  type TopNResponse,
  type TrendPointMessage,
  type TrendResponse,
  type ValuesMessage,
} from "./schema.ts";

export function topNResponse(answer: TopNAnswer): TopNResponse {
  return {
    entries: answer.entries.map(({ label, values, countMax, detail }) => ({
      label: label.toWellFormed(),
      ...valuesMessage(values),
      count_max: countMax,
      ...(detail === undefined ? {} : { series: [...detail.counts], by_status: [...detail.byStatus] }),
    })),
    source: answer.source,
    from: answer.fromS,
    to: answer.toS,
    total: valuesMessage(answer.total),
    other: valuesMessage(answer.other),
    coverage: coverageMessage(answer.coverage),
    unlisted_max: answer.unlistedMax,
    total_max: answer.totalMax,
    ...(answer.series === undefined ? {} : {
      series_from: answer.series.fromS,
      series_step: answer.series.stepS,
      series_seconds_known: answer.series.secondsKnown,
    }),
  };
}

/** What the answer to `question` says. `fromS` and `toS` are 0 where the source does not tell. */
export function readTopNResponse(message: TopNResponse, question: TopNQuestion): TopNAnswer {
  const entries = message.entries.slice(0, question.n).map(readEntry);
  const total = message.total === null ? listed(entries) : readValues(message.total);
  return {
    source: message.source,
    window: question.window,
    groupBy: question.groupBy,
    fromS: message.from,
    toS: message.to,
    total,
    // A source that does not tell has none of ours.
    totalMax: Math.max(total[REQUESTS], counted(message.total_max)),
    other: message.other === null ? zeroValues() : readValues(message.other),
    coverage: readCoverage(message.coverage),
    entries,
    unlistedMax: message.coverage === null ? leastListed(entries, question.n) : counted(message.unlisted_max),
    ...readSeries(message),
  };
}

export function trendResponse(answer: TrendAnswer): TrendResponse {
  return {
    points: answer.points.map(pointMessage),
    source: answer.source,
    from: answer.fromS,
    to: answer.toS,
    step_seconds: answer.stepS,
    coverage: coverageMessage(answer.coverage),
    ...(answer.previous === undefined ? {} : {
      previous: answer.previous.points.map(pointMessage),
      previous_step_seconds: answer.previous.stepS,
    }),
  };
}

function pointMessage({ startS, count, incomplete, byStatus }: TrendPoint): TrendPointMessage {
  const point = { timestamp_unix: startS, count: count ?? 0, missing: count === null, incomplete };
  return byStatus === undefined ? point : { ...point, by_status: [...byStatus] };
}

/** What the answer to `question` says; span and step are those of its points where the source does not tell. */
export function readTrendResponse(message: TrendResponse, question: TrendQuestion): TrendAnswer {
  const window = WINDOWS.find(({ name }) => name === question.window);
  const points = message.points.map(readPoint);
  const first = points.at(0)?.startS ?? 0;
  const stepS = message.step_seconds || (points.length > 1 ? points[1].startS - first : window?.stepS ?? 0);
  const told = message.coverage !== null;
  return {
    source: message.source,
    window: question.window,
    fromS: told ? message.from : first,
    toS: told ? message.to : points.length === 0 ? 0 : points[points.length - 1].startS + stepS,
    stepS,
    coverage: readCoverage(message.coverage),
    points,
    ...readPrevious(message),
  };
}

/**
 * A snapshot with as many of its entries as a message has room for; they come heaviest first, as a bucket's rows do.
 *
 * @param dropped snapshots that the reader of this stream lost just before this one.
 */
export function snapshotMessage(snapshot: Snapshot, dropped = 0, bytesMax = MESSAGE_BYTES_MAX): SnapshotMessage {
  const { source, startS, coarse, entries } = snapshot;
  const kept = entries.slice(0, entriesThatFit(entries, bytesMax));
  return {
    source,
    timestamp: startS,
    is_coarse: coarse,
    entries: kept.map(({ label, count }) => ({ label: label.toWellFormed(), count })),
    dropped,
    entries_omitted: entries.length - kept.length,
  };
}

/** How many entries from the first on fit into a message. */
function entriesThatFit(entries: Snapshot["entries"], bytesMax: number): number {
  let bytes = SNAPSHOT_FRAME_BYTES;
  const fit = entries.findIndex(({ label }) => (bytes += Buffer.byteLength(label) + ENTRY_FRAME_BYTES) > bytesMax);
  return fit < 0 ? entries.length : fit;
}

/** Bytes of a snapshot's message without its entries: a name of 255 bytes, four numbers. */
const SNAPSHOT_FRAME_BYTES = 512;

/** Bytes of one entry without its label, at most: three tags, two lengths, one number. */
const ENTRY_FRAME_BYTES = 24;

export function readSnapshot(message: SnapshotMessage): Snapshot {
  return {
    source: message.source,
    startS: message.timestamp,
    coarse: message.is_coarse,
    entries: message.entries.map(({ label, count }) => ({ label, count })),
  };
}

export function targetMessage(target: TargetInfo): TargetInfoMessage {
  return {
    name: target.name,
    addr: target.address,
    state: TARGET_STATES.indexOf(target.state) + 1,
    newest: target.newestS,
    problem: target.problem.toWellFormed(),
    ledger: LEDGER_REASONS.map((reason, r) => ({ reason, lines: target.ledger[r] })),
    ...(target.sinceS === undefined ? {} : { since: target.sinceS }),
    ...(target.skewMs === undefined ? {} : { skew_ms: Math.round(target.skewMs) }),
    ...(target.linesPerS === undefined ? {} : { lines_per_second: target.linesPerS }),
    ...(target.memoryBytes === undefined ? {} : { memory_bytes: target.memoryBytes }),
  };
}

/** A state that is unknown, or that the original program does not tell, counts as connected. */
export function readTarget(message: TargetInfoMessage): TargetInfo {
  return {
    name: message.name,
    address: message.addr,
    state: TARGET_STATES[message.state - 1] ?? "connected",
    newestS: message.newest,
    problem: message.problem,
    ledger: readTargetLedger(message.ledger),
    ...(isKnown(message.since) ? { sinceS: message.since } : {}),
    ...(isKnown(message.skew_ms) ? { skewMs: message.skew_ms } : {}),
    ...(isKnown(message.lines_per_second) ? { linesPerS: Math.max(0, message.lines_per_second) } : {}),
    ...(isKnown(message.memory_bytes) ? { memoryBytes: Math.max(0, message.memory_bytes) } : {}),
  };
}

/** Whether a fact is there, and is a number. */
function isKnown(fact: number | undefined): fact is number {
  return Number.isFinite(fact);
}

/** The frame of the entries' points; none where their source does not tell. */
function readSeries({ series_from, series_step, series_seconds_known }: TopNResponse): Pick<TopNAnswer, "series"> {
  if (!isKnown(series_step) || series_step <= 0) return {};
  const secondsKnown = (series_seconds_known ?? []).slice(0, SERIES_POINTS_MAX);
  return { series: { fromS: series_from ?? 0, stepS: series_step, secondsKnown } };
}

/** At most as many points as any window has. */
function readPrevious({ previous, previous_step_seconds }: TrendResponse): Pick<TrendAnswer, "previous"> {
  if (!isKnown(previous_step_seconds) || previous_step_seconds <= 0) return {};
  const points = (previous ?? []).slice(0, POINTS_MAX).map(readPoint);
  return { previous: { stepS: previous_step_seconds, points } };
}

/** Points of the window with most, and one at either end. */
const POINTS_MAX = 2 + Math.max(...WINDOWS.map(({ lengthS, stepS }) => lengthS / stepS));

/** Reasons that we do not know are left out: this is for people to look at. */
function readTargetLedger(messages: readonly LedgerLinesMessage[]): Ledger {
  const ledger = emptyLedger();
  for (const { reason, lines } of messages) {
    const r = LEDGER_REASONS.findIndex((name) => name === reason);
    if (r >= 0 && Number.isSafeInteger(lines) && lines >= 0) ledger[r] = lines;
  }
  return ledger;
}

function readEntry(message: TopNEntryMessage): TopNEntry {
  return {
    label: message.label,
    values: readValues(message),
    // The original has no count_max: its counts are what they are.
    countMax: counted(Math.max(message.count, message.count_max ?? 0)),
    ...(message.by_status?.length === STATUS_CLASS_COUNT
      ? {
        detail: {
          counts: (message.series ?? []).slice(0, SERIES_POINTS_MAX).map(counted),
          byStatus: message.by_status.map(counted),
        },
      }
      : {}),
  };
}

function readPoint({ timestamp_unix, count, missing, incomplete, by_status }: TrendPointMessage): TrendPoint {
  const point = { startS: timestamp_unix, count: missing ? null : count, incomplete };
  return by_status?.length === STATUS_CLASS_COUNT ? { ...point, byStatus: by_status.map(counted) } : point;
}

function listed(entries: readonly TopNEntry[]): Values {
  const total = zeroValues();
  for (const { values } of entries) {
    MEASURES.forEach(({ merge }, m) => {
      total[m] = merge === "sum" ? total[m] + values[m] : Math.max(total[m], values[m]);
    });
  }
  return total;
}

/** Where the source does not tell: it lists the heaviest, so that what is not listed has no more than the last. */
function leastListed(entries: readonly TopNEntry[], n: number): number {
  return entries.length < n ? 0 : entries[entries.length - 1].values[REQUESTS];
}

/** What a peer sent, as a count: the largest integers of the wire are more than ours can be. */
function counted(value: number): number {
  return Math.max(0, Math.min(value, VALUE_MAX));
}

function coverageMessage(coverage: Coverage): CoverageMessage {
  return {
    expected: coverage.expected,
    present: coverage.present,
    missing: coverage.missing,
    seconds_covered: coverage.secondsCovered,
    seconds: coverage.seconds,
  };
}

/** Without coverage, the one source that answered is all we know of; 0 of 0 seconds says that the rest is unknown. */
function readCoverage(message: CoverageMessage | null): Coverage {
  if (message === null) return { expected: 1, present: 1, missing: [], secondsCovered: 0, seconds: 0 };
  const { expected, present, missing, seconds_covered, seconds } = message;
  return { expected, present, missing, secondsCovered: seconds_covered, seconds };
}

/** A measure is on the wire when it has a line here and in `readValues`, and a field in the .proto. */
function valuesMessage(values: Values): ValuesMessage {
  return {
    count: values[REQUESTS],
    bytes: values[BYTES],
    time_sum_ms: values[TIME_SUM],
    time_max_ms: values[TIME_MAX],
  };
}

function readValues(message: TopNEntryMessage | ValuesMessage): Values {
  const values = zeroValues();
  values[REQUESTS] = counted(message.count);
  values[BYTES] = counted(message.bytes ?? 0);
  values[TIME_SUM] = counted(message.time_sum_ms ?? 0);
  values[TIME_MAX] = counted(message.time_max_ms ?? 0);
  return values;
}
