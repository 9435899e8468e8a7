/** What the owner of a state tells the saver of it (`state_saver.ts`): what a change is, and what a record says of it. */
import type { Delta } from "@/core/bucket.ts";
import type { MergedSlot } from "@/core/store.ts";
import type { Outgoing } from "./state_frame.ts";

/** Something new, which is in the store already. */
export interface SavedChange {
  readonly deltas: readonly Delta[];
  /** Slots as sources had merged them. Their blocks come after those of the deltas. */
  readonly slots?: readonly MergedSlot[];
}

/** What the owner of a state makes of it. */
export interface Keeping<Standing, Change extends SavedChange> {
  /** What a segment begins with. @param started whether it is the first of this process */
  begin(standing: Standing, started: boolean): Outgoing;
  /** The record of a change, whose blocks are the buckets of its deltas and then its slots; and where things stand with it. */
  record(standing: Standing, change: Change): { readonly record: Outgoing; readonly after: () => Standing };
  /** Two changes as one, without buckets. */
  fold(before: Change | undefined, change: Change): Change;
  /** Bytes of a change while it waits, but those of its buckets. */
  bytesOf(change: Change): number;
  /** Whether a change may not be saved before those whose buckets the store alone has. */
  inOrder(change: Change): boolean;
}

/** What the operator is told. */
export interface SaverWords {
  readonly cannot: string;
  /** More waits than may. */
  readonly tooMuch: string;
  /** Deltas went from the disk, for room, that are still in memory. */
  readonly letGo: string;
  /** What could not wait is saved. */
  readonly savedAfterAll: string;
  /** It was stopped, and not all could be saved. */
  readonly stoppedWithout: string;
}
