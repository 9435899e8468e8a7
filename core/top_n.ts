/**
 * Top-n: which values of a dimension have most of a measure, over a list of buckets and under a filter.
 *
 * Without a filter, or with one on the very dimension that is grouped by, the answer is read from the marginals, so that
 * it does not depend on what roll-up did to rows. Under another filter it is read from rows: those that certainly match
 * make `values`, those that may match can only raise `countMax`. The total of a filter on one dimension is read from the
 * marginals of the entries that match it: clicking a row shows the number that was clicked.
 *
 * `topN` has all buckets and first finds out which values can be among the n (`candidates.ts`); `TopNBuilder` sees one
 * bucket at a time and holds all values up to a bound. `top_n_bucket.ts` says what one bucket contributes.
 */
import { TOP_N_GROUPS_MAX } from "./bounds.ts";
import { IS_SUM, mergeValues, REQUESTS, saturated, SUM_COUNT, type Values, zeroValues } from "./measures.ts";
import { dimensionIndex, DIMENSIONS } from "./dimensions.ts";
import { entryLabel } from "./label.ts";
import type { Bucket } from "./bucket.ts";
import { derived } from "./derived.ts";
import { stretches } from "./stretches.ts";
import { valueIds } from "./value_ids.ts";
import type { CompiledFilter } from "./filter_match.ts";
import { Groups, type GroupsState } from "./groups.ts";
import { Candidates } from "./candidates.ts";
import type { Total } from "./matching_total.ts";
import { Contribution } from "./top_n_bucket.ts";
import { isSaturated, type TopNAnswer, type TopNEntry, type TopNQuestion } from "./answer.ts";

/** The part of an answer that buckets decide. */
export type Ranking = Pick<TopNAnswer, "total" | "totalMax" | "other" | "entries" | "unlistedMax">;

/** A question with its filter ready to be matched. */
export interface Query extends Omit<TopNQuestion, "filter"> {
  readonly filter: CompiledFilter | undefined;
}

/** Entries of each dictionary up to which all values are simply joined. */
const JOINED_ENTRIES_MAX = 512;

/**
 * Ranks over all of `slots`, those of a day merged where that has been done (`stretches.ts`). Cost: linear in dictionary entries, and under a filter in rows.
 *
 * @param joinedMax entries of each bucket up to which all are joined; certain counts do not depend on it
 */
export function topN(
  slots: readonly Bucket[],
  query: Query,
  seed: number,
  joinedMax: number = JOINED_ENTRIES_MAX,
): Ranking {
  derived.begin();
  const buckets = stretches.over(slots);
  valueIds.begin(buckets, seed);
  query.filter?.prepare(buckets, seed);
  const d = dimensionIndex(query.groupBy), part = new Contribution(d, query.sort, query.filter, true);
  if (buckets.some(({ dictionaries }) => dictionaries[d].size > joinedMax)) {
    return topCandidates(buckets, query, part, seed);
  }
  return topJoined(buckets, query, part, seed);
}

function topJoined(buckets: readonly Bucket[], query: Query, part: Contribution, seed: number): Ranking {
  const groups = new Groups(seed), told: Total = { values: zeroValues(), beyond: 0 };
  let anyMax = 0;
  for (const bucket of buckets) anyMax += part.add(bucket, groups, "all", told).any;
  const ranking = rankingOf(query, part, groups, told, anyMax);
  groups.free();
  part.free();
  return ranking;
}

/** The same for very many values: joins only those that can be among the first or can have most of what is unlisted. */
function topCandidates(buckets: readonly Bucket[], query: Query, part: Contribution, seed: number): Ranking {
  const candidates = new Candidates(), told: Total = { values: zeroValues(), beyond: 0 };
  let anyMax = 0, hiddenMax = 0;
  // One bucket after the other: what numbers stand in is read again and again, and better not in between with all else.
  for (const { dictionaries } of buckets) valueIds.of(dictionaries[part.d], part.d);
  for (const bucket of buckets) {
    const { any, hidden } = part.weigh(bucket, candidates, told);
    anyMax += any;
    hiddenMax += hidden;
  }
  const total: Total = { values: told.values.map(saturated), beyond: told.beyond };
  if (total.values.some((value, m) => IS_SUM[m] && isSaturated(value))) {
    // A difference to "at least this" says nothing: what is not listed has to be added up.
    candidates.free();
    return topJoined(buckets, query, part, seed);
  }
  candidates.choose(query.n + 1);
  for (;;) {
    const groups = new Groups(seed);
    for (const bucket of buckets) part.addChosen(bucket, groups, candidates);
    if (candidates.isExact && part.isTotalOfGroups) candidates.tellUnknown(groups);
    const listed = groups.ranked(query.sort, query.n), isListed = new Set(listed);
    const least = listed.length < query.n ? 0 : groups.value(listed[listed.length - 1], query.sort);
    const unlisted = groups.mostUnlisted(isListed, false);
    // Where values share cells, those in others can matter as well; and values with none of the measure are ranked too, by
    // their bytes: any of them can be next.
    if (candidates.chooseMissing(least, least > 0 || query.sort === REQUESTS ? unlisted : 0)) {
      groups.free();
      continue;
    }
    const largest = part.largestUnlisted(buckets, groups, isListed, total.values);
    const unlistedMax = Math.max(
      anyMax + groups.mostUnlisted(isListed, true),
      anyMax,
      Math.min(unlisted, candidates.mostUnchosen()) + hiddenMax,
    );
    const ranking = assembled(query, groups, listed, total, anyMax, unlistedMax, largest);
    candidates.free();
    groups.free();
    part.free();
    return ranking;
  }
}

/** What a `TopNBuilder` has counted, as plain numbers: it can be posted to another thread. */
export interface TopNState extends GroupsState {
  /** What certainly matches. */
  readonly total: Values;
  /** Requests that may match beyond it. */
  readonly totalBeyond: number;
  /** Requests that a value which is no group can have at most. */
  readonly unlistedMax: number;
}

/**
 * The same one bucket at a time, for more of them than can be held at once. Bounded: beyond `groupsMax` values the
 * lightest fold into `other`, and what they had is added to what any value can have beyond its count.
 */
export class TopNBuilder {
  readonly #part: Contribution;
  readonly #total: Total = { values: zeroValues(), beyond: 0 };
  readonly #groups: Groups;
  #unlistedMax = 0;

  /**
   * @param seed for hashes; random per process
   * @param groupsMax values held; at least 1
   */
  constructor(readonly query: Query, readonly seed: number, readonly groupsMax: number = TOP_N_GROUPS_MAX) {
    this.#part = new Contribution(dimensionIndex(query.groupBy), query.sort, query.filter, false);
    this.#groups = new Groups(seed);
  }

  /** Counts one bucket. Keeps nothing of it. */
  add(bucket: Bucket): void {
    derived.begin();
    this.#unlistedMax += this.#part.add(bucket, this.#groups, "seen", this.#total).any;
    this.#keepBound();
  }

  /** Everything counted so far. The arrays are the caller's. */
  state(): TopNState {
    const { values, beyond } = this.#total;
    return { ...this.#groups.state(), total: values.slice(), totalBeyond: beyond, unlistedMax: this.#unlistedMax };
  }

  /** Adds what another builder has counted for the same question. */
  addState(state: TopNState): void {
    mergeValues(this.#total.values, state.total);
    this.#total.beyond += state.totalBeyond;
    this.#groups.addState(state);
    this.#unlistedMax += state.unlistedMax;
    this.#keepBound();
  }

  /** The answer for everything counted so far. */
  ranking(): Ranking {
    return rankingOf(this.query, this.#part, this.#groups, this.#total, this.#unlistedMax);
  }

  /** Folds the lightest groups when there are too many: well below the bound, so that it does not happen every bucket. */
  #keepBound(): void {
    if (this.#groups.size <= this.groupsMax) return;
    const count = Math.max(1, Math.floor(this.groupsMax * KEPT_AFTER_OVERFLOW));
    this.#unlistedMax += this.#groups.keep(this.query.sort, count);
  }
}

/** Share of the bound that stays in use after an overflow. */
const KEPT_AFTER_OVERFLOW = 0.5;

/** The answer when every value is a group or in REST: what matches is what they have, and what was told beside them. */
function rankingOf(query: Query, part: Contribution, groups: Groups, told: Total, anyMax: number): Ranking {
  const listed = groups.ranked(query.sort, query.n), isListed = new Set(listed);
  const values = part.isTotalOfGroups ? groups.total() : zeroValues(), rest = groups.totalUnlisted(isListed);
  mergeValues(values, told.values);
  if (part.isTotalOfGroups) { for (let m = 0; m < SUM_COUNT; m++) rest[m] += told.values[m]; }
  const unlistedMax = anyMax + groups.mostUnlisted(isListed, true);
  const total = { values: values.map(saturated), beyond: told.beyond };
  return assembled(query, groups, listed, total, anyMax, unlistedMax, rest);
}

function assembled(
  query: Query,
  groups: Groups,
  listed: readonly number[],
  { values: total, beyond }: Total,
  anyMax: number,
  unlistedMax: number,
  unlisted: Values,
): Ranking {
  const dimension = DIMENSIONS[dimensionIndex(query.groupBy)];
  const entries = listed.map((group): TopNEntry => ({
    label: entryLabel(dimension, groups.entry(group)),
    values: groups.valuesOf(group),
    countMax: saturated(groups.most(group) + anyMax),
  }));
  const totalMax = saturated(total[REQUESTS] + beyond);
  return { total, totalMax, entries, other: rest(total, entries, unlisted), unlistedMax };
}

/**
 * What is left of the total: for sums the difference, for maxima the largest that is not listed.
 *
 * @param unlisted what is not listed, of maxima, and of sums where the total is saturated
 */
function rest(total: Values, entries: readonly TopNEntry[], unlisted: Values): Values {
  return total.map((whole, m) => {
    if (IS_SUM[m]) {
      if (isSaturated(whole)) return saturated(unlisted[m]);
      return Math.max(0, entries.reduce((left, { values }) => left - values[m], whole));
    }
    // Whoever had the maximum may have given up the value that is grouped by.
    return entries.every(({ values }) => values[m] < whole) ? whole : unlisted[m];
  });
}
