/** What a fleet found when it began, and what of it is to be saved. */
import { AHEAD_SECONDS_MAX } from "@/core/bounds.ts";
import { type Clock, STEP_HOLD_MS_MIN } from "@/core/host/clock.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import type { CloneWatch } from "./clone_watch.ts";
import type { FollowedSource } from "./followed_source.ts";
import { Gathered } from "./state_gathered.ts";
import type { Came } from "./state_load.ts";
import type { Back, SourceText, Standing, Taken } from "./state_record.ts";

/** What a former process left. */
export interface Restored {
  readonly standing: Standing;
  /** By which address the last deltas came. */
  readonly came: readonly Came[];
}

export interface FleetStateOptions {
  readonly clock: Clock;
  readonly former: Standing;
  readonly save: (taken: Taken) => void;
}

export class FleetState {
  readonly gathered = new Gathered();
  readonly #beganMs: number;
  /** By address: how far the source had come when it was saved last. */
  readonly #savedChanges = new Map<string, number>();
  #savedApart: number;
  #back: Back | undefined;

  constructor(readonly options: FleetStateOptions) {
    this.#beganMs = options.clock.monotonicMs();
    this.#savedApart = options.former.apart.length;
  }

  formerOf(address: string): SourceText | undefined {
    return this.options.former.sources.get(address);
  }

  /** Whether the clock stands so far before what was found that it is not believed until it has held for five minutes. */
  doubtsClock(endS: number): boolean {
    const { clock } = this.options, isYoung = clock.monotonicMs() - this.#beganMs < STEP_HOLD_MS_MIN;
    return isYoung && this.options.former.endS > 0 && endS > clock.nowS() + AHEAD_SECONDS_MAX;
  }

  /** The view has forgotten what ended after this. */
  wentBack(endS: number, known: readonly IdentityRanges[]): void {
    this.#back = { endS: Math.min(endS, this.#back?.endS ?? Infinity), known };
  }

  /** Hands over what has come. */
  save(endS: number, followed: ReadonlyMap<string, FollowedSource>, clones: CloneWatch): void {
    const sources = new Map<string, SourceText>(), apart = clones.apart();
    for (const [address, source] of followed) {
      if (source.changes === (this.#savedChanges.get(address) ?? 0)) continue;
      this.#savedChanges.set(address, source.changes);
      sources.set(address, source.text());
    }
    const taken = this.gathered.take({
      endS,
      nowS: this.options.clock.nowS(),
      sources,
      ...(apart.length > this.#savedApart ? { apart } : {}),
      ...(this.#back === undefined ? {} : { back: this.#back }),
    });
    this.#savedApart = apart.length;
    this.#back = undefined;
    if (taken !== undefined) this.options.save(taken);
  }
}
