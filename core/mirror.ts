/**
 * A mirror: a store that shows what another one has, so that questions are answered in a thread of their own while the other
 * merges. What has changed since the last look goes across, as blocks and plain data.
 *
 *     store ── Changes.take ──▶ StoreNews ── showNews ──▶ mirror
 *
 * A mirror merges nothing and knows no identities, only names of sources: what answers ask for. It is as old as the last news.
 */
import { blockOf, openBlock } from "./bucket_block.ts";
import type { Slot } from "./ring.ts";
import { TIERS } from "./slices.ts";
import type { Store } from "./store.ts";

/** A slot as it is now. */
export interface SlotNews {
  readonly tier: number;
  readonly startS: number;
  /** As `Slot.known`. */
  readonly known: number;
  /** Who has part in it, and who in nothing finer. */
  readonly sources: readonly string[];
  readonly onlyHere: readonly string[];
  /** Its bucket, when that has changed. */
  readonly block?: ArrayBuffer;
}

/** Up to when a store has come. */
export interface Moment {
  readonly endS: number;
  readonly madeUntilS: readonly number[];
}

/** What has changed. Plain data; whoever passes it on to a thread copies its blocks. */
export interface StoreNews {
  /** Time went back: of what was shown before, slots that begin here are left, tier by tier. */
  readonly left?: readonly ReadonlySet<number>[];
  readonly slots: readonly SlotNews[];
  /** Absent when there is more to come that belongs to the same moment. */
  readonly moment?: Moment;
}

/** How much of a slot has been shown. */
interface Shown {
  readonly changes: number;
  readonly sources: number;
  readonly onlyHere: number;
}

/** What has not been shown yet of a store, for one mirror. */
export class Changes {
  readonly #shown = new WeakMap<Slot, Shown>();
  #rebases = 0;
  #madeUntilS = "";

  constructor(readonly store: Store) {}

  /**
   * The next part of what has changed; undefined when nothing has. Merges what waits to be merged. Take until there is a moment.
   *
   * @param bytesMax of the blocks of one part, but that each may have one slot.
   */
  take(bytesMax: number): StoreNews | undefined {
    const { store } = this, { endS, madeUntilS, rings } = store, slots: SlotNews[] = [];
    const left = this.#leftOver();
    let bytes = 0;
    for (let tier = TIERS.length - 1; tier >= 0; tier--) {
      for (const slot of rings[tier].slots()) {
        if (bytes >= bytesMax) return { ...left, slots };
        const news = this.#newsOf(slot);
        if (news === undefined) continue;
        slots.push(news);
        bytes += news.block?.byteLength ?? 0;
      }
    }
    const made = `${endS} ${madeUntilS.join(" ")}`;
    if (slots.length === 0 && made === this.#madeUntilS && left === undefined) return undefined;
    this.#madeUntilS = made;
    return { ...left, slots, moment: { endS, madeUntilS: [...madeUntilS] } };
  }

  /** Once for each time that the clock has gone back: a slot may be another now, though it begins where one did. */
  #leftOver(): Pick<StoreNews, "left"> | undefined {
    if (this.#rebases === this.store.rebases) return undefined;
    this.#rebases = this.store.rebases;
    const shown = (slot: Slot): boolean => this.#shown.has(slot);
    return { left: this.store.rings.map((ring) => new Set(ring.slots().filter(shown).map(({ startS }) => startS))) };
  }

  #newsOf(slot: Slot): SlotNews | undefined {
    const before = this.#shown.get(slot), { tier, startS, identities, onlyHere } = slot, { sources } = identities;
    const isMore = before === undefined || before.changes !== slot.changes;
    if (!isMore && before.sources === sources.size && before.onlyHere === onlyHere.size) return undefined;
    const block = isMore && slot.knownS > 0 ? blockOf(slot.bucketNow()) : undefined;
    // Looking at it may have merged what waited, which is no news.
    this.#shown.set(slot, { changes: slot.changes, sources: sources.size, onlyHere: onlyHere.size });
    return {
      tier,
      startS,
      known: slot.known,
      sources: [...sources],
      onlyHere: [...onlyHere],
      ...block !== undefined && { block },
    };
  }
}

/** Brings a mirror up to date. The blocks are its own from now on. */
export function showNews(mirror: Store, { left, slots, moment }: StoreNews): void {
  left?.forEach((starts, tier) => mirror.rings[tier].keepOnly(starts));
  for (const { tier, startS, known, sources, onlyHere, block } of slots) {
    const slot = mirror.rings[tier].open(startS);
    slot.show(block && openBlock(block), known);
    slot.identities.noteSources(sources);
    for (const source of onlyHere) slot.onlyHere.add(source);
  }
  if (moment !== undefined) mirror.follow(moment.endS, moment.madeUntilS);
}
