/**
 * Dictionary entries as labels for people, and labels back to entries: what a click on a row filters by is what the
 * row was counted under.
 */
import { ENTRY_BYTES_MAX } from "./bounds.ts";
import { isPrefixEntry, parsePrefixText, prefixLabel } from "./client_prefix.ts";
import { ABSENT_LABEL, type Dimension } from "./dimensions.ts";
import { bytesText, textBytes } from "./entry_text.ts";

const ZERO = 0x30, ONE = 0x31;

/**
 * The label of an entry: `-` when absent, `yes` or `no` for a flag, `192.0.2.0/24` for a prefix, the text itself for
 * the rest (`entry_text.ts` says how bytes read that are no text).
 *
 * Total: any bytes have a label, also those that are no valid entry. Control characters stay: whoever shows a label
 * escapes it for its medium.
 */
export function entryLabel(dimension: Dimension, entry: Uint8Array): string {
  if (entry.length === 0) return ABSENT_LABEL;
  if (dimension.kind === "prefix" && isPrefixEntry(entry)) return prefixLabel(entry);
  if (dimension.kind === "flag" && entry.length === 1) {
    if (entry[0] === ONE) return "yes";
    if (entry[0] === ZERO) return "no";
  }
  return bytesText(entry);
}

/**
 * The entry with this label: the inverse of `entryLabel` for valid entries, and a little kinder: an absent value may be
 * empty, a flag `1` or `0`, a prefix a bare address. Text is cut to ENTRY_BYTES_MAX as it was when it was counted.
 *
 * @returns undefined when no entry of this dimension can have this label
 */
export function entryOf(dimension: Dimension, label: string): Uint8Array<ArrayBuffer> | undefined {
  if (label === "" || label === ABSENT_LABEL) return new Uint8Array(0);
  switch (dimension.kind) {
    case "prefix":
      return parsePrefixText(label);
    case "flag":
      return flagEntry(label.toLowerCase());
    case "number":
      return /^[0-9]+$/.test(label) && label.length <= ENTRY_BYTES_MAX ? textBytes(label) : undefined;
    case "text": {
      const bytes = label.includes("\0") ? undefined : textBytes(label);
      return bytes?.slice(0, ENTRY_BYTES_MAX);
    }
  }
}

function flagEntry(label: string): Uint8Array<ArrayBuffer> | undefined {
  if (label === "yes" || label === "1") return Uint8Array.of(ONE);
  if (label === "no" || label === "0") return Uint8Array.of(ZERO);
  return undefined;
}
