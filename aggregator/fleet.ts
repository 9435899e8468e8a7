/**
 * The fleet: all sources that the aggregator follows, and the one live view that their deltas are merged into.
 *
 * A delta is known by its identity, so one that comes twice, after a reconnection or by another path, changes nothing.
 */
import { MERGES_MAX, RELAY_BYTES_PER_SECOND_MAX } from "@/core/bounds.ts";
import { AHEAD_SECONDS_MAX } from "@/core/bounds.ts";
import { FINEST_S, sliceStart } from "@/core/slices.ts";
import type { Delta } from "@/core/bucket.ts";
import type { RegexEngine } from "@/core/filter_match.ts";
import type { Clock } from "@/core/host/clock.ts";
import { type Log, OncePerMinute } from "@/core/host/log.ts";
import { countOf, type IdentityRanges } from "@/core/identity_set.ts";
import { LiveView } from "@/core/live_view.ts";
import type { MergedSlot, Outcome } from "@/core/store.ts";
import type { Client } from "@/proto/client.ts";
import { BelievedClock } from "./believed_clock.ts";
import { FollowedSource, type Receiver } from "./followed_source.ts";
import { CloneWatch } from "./clone_watch.ts";
import { FleetState, type Restored } from "./fleet_state.ts";
import { KnownDeltas } from "./known_deltas.ts";
import { PieceBudget } from "./piece_budget.ts";
import { identitiesIn } from "./state_load.ts";
import type { Taken } from "./state_record.ts";

export interface FleetOptions {
  /** Name in answers. */
  readonly source: string;
  /** For hashes. */
  readonly seed: number;
  readonly regex: RegexEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly connect: (address: string) => Client;
  /** Between 0 and 1, for jitter. */
  readonly random: () => number;
  /** Waits, and rejects as soon as the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Pieces of numbers that may come from one address; SOURCE_PIECES_MAX when absent. */
  readonly piecesMax?: number;
}

const CLONED =
  "it counts under the identity of another, as a machine does that was cloned with its state: it is counted apart; " +
  "remove its state directory and start it again";
const SAME_NAME =
  "another source has the same name, so that they are one in rankings by source; give each a --source of its own";
const FAR_AHEAD =
  "this machine's clock is far ahead of the state: nothing is taken before sources have said what time it is, " +
  "and windows do not move on without a word from any for five minutes";
const AHEAD = "most sources have another time: this machine's clock is ahead, and is not believed; set it right";
const CONFUSED: readonly string[] = [CLONED, SAME_NAME];

/** Seconds that a source's slice may end after our own now and still move windows on: clocks are never quite equal. */
const SKEW_SECONDS_MAX = 2;

export class Fleet {
  readonly view: LiveView;
  /** What became of the buckets that sources sent. */
  readonly outcomes = new Map<Outcome, number>();
  readonly #sources = new Map<string, FollowedSource>();
  readonly #refusals: OncePerMinute;
  readonly #known = new KnownDeltas();
  /** By address. */
  readonly #pieces = new Map<string, PieceBudget>();
  readonly #clones = new CloneWatch();
  /** What time it is, as far as anybody knows. */
  readonly clock: BelievedClock;
  #wasAhead = false;
  #state: FleetState | undefined;

  constructor(readonly options: FleetOptions) {
    const { source, seed, regex } = options;
    this.clock = new BelievedClock(options.clock);
    this.#refusals = new OncePerMinute(options.log);
    this.view = new LiveView({
      source,
      seed,
      regex,
      targets: () => this.#targets(),
      mergesMax: MERGES_MAX,
      relayBytesPerSecond: RELAY_BYTES_PER_SECOND_MAX,
      onForgotten: (identities) => this.#forgotten(identities),
    });
  }

  /** Goes on where a former process stopped, of which the view has the slots already, and has saved what comes. Before `follow`. */
  restore({ standing, came }: Restored, save: (taken: Taken) => void): void {
    this.#known.add(standing.known);
    this.#clones.restore(standing.apart, came);
    this.#state = new FleetState({ clock: this.clock, former: standing, save });
    const waits = this.clock.found(standing.endS), { endS } = standing;
    if (waits) this.options.log.warn(FAR_AHEAD, { ahead_s: Math.round(this.clock.ownS() - endS), state_until: endS });
  }

  /** Hands over what has come to be saved. */
  save(): void {
    if (this.clock.waiting === undefined) this.#state?.save(this.view.store.endS, this.#sources, this.#clones);
  }

  isFollowed(address: string): boolean {
    return this.#sources.has(address);
  }

  /** Follows exactly these addresses from now on; what others have delivered stays. */
  follow(addresses: readonly string[]): void {
    for (const [address, source] of this.#sources) {
      if (addresses.includes(address)) continue;
      source.stop();
      this.#sources.delete(address);
      this.#pieces.delete(address);
      this.clock.forget(address);
    }
    const { connect, log, random, sleep } = this.options, { clock } = this;
    const nowMs = (): number => clock.monotonicMs(), nowS = (): number => clock.nowS();
    const ownS = (): number => clock.ownS();
    for (const address of addresses) {
      if (this.#sources.has(address)) continue;
      const receiver: Receiver = {
        has: () => this.#clones.as(address, this.#known.ranges()),
        onDelta: (delta) => this.#counted(this.#take(address, delta)),
        onSlot: (slot) =>
          this.#counted(
            this.#takeSlot(address, { ...slot, identities: this.#clones.identitiesOf(address, slot.identities) }),
          ),
        missing: (source) => this.#known.missing(source),
        takesUntilS: () => this.view.store.endS - FINEST_S + AHEAD_SECONDS_MAX,
        onClock: (sentMs) => clock.told(address, sentMs),
        waiting: () => clock.heard(),
      };
      const former = this.#state?.formerOf(address),
        common = { address, connect, log, nowMs, nowS, ownS, random, sleep, receiver };
      const source = new FollowedSource({ ...common, ...(former && { former }) });
      this.#sources.set(address, source);
      void source.run();
    }
  }

  /** Moves time on when no source does, and says which sources cannot be told apart by name. Call it every second. */
  tick(): void {
    const { clock, view: { store } } = this;
    clock.look(this.#sources.size);
    const nowS = clock.nowS(), { aheadS } = clock, { endS } = store;
    const isDoubtful = clock.waiting !== undefined || aheadS === 0 && this.#state?.doubtsClock(endS) === true;
    this.save();
    if (!isDoubtful) this.view.tick(nowS);
    if (aheadS > 0) this.#refusals.warn("clock", nowS, AHEAD, () => ({ ahead_s: Math.round(aheadS) }));
    const wentBack = store.endS < endS;
    if (wentBack || aheadS > 0 && !this.#wasAhead) this.#askAll(wentBack);
    this.#wasAhead = aheadS > 0;
    for (const source of this.#sources.values()) source.tick();
    for (const { address, problem } of this.#targets()) {
      const why = CONFUSED.find((text) => problem.includes(text));
      if (why !== undefined) this.#refusals.warn(`confused ${address}`, nowS, why, () => ({ address }));
    }
  }

  /** What was refused by a clock that was wrong is asked for again: nothing is known but what is here. */
  #askAll(wentBack: boolean): void {
    this.#known.setTo(identitiesIn(this.view.store));
    if (wentBack) this.#state?.wentBack(this.view.store.endS, this.#known.ranges());
    this.save();
    for (const source of this.#sources.values()) source.wasRefusedWrongly();
  }

  #counted(outcome: Outcome): Outcome {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    return outcome;
  }

  /** A slice is over when its first delta is here, unless its source's clock is ahead: then it is held until it is. */
  #take(address: string, sent: Delta): Outcome {
    const identity = this.#clones.identityOf(address, sent.identity), delta: Delta = { ...sent, identity };
    const { view } = this, nowS = this.#begun(), { startS, lengthS } = delta.bucket;
    if (lengthS === FINEST_S && startS + lengthS <= nowS + SKEW_SECONDS_MAX) view.advance(startS + lengthS);
    if (this.#known.isApart(identity) && !this.#hasRoom(address, nowS)) return "too_scattered";
    const outcome = view.accept(delta, nowS);
    if (outcome === "merged" || outcome === "duplicate") {
      const { source, instance, sequence } = identity;
      this.#know(address, [{ source, instance, ranges: [[sequence, sequence]] }], nowS);
      if (outcome === "merged") this.#gathered((state) => state.gathered.delta(delta, address));
    } else this.#tellRefusal(outcome, identity.source, startS, nowS);
    return outcome;
  }

  /** What overlaps is asked for again one by one; what is too old need not be. */
  #takeSlot(address: string, slot: MergedSlot): Outcome {
    const nowS = this.#begun(), { identities, startS } = slot;
    if (!this.#hasRoom(address, nowS)) return "too_scattered";
    const outcome = this.view.acceptSlot(slot);
    if (outcome !== "too_far_ahead" && outcome !== "overlaps") {
      this.#know(address, identities, nowS);
      this.#gathered(({ gathered }) => outcome === "merged" ? gathered.slot(slot) : gathered.knows(identities));
    }
    if (outcome !== "merged" && outcome !== "duplicate") {
      this.#tellRefusal(outcome, identities.map(({ source }) => source).join(" "), startS, nowS);
    }
    return outcome;
  }

  /** Whether what comes by an address may be another piece of numbers. */
  #hasRoom(address: string, nowS: number): boolean {
    return this.#pieces.get(address)?.hasRoom(nowS) ?? true;
  }

  #know(address: string, identities: readonly IdentityRanges[], nowS: number): void {
    this.#known.add(identities);
    const budget = this.#pieces.get(address) ?? new PieceBudget(this.options.piecesMax);
    this.#pieces.set(address, budget);
    for (const one of identities) budget.note(`${one.instance}\n${one.source}`, this.#known.pieces(one), nowS);
  }

  #gathered(add: (state: FleetState) => void): void {
    if (this.#state === undefined) return;
    add(this.#state);
    if (this.#state.gathered.isMuch) this.save();
  }

  /** What the view has forgotten as its time went back: `tick` asks for it again. */
  #forgotten(identities: readonly IdentityRanges[]): void {
    this.#known.remove(identities);
    const deltas = countOf(identities), { endS } = this.view.store;
    this.options.log.warn("the clock went back: what lay after it was forgotten, and is asked for again", {
      deltas,
      endS,
    });
  }

  /** Before the first slice the view is in 1970, and everything would be too far ahead of it. */
  #begun(): number {
    const nowS = this.clock.nowS();
    if (this.view.store.endS === 0) this.view.advance(sliceStart(nowS, FINEST_S));
    return nowS;
  }

  #tellRefusal(outcome: Outcome, source: string, startS: number, nowS: number): void {
    const text = `a bucket was not merged: ${outcome}`;
    this.#refusals.warn(`${outcome} ${source}`, nowS, text, () => ({ source, startS }));
  }

  #targets(): ReturnType<FollowedSource["target"]>[] {
    const sources = [...this.#sources.values()], { aheadS } = this.clock, instances = new Map<string, Set<string>>();
    for (const { name, instance } of sources) {
      if (name === "" || instance === "") continue;
      const named = instances.get(name) ?? new Set();
      instances.set(name, named.add(instance));
    }
    return sources.map((source) => {
      const target = source.target(), more: string[] = aheadS > 0 ? [notBelieved(aheadS)] : [];
      if (this.#clones.isApart(target.address)) more.push(CLONED);
      // By several addresses of one instance it is one source.
      const others = instances.get(target.name)?.size ?? 0;
      if (others > 1 || others === 1 && !instances.get(target.name)!.has(source.instance)) more.push(SAME_NAME);
      return more.length === 0 ? target : { ...target, problem: [target.problem, ...more].filter(Boolean).join("; ") };
    });
  }
}

function notBelieved(aheadS: number): string {
  return `the aggregator's own clock is ${
    Math.round(aheadS)
  } s ahead of most sources, and not believed; set it right there`;
}
