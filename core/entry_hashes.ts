/**
 * Hashes of a dictionary's entries, made when a question first needs them and kept for the next (`derived.ts`): joining
 * the same values of sixty buckets then reads four bytes an entry, and the bytes themselves only where hashes agree.
 *
 * The seed is the process's own, and hashes never leave it.
 */
import { hashWords } from "./intern.ts";
import type { Dictionary } from "./bucket.ts";
import { KeptOfEach } from "./derived.ts";

export interface EntryHashes {
  readonly seed: number;
  /** One an entry; that of OTHER means nothing. 4 B an entry. */
  readonly hashes: Int32Array<ArrayBuffer>;
  /** The dictionary's bytes. */
  readonly view: DataView;
}

/** Bytes that `hashWords` and comparing by words may read behind an entry. */
const BEHIND = 3;

const kept = new KeptOfEach<EntryHashes>(true);

/** The hashes of all entries (`hashWords`). Cost: linear in bytes the first time, then none. */
export function entryHashes(dictionary: Dictionary, seed: number): EntryHashes {
  const made = kept.get(dictionary);
  if (made?.seed === seed) return made;
  const hashed = makeHashes(dictionary, seed);
  return kept.set(dictionary, hashed, [hashed.hashes.buffer]);
}

function makeHashes({ size, offsets, bytes }: Dictionary, seed: number): EntryHashes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hashes = new Int32Array(size);
  for (let e = 1; e < size; e++) {
    const from = offsets[e], to = offsets[e + 1];
    hashes[e] = to + BEHIND < bytes.length
      ? hashWords(view, from, to - from, seed)
      : hashWords(paddedCopy(bytes, from, to), 0, to - from, seed);
  }
  return { seed, hashes, view };
}

/** The last entry of a dictionary has nothing behind it. */
function paddedCopy(bytes: Uint8Array, from: number, to: number): DataView {
  const copy = new Uint8Array(to - from + BEHIND + 1);
  copy.set(bytes.subarray(from, to));
  return new DataView(copy.buffer);
}
