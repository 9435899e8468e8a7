/** Fixture: a packer of tests, which keeps what it is given and hands out eight bytes for it. */
import type { Packer } from "./resting.ts";

/** @param isGood whether anything is gained by it */
export function packerOfTests(isGood = true): Packer {
  const kept: Uint8Array[] = [];
  return {
    pack(bytes): Uint8Array<ArrayBuffer> {
      kept.push(bytes.slice());
      return isGood ? new Uint8Array(new Float64Array([kept.length - 1]).buffer) : bytes.slice();
    },
    unpack(packed, bytes, behind): ArrayBuffer {
      const original = kept[new Float64Array(packed.slice().buffer)[0]], into = new Uint8Array(bytes + behind);
      if (original.length !== bytes) throw new Error("Cannot unpack: it was something else");
      into.set(original);
      return into.buffer;
    },
  };
}
