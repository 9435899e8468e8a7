/**
 * The live view: answers from a store. A collector serves one over its own counts, an aggregator one over those of its
 * sources; only who should have delivered differs.
 */
import { AHEAD_SECONDS_MAX, DETAILED_ENTRIES_MAX, LATE_SECONDS_MAX, SILENCE_SECONDS_MAX } from "./bounds.ts";
import { REQUESTS, zeroValues } from "./measures.ts";
import { dimensionIndex, DIMENSIONS, OTHER, OTHER_LABEL, PREFIX, STATUS, URI, WEBSITE } from "./dimensions.ts";
import { FINEST_S, sliceStart, type Span, TIERS, type Window, windowNamed, WINDOWS, windowSpan } from "./slices.ts";
import type { Delta, Dictionary } from "./bucket.ts";
import { entryLabel } from "./label.ts";
import type { Slot } from "./ring.ts";
import { type MergedSlot, type Outcome, Store } from "./store.ts";
import type { IdentityRanges } from "./identity_set.ts";
import { DeltaLog } from "./delta_log.ts";
import { PassedSlots } from "./passed_slots.ts";
import { derived, unpacked } from "./derived.ts";
import type { Packer } from "./resting.ts";
import { stretches } from "./stretches.ts";
import { valueIds } from "./value_ids.ts";
import { RelayBudget, type Relayed } from "./relay_budget.ts";
import { Backfill } from "./backfill.ts";
import { type CompiledFilter, compileFilter, type RegexEngine, TruthCache } from "./filter_match.ts";
import type { Filter } from "./filter_tree.ts";
import { type Query, type Ranking, topN } from "./top_n.ts";
import { previousTrend, seriesSteps, trend } from "./trend.ts";
import { rowSeries } from "./row_series.ts";
import type { Subscriber } from "./subscriber.ts";
import type {
  Answerer,
  BucketFeed,
  Coverage,
  Snapshot,
  SourceBehind,
  TargetInfo,
  TopNAnswer,
  TopNQuestion,
  TrendAnswer,
  TrendPoint,
  TrendQuestion,
} from "./answer.ts";

export interface LiveViewOptions {
  /** Name in answers. */
  readonly source: string;
  /** For hashes; random per process. */
  readonly seed: number;
  readonly regex: RegexEngine;
  /** The sources that should deliver, as they are now. */
  readonly targets: () => readonly TargetInfo[];
  /**
   * Sequence number up to which our own deltas are durable: what is not must not be handed out, not even merged with others.
   * Absent: all may.
   */
  readonly savedUntil?: () => number;
  /** Slots whose merges go on while many sources deliver: see `OpenMerges`; none when absent. */
  readonly mergesMax?: number;
  /** Bytes a second of deltas that are passed on, to those who follow us; no limit when absent. */
  readonly relayBytesPerSecond?: number;
  /** What puts slots to rest that nothing comes to any more (`resting.ts`); none are when absent. */
  readonly packer?: Packer;
  /** The clock went back, and these are nowhere any more. */
  readonly onForgotten?: (identities: readonly IdentityRanges[]) => void;
}

export class LiveView implements Answerer {
  readonly source: string;
  readonly store: Store;
  readonly deltaLog: DeltaLog;
  readonly passedSlots = new PassedSlots();
  readonly #snapshotSubscribers = new Set<Subscriber<Snapshot>>();
  readonly #truths = new TruthCache();
  readonly #relay: RelayBudget;
  /** The slice of the coarsest tier that was now when questions were last prepared for. */
  #preparedS = 0;

  constructor(readonly options: LiveViewOptions) {
    this.source = options.source;
    const { seed, mergesMax, onForgotten, relayBytesPerSecond = Infinity } = options;
    this.#relay = new RelayBudget(relayBytesPerSecond, seed);
    this.deltaLog = new DeltaLog(undefined, undefined, options.packer);
    const onMade = (slot: Slot): void => this.#publishSnapshot(slot);
    this.store = new Store(seed, { onMade, ...(onForgotten && { onForgotten }) }, undefined, mergesMax);
  }

  /** Merges a delta and passes it on to whoever follows. `nowS` is when it arrived. */
  accept(delta: Delta, nowS: number): Outcome {
    const outcome = this.store.add(delta);
    if (outcome !== "merged") return outcome;
    const { followers } = this.deltaLog;
    this.deltaLog.add(followers > 0 ? { ...delta, bucket: this.#relay.cut(delta.bucket, nowS) } : delta, nowS);
    return outcome;
  }

  /** Merges what a source had merged, where none of it is here yet, and passes it on as it is. */
  acceptSlot(slot: MergedSlot): Outcome {
    const outcome = this.store.addSlot(slot);
    if (outcome === "merged") this.passedSlots.add(slot);
    return outcome;
  }

  /** What has been passed on, and what of that was cut. */
  get relayed(): Relayed {
    return this.#relay.relayed;
  }

  /** A slice has ended at `endS`: windows end there from now on. */
  advance(endS: number): void {
    this.store.advance(endS);
  }

  /**
   * Time goes on even when nobody delivers: windows move, and what is missing becomes a gap. And when the clock turns
   * out to have been far ahead, windows go back with it. Call it every second.
   */
  tick(nowS: number): void {
    const { store } = this;
    store.tidy();
    if (store.endS > nowS + AHEAD_SECONDS_MAX) store.rebase(sliceStart(nowS, FINEST_S));
    else if (store.endS > 0) store.advance(sliceStart(nowS - SILENCE_SECONDS_MAX, FINEST_S));
    if (this.options.packer !== undefined) store.rest(nowS, this.options.packer);
    this.prepare();
  }

  /** Merges some of what questions over a day would use, and gives back what none has used for long. Call it every second in the thread that answers; `tick` does. */
  prepare(): void {
    const { store } = this, coarsest = TIERS.length - 1, sliceS = sliceStart(store.endS, TIERS[coarsest].sliceS);
    if (sliceS > this.#preparedS) {
      const { slots } = store.resolve(windowSpan(LONGEST, store.endS), coarsest, Infinity);
      stretches.lookAhead(slots.filter(({ tier }) => tier === coarsest).map((slot) => slot.bucketNow()));
    }
    this.#preparedS = sliceS;
    stretches.makeOne(this.options.seed);
    unpacked.giveBack(store.endS);
    valueIds.giveBack(derived.giveBack(store.endS));
  }

  topN(question: TopNQuestion): TopNAnswer {
    const window = namedWindow(question.window);
    const span = windowSpan(window, this.store.endS);
    const { slots, secondsCovered } = this.store.resolve(span, window.coarsest, Infinity);
    const query: Query = { ...question, filter: this.#compiled(question.filter) };
    const ranking: Ranking = this.store.endS === 0
      ? { total: zeroValues(), other: zeroValues(), totalMax: 0, entries: [], unlistedMax: 0 }
      : topN(slots.map((slot) => slot.bucketNow()), query, this.options.seed);
    const { window: name, groupBy } = question;
    return {
      source: this.source,
      window: name,
      groupBy,
      ...this.#spanOf(span),
      coverage: this.#coverage(span, slots, secondsCovered),
      ...ranking,
      ...(question.detail && this.store.endS > 0 ? this.#detailed(window, span, query, ranking) : {}),
    };
  }

  /** The first entries with what a page shows beside them. */
  #detailed(window: Window, span: Span, { groupBy, filter }: Query, { entries }: Ranking): Detailed {
    const { stepS, steps } = seriesSteps(this.store, window, span), { seed } = this.options;
    const points = steps.map(({ buckets }) => buckets);
    filter?.prepare(points.flat(), seed);
    const labels = entries.slice(0, DETAILED_ENTRIES_MAX).map(({ label }) => label);
    const { series, byStatus } = rowSeries(points, dimensionIndex(groupBy), labels, filter, seed);
    return {
      entries: entries.map((entry, i) =>
        i < labels.length ? { ...entry, detail: { counts: series[i], byStatus: byStatus[i] } } : entry
      ),
      series: { fromS: span.fromS, stepS, secondsKnown: steps.map(({ secondsCovered }) => secondsCovered) },
    };
  }

  trend(question: TrendQuestion): TrendAnswer {
    const window = namedWindow(question.window);
    const span = windowSpan(window, this.store.endS);
    const { slots, secondsCovered } = this.store.resolve(span, window.coarsest, Infinity);
    const filter = this.#compiled(question.filter), { store } = this, { seed } = this.options;
    return {
      source: this.source,
      window: question.window,
      ...this.#spanOf(span),
      stepS: window.stepS,
      coverage: this.#coverage(span, slots, secondsCovered),
      points: store.endS === 0
        ? []
        : this.#awaited(trend(store, window, span, filter, seed, question.detail), window.stepS),
      ...(question.detail && store.endS > 0 ? { previous: previousTrend(store, window, span, filter, seed) } : {}),
    };
  }

  /** The newest points are incomplete as long as somebody who delivers has not delivered to them. */
  #awaited(points: readonly TrendPoint[], stepS: number): readonly TrendPoint[] {
    const { endS, rings: [finest] } = this.store, awaited: number[] = [];
    const present = this.targets().filter((target) => isPresent(target, endS));
    for (let startS = endS - LATE_SECONDS_MAX; startS < endS; startS += FINEST_S) {
      const sources = finest.at(startS)?.identities.sources ?? new Set<string>();
      if (present.some((target) => !hasDelivered(target, sources))) awaited.push(startS);
    }
    return points.map((point) => {
      const isAwaited = awaited.some((startS) => point.startS <= startS && startS < point.startS + stepS);
      return isAwaited ? { ...point, incomplete: true } : point;
    });
  }

  targets(): readonly TargetInfo[] {
    return this.options.targets();
  }

  sources(): readonly SourceBehind[] {
    const targets = this.targets();
    if (targets.length === 1 && targets[0].name === this.source) return [];
    return expectedSources(targets, this.store.endS).map(({ name, present }) => ({ name, present }));
  }

  *dump(): Iterable<Snapshot> {
    for (const tier of SNAPSHOT_TIERS) {
      for (const slot of this.store.rings[tier].slots()) if (slot.knownS > 0) yield this.#snapshot(slot);
    }
  }

  followSnapshots(subscriber: Subscriber<Snapshot>): () => void {
    this.#snapshotSubscribers.add(subscriber);
    return () => void this.#snapshotSubscribers.delete(subscriber);
  }

  followDeltas(has?: readonly IdentityRanges[]): BucketFeed {
    return has === undefined
      ? this.deltaLog.follow()
      : new Backfill(this.deltaLog, this.store, has, (all) => this.#areSaved(all), this.passedSlots);
  }

  #areSaved(all: readonly IdentityRanges[]): boolean {
    const { source, savedUntil } = this.options, until = savedUntil?.() ?? Infinity;
    return until === Infinity ||
      all.every((one) => one.source !== source || one.ranges.every(([, last]) => last <= until));
  }

  #compiled(filter: Filter): CompiledFilter | undefined {
    return filter === undefined ? undefined : compileFilter(filter, this.options.regex, this.#truths);
  }

  /** Before the first slice there is no span; 1970 would be a lie. */
  #spanOf(span: Span): Span {
    return this.store.endS === 0 ? { fromS: 0, toS: 0 } : span;
  }

  /**
   * A source is missing when it does not deliver now, when it left out a slice that others have delivered, and when some of
   * what it has delivered is known to coarser slots alone, so that the window's edge is without it.
   */
  #coverage({ fromS, toS }: Span, slots: readonly Slot[], secondsCovered: number): Coverage {
    const all = expectedSources(this.targets(), this.store.endS), settledS = this.store.endS - LATE_SECONDS_MAX;
    const settled = slots.filter(({ startS, lengthS }) => startS + lengthS <= settledS);
    const lacked = this.store.lackedBy(slots);
    const missing = all.filter(({ present, hasDelivered }) =>
      !present || hasDelivered(lacked) || settled.some(({ identities }) => !hasDelivered(identities.sources))
    );
    return {
      expected: all.length,
      present: all.length - missing.length,
      missing: missing.map(({ name }) => name),
      secondsCovered,
      seconds: this.store.endS === 0 ? 0 : toS - fromS,
    };
  }

  #publishSnapshot(slot: Slot): void {
    if (slot.tier !== SNAPSHOT_TIERS[0] || this.#snapshotSubscribers.size === 0) return;
    const snapshot = this.#snapshot(slot);
    for (const subscriber of this.#snapshotSubscribers) subscriber.push(snapshot);
  }

  /** Rows as the original's streams show them: one text for website, prefix, URI and status. */
  #snapshot(slot: Slot): Snapshot {
    const bucket = slot.bucket();
    const labels = SNAPSHOT_DIMENSIONS.map((d) => dictionaryLabels(bucket.dictionaries[d], d));
    const entries = [];
    for (let row = 0; row < bucket.rows; row++) {
      const label = SNAPSHOT_DIMENSIONS.map((d, i) => labels[i](bucket.indexes[d][row])).join("\0");
      entries.push({ label, count: bucket.measures[REQUESTS][row] });
    }
    return { source: this.source, startS: slot.startS, coarse: slot.tier !== SNAPSHOT_TIERS[0], entries };
  }
}

const LONGEST = WINDOWS[WINDOWS.length - 1];

/** What details add to an answer. */
type Detailed = Pick<TopNAnswer, "entries" | "series">;

/** Tiers of snapshots: whole minutes, and five minutes (coarse). */
const SNAPSHOT_TIERS = [1, 2];

const SNAPSHOT_DIMENSIONS = [WEBSITE, PREFIX, URI, STATUS];

/** A source that answers should cover. */
interface Expected extends SourceBehind {
  /** @param sources who has part in a slot. */
  readonly hasDelivered: (sources: ReadonlySet<string>) => boolean;
}

/** Of a relay that tells, whom it follows: once, by however many paths they come, and present when they are by any. */
function expectedSources(targets: readonly TargetInfo[], endS: number): readonly Expected[] {
  const all: Expected[] = [], behind = new Map<string, boolean>();
  for (const target of targets) {
    const present = isPresent(target, endS), { name, address } = target;
    for (const source of target.behind ?? []) {
      behind.set(source.name, behind.get(source.name) === true || present && source.present);
    }
    if (target.behind !== undefined && target.behind.length > 0) continue;
    all.push({
      name: name === "" ? address : name,
      present,
      hasDelivered: (sources) => hasDelivered(target, sources),
    });
  }
  for (const [name, present] of behind) all.push({ name, present, hasDelivered: (sources) => sources.has(name) });
  return all;
}

/** Whether a target has part in a slot; a relay has through any of those it follows. */
function hasDelivered({ name, delivers }: TargetInfo, sources: ReadonlySet<string>): boolean {
  return sources.has(name) || (delivers !== undefined && !delivers.isDisjointFrom(sources));
}

function isPresent(target: TargetInfo, endS: number): boolean {
  return (target.state === "connected" || target.state === "lagging") && target.newestS >= endS - LATE_SECONDS_MAX;
}

/** Labels of a dictionary's entries, each made once and only when asked for. */
function dictionaryLabels(dictionary: Dictionary, d: number): (entry: number) => string {
  const labels: (string | undefined)[] = [];
  return (entry) => {
    if (entry === OTHER) return OTHER_LABEL;
    const bytes = dictionary.bytes.subarray(dictionary.offsets[entry], dictionary.offsets[entry + 1]);
    return labels[entry] ??= entryLabel(DIMENSIONS[d], bytes);
  };
}

function namedWindow(name: string): Window {
  const window = windowNamed(name);
  if (window === undefined) {
    throw new Error(`Cannot answer for window ${name}: not one of ${WINDOWS.map((w) => w.name).join(", ")}`);
  }
  return window;
}
