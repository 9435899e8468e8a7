/**
 * What questions compute of buckets and keep for the next one (where entries begin, their numbers, marginals, rows by
 * entry and by class) is held within one bound in bytes, however many buckets and kinds.
 *
 * When it is reached, what only earlier questions used goes first, that used longest ago before the rest. A question that
 * needs more than there is room for drops what it computed last, of another bucket than the one at hand: so the next one
 * like it still finds most of it, where dropping what is oldest would leave it nothing.
 *
 * What goes is freed at once (`free.ts`). So nobody may hold a column of one bucket while computing of another: questions
 * look at one bucket after the other.
 */
import { DERIVED_BYTES_MAX, GIVE_BACK_AFTER_SECONDS, UNPACKED_BYTES_MAX } from "./bounds.ts";
import type { Dictionary } from "./bucket.ts";

/** Bytes of the runtime for whatever is kept (measured on Deno 2.9). */
const OVERHEAD_BYTES = 256;

/** Share of the bound that is left in use, so that looking for what goes happens rarely. */
const LEFT_IN_USE = 15 / 16;

/** Seconds between two looks for what is not used any more. */
const GIVE_BACK_EVERY_SECONDS = 60;

/** What is kept, and the bound on it. A process has one (`derived`); tests have their own. */
export class Derived {
  readonly #all = new Set<Kept<unknown>>();
  #bytes = 0;
  #uses = 0;
  /** Uses before the present question. */
  #usesBefore = 0;
  /** Questions so far. */
  #questions = 0;

  /** Uses before each of the last times that what is unused was looked for. */
  readonly #marks: { readonly timeS: number; readonly uses: number }[] = [];

  /**
   * @param bytesMax a test may move it later
   * @param also has the same questions
   */
  constructor(public bytesMax: number = DERIVED_BYTES_MAX, readonly also?: Derived) {}

  /** Bytes kept now: at most the bound, and what one bucket needs at once. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A question begins: what only earlier ones have used is dropped before what this one uses. */
  begin(): void {
    this.#usesBefore = this.#uses;
    this.#questions++;
    this.also?.begin();
  }

  /** The number of the present question. */
  get question(): number {
    return this.#questions;
  }

  /** Something that is not kept here and counts within the bound has grown by so many bytes, or shrunk. */
  reserve(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Numbers the uses of what is kept, from 1. */
  nextUse(): number {
    return ++this.#uses;
  }

  /** Holds what has just been made, and drops other things when it is too much. */
  hold(made: Kept<unknown>): void {
    this.#all.add(made);
    this.#bytes += made.bytes;
    if (this.#bytes > this.bytesMax) this.#drop(made.of.deref());
  }

  /**
   * Drops what nobody has used for `GIVE_BACK_AFTER_SECONDS`. Call it every second; it looks once a minute.
   *
   * @returns what was used last as that or before it is given back; -1 when it was too early to look
   */
  giveBack(nowS: number): number {
    const marks = this.#marks, last = marks.at(-1);
    if (last !== undefined && nowS < last.timeS) marks.length = 0; // the clock has gone back
    else if (last !== undefined && nowS < last.timeS + GIVE_BACK_EVERY_SECONDS) return -1;
    marks.push({ timeS: nowS, uses: this.#uses });
    while (marks.length > 1 && marks[1].timeS <= nowS - GIVE_BACK_AFTER_SECONDS) marks.shift();
    if (marks[0].timeS > nowS - GIVE_BACK_AFTER_SECONDS) return -1;
    for (const kept of this.#all) if (kept.usedAt <= marks[0].uses) this.#release(kept);
    return marks[0].uses;
  }

  /** Forgets what is of no use any more. */
  release(kept: Kept<unknown>): void {
    if (this.#all.has(kept)) this.#release(kept);
  }

  #drop(atHand: object | undefined): void {
    const others = [...this.#all].filter(({ of, isPinned }) => of.deref() !== atHand && !isPinned)
      .sort((a, b) => a.usedAt - b.usedAt);
    const ours = others.findIndex(({ usedAt }) => usedAt > this.#usesBefore), earlier = ours < 0 ? others.length : ours;
    for (const kept of [...others.slice(0, earlier), ...others.slice(earlier).reverse()]) {
      if (this.#bytes <= this.bytesMax * LEFT_IN_USE) return;
      this.#release(kept);
    }
  }

  #release(kept: Kept<unknown>): void {
    this.#all.delete(kept);
    this.#bytes -= kept.bytes;
    kept.drop();
  }
}

/** Columns of buckets at rest that have been unpacked (`resting.ts`): made anew in less time than anything else. */
export const unpacked = new Derived(UNPACKED_BYTES_MAX);

/** All else of this process. */
export const derived = new Derived(DERIVED_BYTES_MAX, unpacked);

/** What stands for the bucket of a dictionary: what is of one bucket has one. */
export function homeOf({ home, bytes }: Dictionary): object {
  return home ?? bytes.buffer;
}

/** A place for one thing computed of a bucket: there until the memory is needed for something else. */
export class Kept<Made> {
  usedAt = 0;
  #made: Made | undefined;
  /** The question that needs it as long as it goes on; -1 for none. */
  #pinnedBy = -1;
  #buffers: readonly ArrayBuffer[] = [];

  /** Weak: what was computed of a bucket must not hold its block, when that is packed or dropped. */
  readonly of: WeakRef<object>;

  /**
   * @param of what stands for the bucket (`homeOf`): what is of the bucket at hand is not dropped
   */
  constructor(of: object, readonly within: Derived = derived) {
    this.of = new WeakRef(of);
  }

  /** What was made, if it is still there. */
  get(): Made | undefined {
    if (this.#made !== undefined) this.usedAt = this.within.nextUse();
    return this.#made;
  }

  /** Keeps what was made, where nothing is. `buffers` are its memory and nobody else's; they are freed with it. */
  set(made: Made, buffers: readonly ArrayBuffer[]): Made {
    this.#made = made;
    this.#buffers = buffers;
    this.usedAt = this.within.nextUse();
    this.within.hold(this);
    return made;
  }

  /** It is needed until the next question begins. */
  pin(): void {
    this.#pinnedBy = this.within.question;
  }

  get isPinned(): boolean {
    return this.#pinnedBy === this.within.question;
  }

  /** Frees it now. */
  release(): void {
    this.within.release(this);
  }

  get bytes(): number {
    return this.#buffers.reduce((bytes, { byteLength }) => bytes + byteLength, OVERHEAD_BYTES);
  }

  /** Called when the memory is needed. */
  drop(): void {
    this.#made = undefined;
    for (const buffer of this.#buffers) buffer.transfer(0);
    this.#buffers = [];
  }
}

/** One thing of each of many dictionaries. */
export class KeptOfEach<Made> {
  readonly #places = new WeakMap<Dictionary, Kept<Made>>();

  get(dictionary: Dictionary): Made | undefined {
    return this.#places.get(dictionary)?.get();
  }

  /** Keeps what was made of a dictionary. `buffers` are its memory and nobody else's. */
  set(dictionary: Dictionary, made: Made, buffers: readonly ArrayBuffer[]): Made {
    const place = new Kept<Made>(homeOf(dictionary)), before = this.#places.get(dictionary);
    before?.release();
    this.#places.set(dictionary, place);
    return place.set(made, buffers);
  }
}
