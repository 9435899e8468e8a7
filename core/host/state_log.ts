/**
 * A log of records in a directory: what was appended and acknowledged is there again after a kill at any instant and
 * after a loss of power, in order, and nothing else is.
 *
 *   segment-000017-9f3c2a1b.v1    number of the segment, mark of its records (`state_frame.ts`), version of the layout
 *
 * A segment begins with a head, which says what of the segments before it counts, and with a record of the owner's that
 * says all that must be known to go on. A segment that could not be written to is left as it is and never touched again,
 * since nobody knows what of it is durable after a failure: what was not acknowledged is written anew into the next one.
 *
 * What is found when the log is opened:
 *  - behind the last record that is known to be durable, records count up to the first that is torn; that and what
 *    follows is cut off, and nobody has been told of it;
 *  - before it, what is no record is damage: a copy of the segment is set aside, and the rest is used.
 */
import { STATE_SEGMENT_BYTES } from "@/core/bounds.ts";
import { MachineRefusal } from "./endings.ts";
import { frameOver, frameParts, type Outgoing } from "./state_frame.ts";
import { type StateFile, type StateFiles, StateTrouble } from "./state_files.ts";
import { type Damage, FORGET, HEAD, LOST, Reading, type Segment, type StoredRecord } from "./state_reading.ts";

export type { Outgoing } from "./state_frame.ts";
export type { Segment, StoredRecord } from "./state_reading.ts";
export { StateTrouble } from "./state_files.ts";

/** Version of the layout, of names and of the log's own records. */
const VERSION = 1;

/** Something an operator should know: in words, with what belongs to it. */
export interface Finding {
  readonly serious: boolean;
  readonly text: string;
  readonly facts: Readonly<Record<string, string | number>>;
}

export interface StateLogOptions {
  readonly files: StateFiles;
  /** For messages: the directory's name. */
  readonly directory: string;
  /** 32 random bits. */
  readonly random: () => number;
  /** A segment that has this many bytes is followed by another. */
  readonly segmentBytes?: number;
}

/** A file that a copy is being written to. */
const UNFINISHED = ".unfinished";

const SEGMENT = /^segment-(\d{6,})-([0-9a-f]{8})\.v(\d+)$/;

/** See the file's comment. One operation at a time: the owner waits for each. */
export class StateLog {
  /** What was found, in order. The owner empties it when it has taken them in. */
  records: StoredRecord[] = [];
  readonly findings: Finding[] = [];
  readonly segments: Segment[] = [];
  /** Number of the last record known to be durable, and of the last ever written. */
  #durable = 0;
  #number = 0;
  /** Segments before this one are not needed any more. */
  #oldest = 1;
  #current: { readonly segment: Segment; readonly file: StateFile } | undefined;
  #nextIndex = 1;
  #read: { readonly index: number; readonly bytes: Uint8Array<ArrayBuffer> } | undefined;

  private constructor(readonly options: StateLogOptions) {}

  /** Takes the directory and reads what is there. Rejects with MachineRefusal, saying what would work. */
  static async open(options: StateLogOptions): Promise<StateLog> {
    const { files, directory } = options;
    const log = new StateLog(options);
    try {
      if (!await files.lock()) {
        throw refusal(directory, "another process uses it", "give each a directory of its own");
      }
      await log.#load();
      return log;
    } catch (error) {
      files.close();
      if (!(error instanceof StateTrouble)) throw error;
      const remedy = "give --state-dir a directory that this user can write, and --allow-read and --allow-write for it";
      throw refusal(directory, error.reason, remedy);
    }
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The segment that was appended to last. */
  get current(): number {
    return this.segments.at(-1)?.index ?? 0;
  }

  /**
   * Resolves with the segment that holds the records when they are durable, all of them. Rejects with StateTrouble:
   * then none of them is there, and the next call begins another segment.
   *
   * @param first what a new segment begins with, as it is before these records.
   */
  async append(records: readonly Outgoing[], first: () => Outgoing): Promise<number> {
    const { files, segmentBytes = STATE_SEGMENT_BYTES } = this.options;
    const former = this.#current?.segment;
    let isNew = false;
    try {
      if (former === undefined || former.bytes >= segmentBytes) {
        isNew = true;
        this.#current?.file.close();
        this.#current = undefined;
        this.#current = await this.#create();
      }
      const { segment, file } = this.#current!;
      const head = ownRecord(HEAD, { after: this.#durable, oldest: this.#oldest });
      const leading = isNew ? [head, first()] : [];
      const parts = [...leading, ...records].flatMap((record) =>
        frameParts(record, ++this.#number, this.#durable, segment.mark)
      );
      await file.append(parts);
      await file.sync();
      if (isNew) await files.syncDirectory();
      segment.bytes += parts.reduce((sum, { length }) => sum + length, 0);
      this.#durable = this.#number;
      return segment.index;
    } catch (error) {
      await this.#abandon();
      throw error;
    }
  }

  /** Gives up segments before this one: what is still needed of them has been appended again. */
  async forget(before: number, first: () => Outgoing): Promise<number> {
    const formerly = this.#oldest;
    // Numbers are left out where a segment could not be created: the oldest is always one that is there.
    const oldest = this.segments.find(({ index }) => index >= before)?.index ?? this.#nextIndex;
    this.#oldest = oldest;
    try {
      const segment = await this.append([ownRecord(FORGET, { oldest })], first);
      await this.#removeForgotten();
      return segment;
    } catch (error) {
      this.#oldest = formerly;
      throw error;
    }
  }

  /** The blocks of a record that was found. Rejects with StateTrouble. */
  async blocks(record: StoredRecord): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#read?.index !== record.segment) {
      const segment = this.segments.find(({ index }) => index === record.segment)!;
      this.#read = { index: record.segment, bytes: await this.options.files.read(segment.name) };
    }
    return this.#read.bytes.subarray(record.blocksAt, record.blocksAt + record.blocksBytes);
  }

  /** Lets go of what reading needed. */
  endReading(): void {
    this.#read = undefined;
    this.records = [];
  }

  close(): void {
    this.#current?.file.close();
    this.#current = undefined;
    this.options.files.close();
  }

  async #create(): Promise<{ readonly segment: Segment; readonly file: StateFile }> {
    const index = this.#nextIndex, mark = this.options.random() >>> 0;
    const name = `segment-${String(index).padStart(6, "0")}-${mark.toString(16).padStart(8, "0")}.v${VERSION}`;
    const file = await this.options.files.create(name);
    this.#nextIndex++;
    const segment = { index, name, mark, bytes: 0 };
    this.segments.push(segment);
    return { segment, file };
  }

  /** Nothing more goes into the segment. Whatever it has beyond what is durable would only take space, and confuse. */
  async #abandon(): Promise<void> {
    if (this.#current === undefined) return;
    const { segment, file } = this.#current, { files } = this.options;
    this.#current = undefined;
    file.close();
    try {
      if (segment.bytes > 0) return await files.cut(segment.name, segment.bytes);
      await files.remove(segment.name);
      this.segments.splice(this.segments.indexOf(segment), 1);
    } catch (error) {
      if (!(error instanceof StateTrouble)) throw error; // the head of the next segment says that it does not count
    }
  }

  async #removeForgotten(): Promise<void> {
    for (const segment of [...this.segments]) {
      if (segment.index >= this.#oldest) continue;
      try {
        await this.options.files.remove(segment.name);
        this.segments.splice(this.segments.indexOf(segment), 1);
      } catch (error) {
        if (!(error instanceof StateTrouble)) throw error; // it is tried again with the next
      }
    }
  }

  // ---------------------------------------------------------------- reading

  async #load(): Promise<void> {
    const { files, directory } = this.options;
    for (const { name, bytes } of await files.list()) {
      const match = SEGMENT.exec(name);
      // Begun, and nothing was written: by a rename that did not come to it, or a segment that did not come to its head.
      if (name.endsWith(UNFINISHED) || match !== null && bytes === 0) {
        await files.remove(name);
        continue;
      }
      if (match === null) continue;
      if (Number(match[3]) !== VERSION) throw newer(directory, `${name} has another layout`);
      this.segments.push({ index: Number(match[1]), name, mark: parseInt(match[2], 16), bytes });
    }
    this.segments.sort((a, b) => a.index - b.index);
    this.#nextIndex = (this.segments.at(-1)?.index ?? 0) + 1;
    const reading = new Reading();
    for (const segment of this.segments) reading.segment(segment, await this.#content(segment));
    reading.end();
    this.records = reading.records;
    this.#oldest = reading.oldest;
    this.#durable = reading.last;
    this.#number = reading.largest;
    await this.#repair(reading);
    // A record may have been written and not have been made durable: from now on it is relied upon.
    const last = this.segments.at(-1);
    if (last !== undefined) await files.sync(last.name);
    await files.syncDirectory();
    await this.#removeForgotten();
  }

  /** A segment that cannot be read is like one that is not there. */
  async #content({ name }: Segment): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await this.options.files.read(name);
    } catch (error) {
      if (!(error instanceof StateTrouble)) throw error;
      this.findings.push({ serious: true, text: `Cannot read ${name}: ${error.reason}; the rest is used`, facts: {} });
      return new Uint8Array(0);
    }
  }

  async #repair({ torn, damaged, missing }: Reading): Promise<void> {
    if (torn !== undefined) await this.#cut(torn.segment, torn.from);
    const damages = Map.groupBy(damaged, ({ segment }) => segment);
    for (const [segment, of] of damages) await this.#setAside(segment, of);
    for (const { first, last, before } of missing) {
      this.findings.push({ serious: true, text: MISSING, facts: { first, last, before: before.name } });
    }
  }

  /** Nothing counts from there on; the newest goes first, so that a crash in between leaves the same to be done. */
  async #cut(torn: Segment, from: number): Promise<void> {
    const { files } = this.options;
    for (const segment of this.segments.filter(({ index }) => index >= torn.index).reverse()) {
      const keptBytes = segment === torn ? from : 0;
      const facts = { segment: segment.name, bytes: segment.bytes - keptBytes };
      this.findings.push({ serious: false, text: TORN, facts });
      segment.bytes = keptBytes;
      if (keptBytes > 0) await files.cut(segment.name, keptBytes);
      else {
        await files.remove(segment.name);
        this.segments.splice(this.segments.indexOf(segment), 1);
      }
    }
  }

  /** Keeps a copy of a damaged segment under another name; in the segment, a record says what is lost. */
  async #setAside(segment: Segment, damages: readonly Damage[]): Promise<void> {
    const { files } = this.options, aside = segment.name.replace("segment-", "damaged-");
    const bytes = damages.reduce((sum, { from, to }) => sum + to - from, 0);
    const facts = { segment: segment.name, at: damages[0].from, bytes, first: damages[0].first, last: damages[0].last };
    try {
      const content = await files.read(segment.name);
      await this.#write(aside, content);
      await this.#write(segment.name + UNFINISHED, withLost(content, damages, segment.mark));
      await files.rename(segment.name + UNFINISHED, segment.name);
      await files.syncDirectory();
      this.findings.push({ serious: true, text: DAMAGED, facts: { ...facts, set_aside: aside } });
    } catch (error) {
      if (!(error instanceof StateTrouble)) throw error;
      const text = `${DAMAGED}. Cannot set a copy aside: ${error.reason}; it is tried again at the next start`;
      this.findings.push({ serious: true, text, facts });
    }
  }

  async #write(name: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
    const { files } = this.options, known = await files.list();
    if (known.some((file) => file.name === name)) await files.remove(name);
    const file = await files.create(name);
    try {
      await file.append([content]);
      await file.sync();
    } finally {
      file.close();
    }
  }
}

/** A record of the log's own. Its text is as long as any of them, so that one can take the place of another. */
function ownRecord(kind: number, content: Readonly<Record<string, number>>): Outgoing {
  return { kind, version: VERSION, text: JSON.stringify(content).padEnd(64), blocks: [] };
}

/** The segment with a record in each damaged place that says what is lost. Nothing else moves. */
function withLost(content: Uint8Array, damages: readonly Damage[], mark: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(Math.ceil(content.length / 8) * 8);
  whole.set(content);
  for (const { from, to, first, last } of damages) {
    whole.set(frameOver(ownRecord(LOST, { until: last }), first, mark, to - from), from);
  }
  return whole;
}

const TORN =
  "a record of the state was torn by a kill or a loss of power; it is cut off: nothing of it was delivered, " +
  "and its lines are read again";
const DAMAGED = "the state is damaged in the middle; the rest is used, and what was counted there is a gap";
const MISSING = "records of the state are missing; the rest is used, and what was counted there is a gap";

/** Why a directory of state cannot be used, and what would work. */
export function refusal(directory: string, why: string, remedy: string): MachineRefusal {
  return new MachineRefusal(`Cannot use the state in ${directory}: ${why}; ${remedy}`);
}

/** Of state that a later version of this program has written. */
export function newer(directory: string, what: string): MachineRefusal {
  return refusal(directory, `${what}, as of a newer program`, "start that one, or give another --state-dir");
}
