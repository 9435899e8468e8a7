/**
 * What a follower of deltas is sent when it says what it has: new deltas as they come, and in between, newest first, what
 * it lacks.
 *
 *     older                                                        newer
 *     ├── 5-minute slots ──┼── minute slots ──┼── retained deltas ──┤ new deltas
 *
 * Slots stand in for deltas that are no longer held one by one, as far back as the rings go. A slice is sent either as
 * deltas or as a slot, and a slot only when the follower has none of what was merged into it: it could not take the rest
 * apart. So what overlaps stays a gap. Nothing is copied before it is taken; what has been forgotten by then is left out.
 *
 * A slot is sent before whatever is new in it, or it would overlap, and not before all of it is saved: it waits for that. One
 * that lacks nothing but what is not saved yet is not chosen: its deltas are held, and the others come when they are saved.
 * When it is forgotten before its turn, as after a large step of the clock back, its deltas are sent that are still held.
 *
 * What we are sent as slots ourselves is passed on as it came, at once: a follower that is caught up would not ask for it.
 */
import type { Delta } from "./bucket.ts";
import type { DeltaCursor, DeltaLog } from "./delta_log.ts";
import { type IdentityRanges, IdentitySet } from "./identity_set.ts";
import type { PassedCursor, PassedSlots } from "./passed_slots.ts";
import type { Slot } from "./ring.ts";
import { FINEST_S, oldestStart, TIERS } from "./slices.ts";
import type { MergedSlot, Store } from "./store.ts";
import type { Feed } from "./subscriber.ts";

/** Said once, when everything that was lacking at the start has been sent. */
export interface CaughtUp {
  readonly caughtUp: true;
}

export type BackfillItem = Delta | MergedSlot | CaughtUp;

/** Tiers whose slots stand in for deltas, coarsest first. */
const MINUTES = 1, COARSEST = TIERS.length - 1;

export class Backfill implements Feed<BackfillItem> {
  /** What the follower has, or has been sent. */
  readonly #has = new IdentitySet();
  readonly #live: DeltaCursor;
  readonly #passed: PassedCursor | undefined;
  /** Position of the next older delta to look at. */
  #position: number;
  /** Slots to send, newest first, and what was in them at the start: its deltas are not sent as well. */
  readonly #slots: Slot[];
  #inSlots = new IdentitySet();
  /** Position of the oldest delta that was held when slots were last chosen. */
  #heldFrom: number;
  #caughtUp = false;

  /**
   * @param has what the follower has already.
   * @param mayBeSent whether what was merged into a slot may leave this process.
   * @param passed slots that come to us from now on; absent where none can.
   */
  constructor(
    readonly log: DeltaLog,
    readonly store: Store,
    has: readonly IdentityRanges[],
    readonly mayBeSent: (identities: readonly IdentityRanges[]) => boolean = () => true,
    passed?: PassedSlots,
  ) {
    this.#has.addRanges(has);
    this.#heldFrom = log.begin;
    this.#slots = this.#slotsToSend();
    for (const slot of this.#slots) this.#inSlots.addRanges(slot.identities.ranges());
    this.#live = log.follow();
    this.#live.skipHeld();
    this.#passed = passed?.follow();
    this.#position = log.end - 1;
  }

  set onReady(ready: () => void) {
    this.#live.onReady = ready;
    if (this.#passed !== undefined) this.#passed.onReady = ready;
  }

  take(): BackfillItem | undefined {
    for (let delta = this.#live.take(); delta !== undefined; delta = this.#live.take()) {
      if (this.#has.has(delta.identity)) continue;
      const index = this.#slotWith(delta);
      if (index < 0) return this.#sent(delta);
      const slot = this.#takeSlotAt(index);
      if (slot !== undefined) return slot;
    }
    const passed = this.#takePassed();
    if (passed !== undefined) return passed;
    const old = this.#takeDelta() ?? this.#takeSlot() ?? this.#takeDelta();
    if (old !== undefined || this.#caughtUp) return old;
    this.#chooseAgain();
    return this.#takeSlot() ?? this.#takeCaughtUp();
  }

  takeDropped(): number {
    return this.#live.takeDropped() + (this.#passed?.takeDropped() ?? 0);
  }

  close(): void {
    this.#live.close();
    this.#passed?.close();
  }

  /** What has just come to us as a slot: before it goes what is still to be sent and has it too, or that would overlap. */
  #takePassed(): MergedSlot | undefined {
    for (let slot = this.#passed?.peek(); slot !== undefined; slot = this.#passed!.peek()) {
      const { identities } = slot;
      const index = this.#slots.findIndex((other) => this.#isHeld(other) && other.identities.hasAny(identities));
      if (index >= 0) {
        const sooner = this.#takeSlotAt(index);
        if (sooner !== undefined) return sooner;
      }
      this.#passed!.next();
      if (this.#has.hasAll(identities)) continue;
      this.#has.addRanges(identities);
      return slot;
    }
    return undefined;
  }

  #takeDelta(): Delta | undefined {
    while (this.#position >= this.log.begin) {
      const delta = this.log.at(this.#position--);
      if (delta === undefined) continue;
      if (!this.#has.has(delta.identity) && !this.#inSlots.has(delta.identity)) return this.#sent(delta);
    }
    return undefined;
  }

  #sent(delta: Delta): Delta {
    this.#has.add(delta.identity);
    return delta;
  }

  #takeSlot(): MergedSlot | undefined {
    for (let index = 0; index < this.#slots.length; index++) {
      const before = this.#slots.length, slot = this.#takeSlotAt(index);
      if (slot !== undefined) return slot;
      index -= before - this.#slots.length;
    }
    return undefined;
  }

  /** The slot as it is now, unless it has been forgotten meanwhile, or has got what is not saved yet. */
  #takeSlotAt(index: number): MergedSlot | undefined {
    const slot = this.#slots[index], { tier, startS, known } = slot, identities = slot.identities.ranges();
    if (!this.#isHeld(slot)) {
      this.#slots.splice(index, 1);
      this.#lookAgain();
      return undefined;
    }
    if (!this.mayBeSent(identities)) return undefined;
    this.#slots.splice(index, 1);
    this.#has.addRanges(identities);
    return { tier, startS, known, identities, bucket: slot.bucket() };
  }

  /** Which of the slots that are still to be sent has this delta, which has just come; -1 for none. */
  #slotWith({ identity, bucket: { startS } }: Delta): number {
    return this.#slots.findIndex((slot) =>
      slot.startS <= startS && startS < slot.startS + slot.lengthS && this.#isHeld(slot) &&
      slot.identities.has(identity)
    );
  }

  #isHeld(slot: Slot): boolean {
    return this.store.rings[slot.tier].at(slot.startS) === slot;
  }

  /** Of deltas that were forgotten before their turn there may be slots. */
  #chooseAgain(): void {
    if (this.#heldFrom === this.log.begin || this.#slots.length > 0) return;
    this.#heldFrom = this.log.begin;
    this.#slots.push(...this.#slotsToSend());
    for (const slot of this.#slots) this.#inSlots.addRanges(slot.identities.ranges());
  }

  /** Deltas that were to be sent with a slot go one by one after all. */
  #lookAgain(): void {
    this.#inSlots = new IdentitySet();
    for (const slot of this.#slots) this.#inSlots.addRanges(slot.identities.ranges());
    this.#position = this.log.end - 1;
  }

  #takeCaughtUp(): CaughtUp | undefined {
    if (this.#caughtUp || this.#slots.length > 0) return undefined;
    this.#caughtUp = true;
    return { caughtUp: true };
  }

  /** Minutes where all of the five are held, five minutes before that. */
  #slotsToSend(): Slot[] {
    const held = this.log.identities(), { rings, endS } = this.store, slots: Slot[] = [];
    const minutesFromS = oldestStart(MINUTES, endS - FINEST_S);
    for (const coarse of rings[COARSEST].slots().reverse()) {
      if (coarse.startS < minutesFromS) slots.push(coarse);
      else slots.push(...minutesOf(coarse, this.store).reverse());
    }
    return slots.filter((slot) => {
      const identities = slot.identities.ranges();
      return this.store.isMade(slot.tier, slot.startS) && identities.length > 0 &&
        !this.#hasAllToCome(held, identities) &&
        !this.#has.hasAny(identities);
    });
  }

  /** Whether deltas will do for a slot: it has only what is held, and what comes as soon as it is saved. */
  #hasAllToCome(held: IdentitySet, identities: readonly IdentityRanges[]): boolean {
    if (held.hasAll(identities)) return true;
    const left = new IdentitySet();
    left.addRanges(identities);
    left.removeRanges(held.ranges());
    return left.ranges().every((one) => one.ranges.every((range) => !this.mayBeSent([{ ...one, ranges: [range] }])));
  }
}

function minutesOf({ startS, lengthS }: Slot, { rings }: Store): Slot[] {
  const minutes: Slot[] = [];
  for (let minuteS = startS; minuteS < startS + lengthS; minuteS += TIERS[MINUTES].sliceS) {
    const minute = rings[MINUTES].at(minuteS);
    if (minute !== undefined) minutes.push(minute);
  }
  return minutes;
}
