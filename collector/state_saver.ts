/**
 * Saves what a collector counts: a delta is published when its record is durable, and not before. One record after the
 * other, by one loop that waits for the disk while everything else goes on.
 *
 * While nothing can be saved, what was sealed waits. When more waits than may, delivery stops: what is sealed from then on
 * is in the store alone, and the positions that were saved last stay those from which a restart reads again. As soon as
 * saving works again, the slots that hold it are written, and after them all one record that says so; a restart before that
 * record takes none of them.
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
import type { Delta } from "@/core/bucket.ts";
import { blockOf } from "@/core/bucket_block.ts";
import { addLedger, emptyLedger, type Ledger } from "@/core/ledger.ts";
import { type Log, OncePerMinute } from "@/core/host/log.ts";
import { type Outgoing, type StateLog, StateTrouble } from "@/core/host/state_log.ts";
import type { Slot } from "@/core/ring.ts";
import type { Store } from "@/core/store.ts";
import { type Cover, type Place, StateCovers } from "./state_covers.ts";
import { beginRecord, ledgerText, sealedRecord, slotRecord, type Standing } from "./state_record.ts";
import { type Change, changeText, standingAfter } from "./state_standing.ts";

export interface SaverOptions {
  readonly log: StateLog;
  readonly store: Store;
  /** Where things stand in the log. */
  readonly standing: Standing;
  /** What was found in it. */
  readonly covers: StateCovers;
  /** Records of kinds that this program does not know, by the segment they are in. */
  readonly unknown: ReadonlyMap<number, readonly Outgoing[]>;
  /** Hands out deltas that are durable. */
  readonly publish: (deltas: readonly Delta[], nowS: number) => void;
  /** Sequence number of the oldest delta that can still be asked for; Infinity when none can. */
  readonly askedFrom: () => number;
  readonly messages: Log;
  /** Seconds since 1970, for messages. */
  readonly nowS: () => number;
  /** Resolves after some milliseconds, or sooner when `wake` is called. */
  readonly sleep: (ms: number) => { readonly over: Promise<void>; readonly wake: () => void };
  readonly queueBytesMax?: number;
  readonly bytesMin?: number;
}

/** For whoever watches. */
export interface StateFacts {
  readonly bytes: number;
  readonly segments: number;
  readonly queuedBytes: number;
  readonly failing: boolean;
}

/** What is to be written, and what follows when it is durable in a segment. */
interface Work {
  readonly records: readonly Outgoing[];
  readonly done: (segment: number) => void;
  /** Segments before this one are given up then. */
  readonly forget?: number;
}

/** Changes of which the store alone has the buckets. */
interface Unsaved {
  readonly places: Place[];
  readonly ledger: Ledger;
  /** All of them as one, without buckets. */
  change: Change;
}

interface Waiting {
  readonly change: Change;
  readonly bytes: number;
}

export class StateSaver {
  /** As of the last durable record. */
  #standing: Standing;
  #queue: Waiting[] = [];
  #queueBytes = 0;
  /** What could not wait any more: it is in the store alone. Its last change says where things stand with it. */
  #unsaved: Unsaved | undefined;
  #trouble: { readonly reason: string; readonly sinceS: number } | undefined;
  /** Whether slots may have been made since they were last looked at. */
  #looked = false;
  #begun = false;
  #stopping = false;
  #wake = (): void => {};
  readonly #warnings: OncePerMinute;
  readonly #unknown: Map<number, readonly Outgoing[]>;
  /** Ends with `stop`; rejects only when we have a bug. */
  readonly running: Promise<void>;

  constructor(readonly options: SaverOptions) {
    this.#standing = options.standing;
    this.#warnings = new OncePerMinute(options.messages);
    this.#unknown = new Map(options.unknown);
    this.running = this.#run();
  }

  /** Sequence number up to which everything is durable. */
  get savedSequence(): number {
    return this.#standing.sequence;
  }

  /** Takes what was sealed and is in the store already. */
  save(change: Change): void {
    const bytes = changeBytes(change), { queueBytesMax = STATE_QUEUE_BYTES_MAX } = this.options;
    if (this.#unsaved === undefined && this.#queueBytes + bytes > queueBytesMax) this.#stopDelivery(change);
    if (this.#unsaved !== undefined) {
      for (const delta of change.deltas) {
        this.#unsaved.places.push(placeOf(delta));
        addLedger(this.#unsaved.ledger, delta.bucket.ledger);
      }
      this.#unsaved.change = { ...this.#unsaved.change, ...change, deltas: [] };
    } else {
      this.#queue.push({ change, bytes });
      this.#queueBytes += bytes;
    }
    this.#looked = false;
    this.#wake();
  }

  /** Patterns were looked at: they and the positions are saved, with nothing counted. */
  saveScanned(scanned: readonly string[], positions: Change["positions"]): void {
    const { endS, nowS } = this.#queue.at(-1)?.change ?? this.#standing;
    this.save({ endS, nowS, deltas: [], positions, scanned });
  }

  /** What is not being saved, in words; empty when everything is. */
  problem(): string {
    if (this.#trouble === undefined) return "";
    const since = new Date(1000 * this.#trouble.sinceS).toISOString().slice(0, 19) + "Z";
    const waiting = this.#queue.reduce((sum, { change }) => sum + change.deltas.length, 0);
    const unsaved = this.#unsaved === undefined
      ? `${waiting} buckets wait to be delivered`
      : `delivery has stopped, and ${this.#unsaved.places.length} buckets are in this collector's own answers alone`;
    return `state has not been saved since ${since}: ${this.#trouble.reason}; ${unsaved}`;
  }

  /** How much is on the disk, how much waits for it, and whether it cannot be written at present. */
  facts(): StateFacts {
    const { bytes, segments: { length: segments } } = this.options.log;
    return { bytes, segments, queuedBytes: this.#queueBytes, failing: this.#trouble !== undefined };
  }

  /** Resolves when all that was sealed is saved, or cannot be. */
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
        // Only a stop ends the wait: what is sealed meanwhile would fail like what was before it.
        this.#wake = () => this.#stopping && wake();
        await over;
      }
    }
  }

  async #write({ records, done, forget }: Work): Promise<boolean> {
    const { log, messages, nowS } = this.options;
    try {
      const first = (): Outgoing => beginRecord(this.#standing, !this.#begun);
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
      const text = "state cannot be saved: counting and answering go on, delivery waits; it is tried again";
      this.#warnings.warn(error.reason, nowS(), text, () => ({ why: error.reason, waiting: this.#queue.length }));
      return false;
    }
  }

  #stopDelivery(change: Change): void {
    this.#unsaved = { places: [], ledger: emptyLedger(), change };
    const text =
      "delivery has stopped: more waits to be saved than may; counting and answering go on, and who follows " +
      "this collector will see a gap";
    this.options.messages.error(text, { waiting_bytes: this.#queueBytes });
  }

  #tellLost(): void {
    const { messages } = this.options;
    const text = "stopped without saving all that was counted: its lines are read again at the next start, as far as " +
      "they are in files";
    messages.error(text, { changes: this.#queue.length, why: this.#trouble?.reason ?? "" });
  }

  // ---------------------------------------------------------------- what is next

  #next(): Work | undefined {
    if (this.#queue.length > 0) return this.#queued();
    if (this.#unsaved !== undefined) return this.#unsavedWork(this.#unsaved);
    if (this.#stopping) return undefined;
    return this.#madeSlots() ?? this.#cleaning();
  }

  /** As many as are made durable together. */
  #queued(): Work {
    const taken: Waiting[] = [], records: Outgoing[] = [];
    let standing = this.#standing, bytes = 0;
    for (const waiting of this.#queue) {
      if (taken.length > 0 && bytes + waiting.bytes > STATE_WRITE_BYTES_MAX) break;
      const { change } = waiting, text = changeText(standing, change);
      records.push(sealedRecord(text, change.deltas.map(({ bucket }) => bucket)));
      standing = standingAfter(standing, text);
      taken.push(waiting);
      bytes += waiting.bytes;
    }
    const done = (segment: number): void => {
      this.#standing = standing;
      this.#queue.splice(0, taken.length);
      this.#queueBytes -= bytes;
      for (const { change: { deltas, nowS } } of taken) {
        this.options.covers.placed(segment, deltas.map(placeOf));
        this.options.publish(deltas, nowS);
      }
    };
    return { records, done };
  }

  /** The slots that hold what is in the store alone; when all are written, the record that makes them count. */
  #unsavedWork({ places, ledger, change }: Unsaved): Work | undefined {
    const { store, covers, messages } = this.options, { slots, blocked } = covers.lacking(store, places);
    if (slots.length > 0) return this.#slotWork(slots);
    if (blocked) return undefined;
    // More may be sealed while this is being written.
    const count = places.length, counted = ledger.slice();
    const sequence = places.at(-1)?.identity.sequence ?? this.#standing.sequence;
    const text = { ...changeText(this.#standing, change), sequence, ledger: ledgerText(ledger) };
    const done = (): void => {
      this.#standing = standingAfter(this.#standing, text);
      places.splice(0, count);
      counted.forEach((lines, reason) => ledger[reason] -= lines);
      if (this.#unsaved?.change === change) this.#unsaved = undefined;
      const what = "what was counted while delivery had stopped is saved; who follows this collector has a gap";
      messages.warn(what, { buckets: count });
    };
    return { records: [sealedRecord(text, [])], done };
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
    const { log, store, covers, askedFrom, bytesMin = STATE_BYTES_MIN } = this.options;
    const [oldest] = log.segments;
    const tooMany = log.segments.length > STATE_SEGMENTS_MAX;
    if (!tooMany && log.bytes <= bytesMin || oldest.index === log.current) return undefined;
    covers.forgetEvicted(store);
    if (!tooMany && log.bytes <= 2 * covers.neededBytes(askedFrom())) return undefined;
    const places = covers.placesIn(oldest.index);
    if (places.some(({ identity }) => identity.sequence >= askedFrom())) return undefined;
    const { slots, blocked } = covers.lacking(store, places, oldest.index);
    if (slots.length > 0) return this.#slotWork(slots);
    if (blocked) return undefined;
    return this.#unknownWork(oldest.index) ?? {
      records: [],
      forget: oldest.index + 1,
      done: () => covers.forgetSegment(oldest.index),
    };
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

  /** Some of them, as many as are made durable together. */
  #slotWork(slots: readonly Slot[]): Work {
    const { covers } = this.options, records: Outgoing[] = [], made: Cover[] = [];
    let bytes = 0;
    for (const slot of slots) {
      if (bytes > STATE_WRITE_BYTES_MAX) break;
      const { tier, startS, known } = slot, bucket = slot.bucket(), identities = slot.identities.ranges();
      records.push(slotRecord({ tier, startS, known, identities }, bucket));
      const blockBytes = blockOf(bucket).byteLength;
      made.push({ tier, startS, identities, bytes: blockBytes });
      bytes += blockBytes;
    }
    return { records, done: (segment) => made.forEach((cover) => covers.cover(segment, cover)) };
  }
}

export function placeOf({ identity, bucket }: Delta): Place {
  return { identity, startS: bucket.startS, lengthS: bucket.lengthS, bytes: blockOf(bucket).byteLength };
}

/** Bytes of a change while it waits. */
function changeBytes({ deltas, positions }: Change): number {
  return deltas.reduce((sum, { bucket }) => sum + blockOf(bucket).byteLength, 0) + 300 * positions.length + 1000;
}
