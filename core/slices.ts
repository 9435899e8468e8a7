/**
 * Time: slices, tiers and windows. All times here are whole seconds since 1970 (UTC); the clock is the caller's.
 *
 * A slice is aligned to its own length. A line enters the finest tier that still holds its time.
 */

export interface Tier {
  /** Seconds of one slice. */
  readonly sliceS: number;
  /** Slots of the ring. */
  readonly slots: number;
  /** What one slot holds at most while the next coarser slot has not been made from it. */
  readonly freshCaps: Caps;
  /** The same afterwards. */
  readonly caps: Caps;
}

/** The most that a table or a bucket may hold. */
export interface Caps {
  readonly rowsMax: number;
  /** Entries of one dimension's dictionary, OTHER included. */
  readonly entriesMax: number;
  /** Bytes of all entries of one dictionary. */
  readonly entryBytesMax: number;
  /**
   * Bytes of a bucket's block: what the memory budget counts with. Ordinary traffic at all other caps takes nine tenths of
   * it; long values in several dimensions at once, which only a flood has, give way sooner. Absent: no such cap.
   */
  readonly bytesMax?: number;
}

const LARGE: Caps = {
  rowsMax: 50_000,
  entriesMax: 16_000,
  entryBytesMax: 2 * 1024 * 1024,
  bytesMax: 2560 * 1024, // 52 a row
};
const SMALL: Caps = {
  rowsMax: 5_000,
  entriesMax: 2_000,
  entryBytesMax: 256 * 1024,
  bytesMax: 384 * 1024, // 78 a row: dictionaries shrink less than rows
};

/** From fine to coarse; each length divides the next. */
export const TIERS: readonly Tier[] = [
  { sliceS: 10, slots: 90, freshCaps: LARGE, caps: SMALL },
  { sliceS: 60, slots: 60, freshCaps: LARGE, caps: LARGE },
  { sliceS: 300, slots: 288, freshCaps: SMALL, caps: SMALL },
];

/** Seconds of the finest slice: windows end on this boundary. */
export const FINEST_S = TIERS[0].sliceS;

export type WindowName = "1m" | "5m" | "15m" | "60m" | "6h" | "24h";

export interface Window {
  readonly name: WindowName;
  /** Seconds. */
  readonly lengthS: number;
  /** Seconds between the points of its trend. */
  readonly stepS: number;
  /** Coarsest tier (index into `TIERS`) that rankings use where slots are whole. */
  readonly coarsest: number;
}

export const WINDOWS: readonly Window[] = [
  { name: "1m", lengthS: 60, stepS: 10, coarsest: 0 },
  { name: "5m", lengthS: 300, stepS: 10, coarsest: 1 },
  { name: "15m", lengthS: 900, stepS: 10, coarsest: 1 },
  { name: "60m", lengthS: 3600, stepS: 60, coarsest: 1 },
  { name: "6h", lengthS: 21_600, stepS: 300, coarsest: 2 },
  { name: "24h", lengthS: 86_400, stepS: 300, coarsest: 2 },
];

/** The window of this name, or undefined. */
export function windowNamed(name: string): Window | undefined {
  return WINDOWS.find((window) => window.name === name);
}

/** Start of the slice of this length that holds `timeS`. */
export function sliceStart(timeS: number, lengthS: number): number {
  return Math.floor(timeS / lengthS) * lengthS;
}

/**
 * The finest tier whose ring still holds `timeS` when the newest fine slice starts at `newestS`; -1 when none does.
 * A ring of n slots holds the newest slot and the n - 1 before it.
 */
export function tierHolding(timeS: number, newestS: number): number {
  for (let tier = 0; tier < TIERS.length; tier++) {
    if (sliceStart(timeS, TIERS[tier].sliceS) >= oldestStart(tier, newestS)) return tier;
  }
  return -1;
}

/** Start of the oldest slot that tier's ring holds when the newest fine slice starts at `newestS`. */
export function oldestStart(tier: number, newestS: number): number {
  const { sliceS, slots } = TIERS[tier];
  return sliceStart(newestS, sliceS) - (slots - 1) * sliceS;
}

export interface Span {
  /** Seconds, inclusive; a multiple of the window's step. */
  readonly fromS: number;
  /** Seconds, exclusive; a multiple of FINEST_S. */
  readonly toS: number;
}

/**
 * The span of a window that ends at `toS`: its last step may be incomplete, and its first step is whole, so that it
 * never reaches back beyond the window's length.
 */
export function windowSpan(window: Window, toS: number): Span {
  const lastStep = sliceStart(toS - 1, window.stepS);
  return { fromS: lastStep + window.stepS - window.lengthS, toS };
}
