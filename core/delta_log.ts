/**
 * The deltas of the last minutes, one by one, and who follows them. Bounded in age and in bytes; the oldest go first.
 *
 * Every delta has a position, counted from 0. A follower is a position in this log and holds nothing itself: however
 * many there are and however slowly they read, each delta is in memory once, and what a follower had not read when it
 * went is counted as dropped for that follower.
 *
 *     forgotten │ held                    │ to come
 *     ──────────┼─────────────────────────┼────────
 *             #begin      a cursor      #end
 */
import { DELTA_BYTES_MAX, DELTA_SECONDS_MAX } from "./bounds.ts";
import type { Delta, Identity } from "./bucket.ts";
import type { Packer } from "./resting.ts";
import { IdentitySet } from "./identity_set.ts";
import { BLOCK_OVERHEAD_BYTES, blockOf, openBlock } from "./bucket_block.ts";

/** A delta at rest: of a small bucket, being open is most of what it takes. */
interface Held {
  readonly identity: Identity;
  readonly block: ArrayBuffer | Packed;
  readonly arrivedS: number;
}

/** A block that whoever follows has mostly read. */
interface Packed {
  readonly packed: Uint8Array;
  readonly byteLength: number;
}

export class DeltaLog {
  /** By position; a map, because forgetting the first of many is cheap only there. */
  readonly #held = new Map<number, Held>();
  readonly #followers = new Set<DeltaCursor>();
  #begin = 0;
  #end = 0;
  #bytes = 0;

  /** Position of the oldest delta that is not packed. */
  #packedUntil = 0;

  /** @param packer of deltas that have been here for a minute; absent: they stay as they are */
  constructor(
    readonly bytesMax: number = DELTA_BYTES_MAX,
    readonly secondsMax: number = DELTA_SECONDS_MAX,
    readonly packer?: Packer,
  ) {}

  /** Keeps a delta that arrived at `nowS`, forgets what is too old or too much, and tells the followers. */
  add(delta: Delta, nowS: number): void {
    const block = blockOf(delta.bucket);
    this.#held.set(this.#end++, { identity: delta.identity, block, arrivedS: nowS });
    this.#bytes += bytesOf(block);
    this.#pack(nowS - PACKED_AFTER_SECONDS);
    this.#forget(nowS - this.secondsMax);
    for (const follower of this.#followers) follower.onReady();
  }

  /** A cursor at the oldest delta held. Close it. */
  follow(): DeltaCursor {
    const cursor: DeltaCursor = new DeltaCursor(this, () => void this.#followers.delete(cursor));
    this.#followers.add(cursor);
    return cursor;
  }

  /** Of all deltas held. */
  identities(): IdentitySet {
    const identities = new IdentitySet();
    for (const { identity } of this.#held.values()) identities.add(identity);
    return identities;
  }

  /** Position of the next delta to come. */
  get end(): number {
    return this.#end;
  }

  /** Position of the oldest delta held; that of the next to come when there is none. */
  get begin(): number {
    return this.#begin;
  }

  /** The delta at a position, opened, or undefined when it is not there any more or not yet. */
  at(position: number): Delta | undefined {
    const held = this.#held.get(position);
    return held && { identity: held.identity, bucket: openBlock(this.#blockOf(held)) };
  }

  get bytes(): number {
    return this.#bytes;
  }

  get followers(): number {
    return this.#followers.size;
  }

  #blockOf({ block }: Held): ArrayBuffer {
    return "packed" in block ? this.packer!.unpack(block.packed, block.byteLength, 0) : block;
  }

  /** Packs what arrived before then. */
  #pack(beforeS: number): void {
    for (; this.packer !== undefined && this.#packedUntil < this.#end; this.#packedUntil++) {
      const held = this.#held.get(this.#packedUntil);
      if (held === undefined || "packed" in held.block) continue;
      if (held.arrivedS >= beforeS) return;
      const packed = { packed: this.packer.pack(new Uint8Array(held.block)), byteLength: held.block.byteLength };
      this.#held.set(this.#packedUntil, { ...held, block: packed });
      this.#bytes += bytesOf(packed) - bytesOf(held.block);
    }
  }

  #forget(beforeS: number): void {
    for (const [position, { arrivedS, block }] of this.#held) {
      if (this.#bytes <= this.bytesMax && arrivedS >= beforeS) return;
      this.#held.delete(position);
      this.#begin = position + 1;
      this.#bytes -= bytesOf(block);
    }
  }
}

function bytesOf(block: ArrayBuffer | Packed): number {
  return ("packed" in block ? block.packed.length : block.byteLength) + BLOCK_OVERHEAD_BYTES;
}

/** Seconds that a delta stays as it came: who follows takes it at once, unless it is behind. */
const PACKED_AFTER_SECONDS = 60;

/** One reader's place in the log: every delta from the oldest held on, once, in order, or counted as dropped. */
export class DeltaCursor {
  /** Called when there is something to take; the transport takes what it can and must not block. */
  onReady: () => void = () => {};
  #position: number;
  #dropped = 0;

  constructor(readonly log: DeltaLog, readonly close: () => void) {
    this.#position = log.begin;
  }

  /** Goes on with what is to come: what is held now is neither taken nor dropped. */
  skipHeld(): void {
    this.#position = this.log.end;
  }

  /** The next delta, or undefined when there is none yet. */
  take(): Delta | undefined {
    this.#skipForgotten();
    const delta = this.log.at(this.#position);
    if (delta !== undefined) this.#position++;
    return delta;
  }

  /** Deltas that went unread since the last call: what the reader has to be told before the next delta. */
  takeDropped(): number {
    this.#skipForgotten();
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #skipForgotten(): void {
    const gone = Math.max(0, this.log.begin - this.#position);
    this.#position += gone;
    this.#dropped += gone;
  }
}
