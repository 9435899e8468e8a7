/** Where columns come from, and where they go when they are of no use any more. */
import { free } from "./free.ts";

export interface ColumnMemory {
  /** A column of zeros. */
  words(length: number): Int32Array<ArrayBuffer>;
  /** A column of bytes, which may be any. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
  /** Gives a column of this memory back: nobody may look at it any more. */
  free(column: Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>): void;
}

/** A buffer of its own for each. */
export const OWN_MEMORY: ColumnMemory = {
  words: (length) => new Int32Array(length),
  bytes: (length) => new Uint8Array(length),
  free,
};
