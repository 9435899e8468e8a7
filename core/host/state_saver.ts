/**
 * Saves what a role counts or takes, one record after the other, by one loop that waits for the disk while everything else
 * goes on. What a record says, its owner knows (`Keeping`); what follows when it is durable as well.
 *
 * While nothing can be saved, changes wait. When more wait than may, what comes then is in the store alone, until its slots
 * have been written, and after them all one record that makes them count; a restart before that record takes none of them.
 *
 * Segments are given up oldest first, when together they are more than twice of what is needed of them. What is still
 * needed is written again before, from the store: the newest content of a slot, never what the segment had.
 */
import {
  STATE_BYTES_MIN,
  STATE_QUEUE_BYTES_MAX,
  STATE_RETRY_MS,
  STATE_SEGMENTS_MAX,
  STATE_WRITE_BYTES_MAX,
} from "@/core/bounds.ts";
import { blockOf } from "@/core/bucket_block.ts";
import type { Slot } from "@/core/ring.ts";
import { type Asked, type Cover, type Place, slotsWith, type StateCovers, type Touched } from "@/core/state_covers.ts";
import type { Store } from "@/core/store.ts";
import { type Log, OncePerMinute } from "./log.ts";
import type { Keeping, SavedChange, SaverWords } from "./state_keeping.ts";
import { placeOf, slotRecord } from "./state_record.ts";
import { type Outgoing, type StateLog, StateTrouble } from "./state_log.ts";

export type { Keeping, SavedChange, SaverWords } from "./state_keeping.ts";

/** As both roles say it. */
export const LET_GO =
  "the state is as large as it may be: deltas that can still be asked for went from the disk; after a restart " +
  "the slots that have them stand in for them";

/** Bytes of state that there must be for one that is needed, before deltas that could be asked for are let go of. */
const FULL_RATIO_MIN = 1.25;

export interface SaverOptions<Standing, Change extends SavedChange> {
  readonly log: StateLog;
  readonly store: Store;
  readonly keeping: Keeping<Standing, Change>;
  /** Where things stand in the log. */
  readonly standing: Standing;
  /** What was found in it. */
  readonly covers: StateCovers;
  /** Records of kinds that this program does not know, by the segment they are in. */
  readonly unknown: ReadonlyMap<number, readonly Outgoing[]>;
  /** A change is durable, and was not folded. */
  readonly onSaved: (change: Change) => void;
  /** Which deltas can still be asked for, as it is now. */
  readonly asked: () => Asked;
  readonly messages: Log;
  readonly words: SaverWords;
  /** Seconds since 1970, for messages. */
  readonly nowS: () => number;
  /** Resolves after some milliseconds, or sooner when `wake` is called. */
  readonly sleep: typeof wakeableSleep;
  readonly queueBytesMax?: number;
  readonly bytesMin?: number;
  /**
   * Beyond it deltas go from the disk before they go from memory. What comes until there is room is in the store alone; or it
   * waits (`waitsForRoom`), and room is made before more is written. Then a slot counts after a restart with the records alone
   * that say all that is in it.
   */
  readonly bytesMax?: number;
  readonly waitsForRoom?: boolean;
}

/** For whoever watches. */
export interface StateFacts {
  readonly bytes: number;
  readonly segments: number;
  readonly queuedBytes: number;
  readonly failing: boolean;
  /** Deltas that went from the disk, for room, before they went from memory. */
  readonly letGo: number;
}

/** What is to be written, and what follows when it is durable in a segment. */
interface Work {
  readonly records: readonly Outgoing[];
  readonly done: (segment: number) => void;
  /** Segments before this one are given up then. */
  readonly forget?: number;
}

/** Changes of which the store alone has the buckets. */
interface Unsaved<Change> {
  /** All of them as one: those that the last record was to make count, and those that came since. */
  before: Change | undefined;
  since: Change | undefined;
  /** Where they are, and the number of the last change there. */
  readonly touched: Map<string, Touched & { readonly at: number }>;
  /** Slots that have been written with all changes up to this number. */
  readonly written: Map<Slot, number>;
  /** Number of the last change. */
  changes: number;
  buckets: number;
}

interface Waiting<Change> {
  readonly change: Change;
  readonly bytes: number;
}

export class StateSaver<Standing, Change extends SavedChange> {
  /** As of the last durable record. */
  #standing: Standing;
  #queue: Waiting<Change>[] = [];
  #queueBytes = 0;
  /** What could not wait any more: it is in the store alone. */
  #unsaved: Unsaved<Change> | undefined;
  #trouble: { readonly reason: string; readonly sinceS: number } | undefined;
  /** Whether slots may have been made since they were last looked at. */
  #looked = false;
  #begun = false;
  #letGo = 0;
  /** Changes that were taken, that are durable, and that had been taken when slots were last written to make room. */
  #taken = 0;
  #durable = 0;
  #inSlots = 0;
  #stopping = false;
  #wake = (): void => {};
  readonly #warnings: OncePerMinute;
  readonly #unknown: Map<number, readonly Outgoing[]>;
  /** Ends with `stop`; rejects only when we have a bug. */
  readonly running: Promise<void>;

  constructor(readonly options: SaverOptions<Standing, Change>) {
    this.#standing = options.standing;
    this.#warnings = new OncePerMinute(options.messages);
    this.#unknown = new Map(options.unknown);
    this.running = this.#run();
  }

  /** As of the last durable record. */
  get standing(): Standing {
    return this.#standing;
  }

  /** Takes what is in the store already. */
  save(change: Change): void {
    const bytes = this.options.keeping.bytesOf(change) + bytesOf(change);
    if (this.#mayWait(change, bytes)) {
      this.#queue.push({ change, bytes });
      this.#taken++;
      this.#queueBytes += bytes;
    } else this.#setApart(change);
    this.#looked = false;
    this.#wake();
  }

  /** The last change that waits; undefined when none does. */
  get newest(): Change | undefined {
    return this.#queue.at(-1)?.change;
  }

  /** The clock went back, and the store has forgotten what ends after this. */
  forgetAfter(endS: number): void {
    this.options.covers.forgetAfter(endS);
  }

  /** What is not being saved, in words; empty when everything is. */
  problem(waits: string, isAlone: string): string {
    if (this.#trouble === undefined) return "";
    const since = new Date(1000 * this.#trouble.sinceS).toISOString().slice(0, 19) + "Z";
    const waiting = this.#queue.reduce((sum, { change }) => sum + change.deltas.length, 0);
    const unsaved = this.#unsaved === undefined ? `${waiting} ${waits}` : `${this.#unsaved.buckets} ${isAlone}`;
    return `state has not been saved since ${since}: ${this.#trouble.reason}; ${unsaved}`;
  }

  /** How much is on the disk, how much waits for it, and whether it cannot be written at present. */
  facts(): StateFacts {
    const { bytes, segments: { length: segments } } = this.options.log;
    return { bytes, segments, queuedBytes: this.#queueBytes, failing: this.#trouble !== undefined, letGo: this.#letGo };
  }

  /** Resolves when all that was taken is saved, or cannot be. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    await this.running;
    this.options.log.close();
  }

  async #run(): Promise<void> {
    while (true) {
      const work = this.#next();
      if (work === undefined) {
        if (this.#stopping) return;
        await new Promise<void>((resolve) => this.#wake = resolve);
      } else if (!await this.#write(work)) {
        if (this.#stopping) return this.#tellLost();
        const { over, wake } = this.options.sleep(STATE_RETRY_MS);
        // Only a stop ends the wait: what comes meanwhile would fail like what was before it.
        this.#wake = () => this.#stopping && wake();
        await over;
      }
    }
  }

  async #write({ records, done, forget }: Work): Promise<boolean> {
    const { log, messages, nowS, keeping, words } = this.options;
    try {
      const first = (): Outgoing => keeping.begin(this.#standing, !this.#begun);
      const segment = forget === undefined ? await log.append(records, first) : await log.forget(forget, first);
      this.#begun = true;
      done(segment);
      if (this.#trouble !== undefined) {
        messages.info("state is saved again", { after_s: Math.round(nowS() - this.#trouble.sinceS) });
      }
      this.#trouble = undefined;
      return true;
    } catch (error) {
      if (!(error instanceof StateTrouble)) throw error;
      this.#trouble = { reason: error.reason, sinceS: this.#trouble?.sinceS ?? nowS() };
      this.#warnings.warn(error.reason, nowS(), words.cannot, () => ({
        why: error.reason,
        waiting: this.#queue.length,
      }));
      return false;
    }
  }

  #mayWait(change: Change, bytes: number): boolean {
    const { queueBytesMax = STATE_QUEUE_BYTES_MAX, keeping, waitsForRoom = false } = this.options;
    if (this.#unsaved !== undefined && keeping.inOrder(change)) return false;
    return this.#queueBytes + bytes <= queueBytesMax && (waitsForRoom || !this.#isOver);
  }

  get #isOver(): boolean {
    const { log, bytesMax = Infinity } = this.options;
    return log.bytes > bytesMax;
  }

  #setApart(change: Change): void {
    const { messages, words, keeping } = this.options;
    if (this.#unsaved === undefined) messages.error(words.tooMuch, { waiting_bytes: this.#queueBytes });
    this.#unsaved ??= {
      before: undefined,
      since: undefined,
      touched: new Map(),
      written: new Map(),
      changes: 0,
      buckets: 0,
    };
    const { deltas, slots = [] } = change, unsaved = this.#unsaved, at = ++unsaved.changes;
    for (const { bucket: { startS, lengthS } } of [...deltas, ...slots]) {
      unsaved.touched.set(`${startS} ${lengthS}`, { startS, lengthS, at });
    }
    unsaved.buckets += deltas.length + slots.length;
    unsaved.since = keeping.fold(unsaved.since, change);
  }

  #tellLost(): void {
    const { messages, words } = this.options;
    messages.error(words.stoppedWithout, { changes: this.#queue.length, why: this.#trouble?.reason ?? "" });
  }

  // ---------------------------------------------------------------- what is next

  #next(): Work | undefined {
    const { waitsForRoom = false } = this.options,
      makesRoom = waitsForRoom && this.#unsaved === undefined && this.#isOver;
    const room = makesRoom ? this.#cleaning() : undefined;
    if (room !== undefined) return room;
    if (this.#queue.length > 0) return this.#queued();
    if (this.#unsaved !== undefined) return this.#unsavedWork(this.#unsaved);
    if (this.#stopping) return undefined;
    return this.#madeSlots() ?? this.#cleaning();
  }

  /** As many as are made durable together. */
  #queued(): Work {
    const { keeping, covers, onSaved } = this.options;
    const taken: Waiting<Change>[] = [], records: Outgoing[] = [];
    let standing = this.#standing, bytes = 0;
    for (const waiting of this.#queue) {
      if (taken.length > 0 && bytes + waiting.bytes > STATE_WRITE_BYTES_MAX) break;
      const { record, after } = keeping.record(standing, waiting.change);
      records.push(record);
      standing = after();
      taken.push(waiting);
      bytes += waiting.bytes;
    }
    const done = (segment: number): void => {
      this.#standing = standing;
      this.#queue.splice(0, taken.length);
      this.#queueBytes -= bytes;
      this.#durable += taken.length;
      for (const { change } of taken) {
        covers.placed(segment, placesOf(change));
        onSaved(change);
      }
    };
    return { records, done };
  }

  /**
   * The slots that hold what is in the store alone; when all are written, the record that makes them count: all that is in
   * them, or they would not count after a restart.
   */
  #unsavedWork(unsaved: Unsaved<Change>): Work | undefined {
    const { store, keeping, messages, words } = this.options, { changes, touched, written } = unsaved;
    const found = [...touched.values()].flatMap((slice) =>
      slotsWith(store, slice).map(({ slot, isMade }) => ({ slot, isMade, lacks: (written.get(slot) ?? 0) < slice.at }))
    );
    const slots = new Set(found.filter(({ isMade, lacks }) => isMade && lacks).map(({ slot }) => slot));
    if (slots.size > 0) return this.#slotWork([...slots], true, (slot) => void written.set(slot, changes));
    if (found.some(({ isMade }) => !isMade)) return undefined;
    if (unsaved.since !== undefined) unsaved.before = keeping.fold(unsaved.before, unsaved.since);
    unsaved.since = undefined;
    const { record, after } = keeping.record(this.#standing, unsaved.before!), { buckets } = unsaved;
    const done = (): void => {
      this.#standing = after();
      messages.warn(words.savedAfterAll, { buckets });
      unsaved.before = undefined;
      unsaved.buckets -= buckets;
      for (const [key, { at }] of touched) if (at <= changes) touched.delete(key);
      if (unsaved.since === undefined) this.#unsaved = undefined;
    };
    return { records: [record], done };
  }

  /** Slots that have been made and are not written yet: so that a restart need not merge what they hold. */
  #madeSlots(): Work | undefined {
    if (this.#looked) return undefined;
    const { store, covers } = this.options, slots = covers.missing(store);
    if (slots.length > 0) return this.#slotWork(slots);
    this.#looked = true;
    return undefined;
  }

  /** Gives up the oldest segment when there is too much, once all that is needed of it is written anew. */
  #cleaning(): Work | undefined {
    const { log, store, covers, bytesMin = STATE_BYTES_MIN } = this.options;
    const [oldest] = log.segments;
    const tooMany = log.segments.length > STATE_SEGMENTS_MAX;
    if (!tooMany && log.bytes <= bytesMin || oldest.index === log.current) return undefined;
    const asked = this.options.asked();
    covers.forgetEvicted(store);
    // Writing again what is all needed would make no room.
    const isFull = this.#isOver && log.bytes > FULL_RATIO_MIN * covers.neededBytes(() => false);
    if (!tooMany && !isFull && log.bytes <= 2 * covers.neededBytes(asked)) return undefined;
    const letGo = covers.askedIn(oldest.index, asked);
    if (!isFull && letGo > 0) return undefined;
    const { slots, blocked } = covers.lackingOf(store, oldest.index);
    if (slots.length > 0) {
      this.#inSlots = this.#taken;
      return this.#slotWork(slots);
    }
    if (blocked || this.#durable < this.#inSlots) return undefined;
    return this.#unknownWork(oldest.index) ?? {
      records: [],
      forget: oldest.index + 1,
      done: () => {
        covers.forgetSegment(oldest.index);
        this.#tellLetGo(letGo);
      },
    };
  }

  #tellLetGo(deltas: number): void {
    if (deltas === 0) return;
    const { nowS, words } = this.options;
    this.#letGo += deltas;
    this.#warnings.warn("let go", nowS(), words.letGo, () => ({ deltas, in_all: this.#letGo }));
  }

  /** Nobody knows what records of unknown kinds are for: they are kept. */
  #unknownWork(from: number): Work | undefined {
    const records = this.#unknown.get(from);
    if (records === undefined) return undefined;
    const done = (segment: number): void => {
      this.#unknown.delete(from);
      this.#unknown.set(segment, [...this.#unknown.get(segment) ?? [], ...records]);
    };
    return { records, done };
  }

  /** Some of them, as many as are made durable together. @param pending whether they count with a later record alone */
  #slotWork(slots: readonly Slot[], pending = false, onWritten: (slot: Slot) => void = () => {}): Work {
    const { covers } = this.options,
      records: Outgoing[] = [],
      made: { readonly slot: Slot; readonly cover: Cover }[] = [];
    let bytes = 0;
    for (const slot of slots) {
      if (bytes > STATE_WRITE_BYTES_MAX) break;
      const { tier, startS, known } = slot, bucket = slot.bucket(), identities = slot.identities.ranges();
      records.push(slotRecord({ tier, startS, known, identities, ...(pending ? { pending } : {}) }, bucket));
      const blockBytes = blockOf(bucket).byteLength;
      made.push({ slot, cover: { tier, startS, identities, bytes: blockBytes } });
      bytes += blockBytes;
    }
    const done = (segment: number): void => {
      for (const { slot, cover } of made) {
        covers.cover(segment, cover);
        onWritten(slot);
      }
    };
    return { records, done };
  }
}

/** Where the buckets of a change are, in the order of its record's blocks. */
export function placesOf({ deltas, slots = [] }: SavedChange): Place[] {
  return [
    ...deltas.map(({ identity, bucket }) => placeOf(identity, bucket)),
    ...slots.map(({ identities, bucket }) => placeOf(identities, bucket)),
  ];
}

/** Waits some milliseconds, or until it is woken. */
export function wakeableSleep(ms: number): { readonly over: Promise<void>; readonly wake: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>(), timer = setTimeout(resolve, ms);
  const wake = (): void => {
    clearTimeout(timer);
    resolve();
  };
  return { over: promise, wake };
}

function bytesOf({ deltas, slots = [] }: SavedChange): number {
  return [...deltas, ...slots].reduce((sum, { bucket }) => sum + blockOf(bucket).byteLength, 0);
}
