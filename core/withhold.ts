/**
 * What a flood of new values costs: no row and no entry.
 *
 * A table that has overflowed once will do so again, and nearly all that makes it do so is seen once. So from then on, and
 * from the start in a slice that follows a flood, its large dictionaries are *closed*: a value that has no entry is a
 * newcomer (`newcomers.ts`), and its line is *withheld*: it counts under OTHER, as if it had given the value up at once. With
 * the second line the value gets its entry, and from then on it has rows. So what is seen once costs the table nothing: no
 * overflow, nothing to fold when it is sealed. What had an entry when the slice before was sealed gets one with its first
 * line, and counts for more when entries fold (`roll_up.ts`).
 *
 * A value gives up one line this way, and once more in each window of newcomers: `lostMax` and `foldedMax` grow by the
 * largest line of each.
 */
import { BATCH_LINES } from "./bounds.ts";
import * as dimensions from "./dimensions.ts";
import type { Caps } from "./slices.ts";
import * as intern from "./intern.ts";
import * as batches from "./line_batch.ts";
import type { LineBatch } from "./line_batch.ts";
import { Newcomers } from "./newcomers.ts";
import type { CounterTable } from "./counter_table.ts";
import { isFull, makeRoom } from "./roll_up.ts";

// Constants of this file's own: what is imported, V8 reads and checks at every use (docs/performance.md).
const { DIMENSION_COUNT, OTHER } = dimensions;
const { MISSING } = intern;
const { ENTRY_WORDS, LINE_WORDS } = batches;

/**
 * Share of a bound from which on a dictionary of a flooded table is closed. What has fewer values does not flood, and a
 * status that is seen once may well be what somebody looks for. With a sixteenth the made-up attack takes a tenth longer.
 */
const CLOSED_FROM = 1 / 128;

/** Windows of newcomers, of all dimensions together, that are a flood: 65 536 values within ten seconds. */
const FLOOD_WINDOWS = 2;

/**
 * Share of the bound on entries that holds in a flood, and from the start in a slice that follows one. What a flood leaves
 * in a dictionary is seen once; without it what is looked up stays in the caches. With a quarter the made-up attack would
 * take 4 % less still, but of its true top 100 of URIs one was short of 0.15 %: its only line before the first fold. Busy
 * but ordinary traffic keeps the whole bound.
 */
const FLOODED_ENTRIES = 1 / 2;

/** Newcomers of a window, as a share of the bound on entries: with less, values that come rarely lose a line more often. */
const WINDOW = 1 / 4;

/** Makes sure that a batch of new keys fits (`makeRoom`). Call it first, then look up the entries, then `withholdNew`. */
export function prepareBatch(table: CounterTable, caps: Caps): void {
  table.flooded ||= table.floodExpected;
  if (!table.flooded && hasSlimRoom(table, caps)) return;
  const most = table.floodExpected || isFlood(table) ? floodCaps(caps) : caps;
  if (isFull(table, most)) {
    table.beWide(true);
    makeRoom(table, most);
    table.beSlimAgain();
    table.flooded = true;
  }
  const { entriesMax, entryBytesMax } = caps;
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const dictionary = table.dictionaries[d];
    dictionary.closed = table.flooded &&
      (dictionary.size > CLOSED_FROM * entriesMax || dictionary.bytes > CLOSED_FROM * entryBytesMax);
    if (!dictionary.closed) continue;
    const newcomers = table.newcomers[d] ??= new Newcomers();
    if (newcomers.size >= WINDOW * entriesMax) {
      forget(table, d);
      table.windowsEnded++;
    }
  }
}

/** Whether so many values come for the first time that most will never come again. */
export function isFlood({ windowsEnded }: CounterTable): boolean {
  return windowsEnded >= FLOOD_WINDOWS;
}

/**
 * Takes care of the entries that closed dictionaries did not have: the id in `ids[i * DIMENSION_COUNT + d]`, which is
 * MISSING, becomes OTHER for the first line of a value. Lines are `from … from + count` of the batch.
 *
 * @param view the chunk in which the batch was staged
 */
export function withholdNew(
  table: CounterTable,
  batch: Pick<LineBatch, "staged" | "scratchView" | "values">,
  view: DataView,
  ids: Int32Array,
  from: number,
  count: number,
): void {
  if (!table.flooded) return;
  const { staged, scratchView } = batch;
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    const dictionary = table.dictionaries[d], newcomers = table.newcomers[d];
    if (!dictionary.closed || newcomers === undefined) continue;
    let again = newcomers.meet(batch, ids, d, from, from + count);
    for (let i = from, k = from * DIMENSION_COUNT + d; again > 0; i++, k += DIMENSION_COUNT) {
      if (ids[k] !== MISSING) continue;
      const s = i * LINE_WORDS + d * ENTRY_WORDS, hash = staged[s], start = staged[s + 1], length = staged[s + 2];
      ids[k] = start < 0
        ? dictionary.internWords(scratchView, ~start, length, hash)
        : dictionary.internWords(view, start, length, hash);
      again--;
    }
  }
}

/** Settles what is still withheld: before a table is cut, merged or sealed. */
export function forgetNewcomers(table: CounterTable): void {
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    if (table.newcomers[d] !== undefined) forget(table, d);
  }
}

/** Whether a batch surely fits, as in nearly all slices: there are few rows, and no more entries than these. */
function hasSlimRoom({ slim, dictionaries }: CounterTable, { rowsMax, entriesMax, entryBytesMax }: Caps): boolean {
  if (slim === undefined || 2 * (slim.rows + BATCH_LINES) > Math.min(rowsMax, entriesMax)) return false;
  for (let d = 0; d < DIMENSION_COUNT; d++) if (2 * dictionaries[d].bytes > entryBytesMax) return false;
  return true;
}

function floodCaps(caps: Caps): Caps {
  const { entriesMax } = caps;
  return { ...caps, entriesMax: Math.max(entriesMax * FLOODED_ENTRIES, Math.min(entriesMax, 8 * BATCH_LINES)) };
}

function forget(table: CounterTable, d: number): void {
  table.newcomers[d]?.forget(table.givenUpFor(d, OTHER), table.lostMax[d], table.foldedMax[d]);
}
