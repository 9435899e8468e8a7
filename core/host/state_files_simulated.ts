/**
 * A directory of state in memory, for tests: it can be crashed at any operation, in two ways.
 *
 *  - A *kill* loses what had not been handed to the system: of an append, whatever had not been written.
 *  - A *loss of power* also loses any part of what had not been made durable: pages of files in any combination, the
 *    length of a file, creations, renames and removals of names.
 *
 * After a failed `sync` pages count as written for the system, as on Linux: a later one does not make them durable.
 */
import { type StateFile, type StateFiles, StateTrouble } from "./state_files.ts";

/** What an operation rejects with after the crash: nobody is there any more to see it. */
export class Crash extends Error {}

interface Inode {
  /** As the system shows it. */
  bytes: Uint8Array<ArrayBuffer>;
  /** As it is on the disk. */
  durable: Uint8Array<ArrayBuffer>;
  /** Pages that the system believes to be on the disk and that are not. */
  readonly forgotten: Set<number>;
}

/** A change of names that is not durable. `inode` is undefined for a removal; a rename is one change of two names. */
type NameChange = readonly (readonly [name: string, inode: Inode | undefined])[];

/** See the file's comment. */
export class SimulatedStateFiles implements StateFiles {
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #changes: NameChange[] = [];
  #operations = 0;
  #crashed = false;
  /** The operation at which it crashes, counted from 1. */
  crashAt = Infinity;
  /** Bytes of all files together; more is refused like a full disk. */
  bytesMax = Infinity;
  /** While true, every `sync` fails and every other one is like before. */
  failSync = false;
  /** While true, nothing can be cut. */
  failCut = false;

  /** @param random between 0 and 1. @param pageBytes what the disk writes at once. */
  constructor(readonly random: () => number, readonly pageBytes = 64) {}

  /** Operations so far: where it can crash. */
  get operations(): number {
    return this.#operations;
  }

  /** The directory as the next process finds it. */
  restarted(how: "kill" | "power"): SimulatedStateFiles {
    const next = new SimulatedStateFiles(this.random, this.pageBytes);
    const copies = new Map<Inode, Inode>();
    const copy = (inode: Inode): Inode => {
      let made = copies.get(inode);
      if (made === undefined) copies.set(inode, made = how === "kill" ? clone(inode) : this.#afterPowerLoss(inode));
      return made;
    };
    const names = how === "kill" ? this.#names : this.#namesAfterPowerLoss();
    for (const [name, inode] of names) next.#names.set(name, copy(inode));
    if (how === "power") next.#durableNames = new Map(next.#names);
    else {
      for (const [name, inode] of this.#durableNames) next.#durableNames.set(name, copy(inode));
      next.#changes = this.#changes.map((change) => change.map(([name, inode]) => [name, inode && copy(inode)]));
    }
    return next;
  }

  /** What is in a file, to be changed by a test that damages it. */
  content(name: string): Uint8Array<ArrayBuffer> {
    return this.#inode(name).bytes;
  }

  /** Puts a file there, durably, as another program would. */
  put(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    const inode = { bytes, durable: bytes, forgotten: new Set<number>() };
    this.#names.set(name, inode);
    this.#durableNames.set(name, inode);
  }

  names(): readonly string[] {
    return [...this.#names.keys()].sort();
  }

  // What the log sees.

  lock(): Promise<boolean> {
    return Promise.resolve(true);
  }

  list(): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
    return this.#do(() => [...this.#names].map(([name, { bytes }]) => ({ name, bytes: bytes.length })));
  }

  read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#do(() => this.#inode(name).bytes.slice());
  }

  create(name: string): Promise<StateFile> {
    return this.#do(() => {
      if (this.#names.has(name)) throw new StateTrouble("it exists already");
      const inode = { bytes: new Uint8Array(0), durable: new Uint8Array(0), forgotten: new Set<number>() };
      this.#change([[name, inode]]);
      return {
        append: (parts) => this.#append(inode, parts),
        sync: () => this.#do(() => this.#makeDurable(inode)),
        close: () => {},
      };
    });
  }

  cut(name: string, bytes: number): Promise<void> {
    return this.#do(() => {
      if (this.failCut) throw new StateTrouble("input/output error");
      const inode = this.#inode(name);
      inode.bytes = inode.bytes.slice(0, bytes);
      inode.durable = inode.durable.slice(0, bytes);
      const dirty = new Set(this.#dirtyPages(inode));
      for (const page of inode.forgotten) if (!dirty.has(page)) inode.forgotten.delete(page);
      if (!this.failSync) this.#makeDurable(inode);
    });
  }

  sync(name: string): Promise<void> {
    return this.#do(() => this.#makeDurable(this.#inode(name)));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do(() => this.#change([[from, undefined], [to, this.#inode(from)]]));
  }

  remove(name: string): Promise<void> {
    return this.#do(() => {
      this.#inode(name);
      this.#change([[name, undefined]]);
    });
  }

  syncDirectory(): Promise<void> {
    return this.#do(() => {
      if (this.failSync) throw new StateTrouble("input/output error");
      this.#durableNames = new Map(this.#names);
      this.#changes = [];
    });
  }

  close(): void {}

  // ----------------------------------------------------------------

  async #do<Answer>(operation: () => Answer): Promise<Answer> {
    await Promise.resolve();
    this.#step();
    return operation();
  }

  /** Whether this is where it crashes: before the operation. */
  #step(): void {
    if (this.#crashed || ++this.#operations >= this.crashAt) {
      this.#crashed = true;
      throw new Crash();
    }
  }

  async #append(inode: Inode, parts: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    for (const part of parts) {
      await Promise.resolve();
      const crashes = !this.#crashed && this.#operations + 1 >= this.crashAt;
      const room = this.bytesMax - this.#bytes(), all = Math.min(part.length, room);
      const written = crashes ? Math.floor(this.random() * (all + 1)) : all;
      if (!this.#crashed) inode.bytes = joined(inode.bytes, part.subarray(0, Math.max(0, written)));
      this.#step();
      if (written < part.length) throw new StateTrouble("no space left on device");
    }
  }

  #bytes(): number {
    return [...new Set(this.#names.values())].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  #makeDurable(inode: Inode): void {
    if (this.failSync) {
      for (const page of this.#dirtyPages(inode)) inode.forgotten.add(page);
      throw new StateTrouble("input/output error");
    }
    const durable = inode.bytes.slice();
    for (const page of inode.forgotten) {
      const from = page * this.pageBytes, to = from + this.pageBytes;
      durable.fill(0, from, to).set(
        inode.durable.subarray(from, Math.min(to, durable.length)),
        Math.min(from, durable.length),
      );
    }
    inode.durable = durable;
  }

  #dirtyPages({ bytes, durable }: Inode): number[] {
    const pages = Array.from({ length: Math.ceil(bytes.length / this.pageBytes) }, (_, page) => page);
    return pages.filter((page) => {
      const from = page * this.pageBytes, to = Math.min(bytes.length, from + this.pageBytes);
      for (let at = from; at < to; at++) if (at >= durable.length || bytes[at] !== durable[at]) return true;
      return false;
    });
  }

  /** Any subset of the pages that are not durable, and any length between the two. */
  #afterPowerLoss(inode: Inode): Inode {
    const { bytes, durable, forgotten } = inode;
    const length = durable.length + Math.floor(this.random() * (Math.max(0, bytes.length - durable.length) + 1));
    const found = new Uint8Array(length);
    found.set(durable.subarray(0, length));
    for (const page of this.#dirtyPages(inode)) {
      if (forgotten.has(page) || this.random() < 0.5) continue;
      const from = page * this.pageBytes;
      found.set(bytes.subarray(from, Math.min(length, from + this.pageBytes)), Math.min(length, from));
    }
    return { bytes: found, durable: found.slice(), forgotten: new Set() };
  }

  #namesAfterPowerLoss(): Map<string, Inode> {
    const names = new Map(this.#durableNames);
    for (const change of this.#changes) if (this.random() < 0.5) apply(names, change);
    return names;
  }

  #change(change: NameChange): void {
    apply(this.#names, change);
    this.#changes.push(change);
  }

  #inode(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw new StateTrouble("it does not exist");
    return inode;
  }
}

function apply(names: Map<string, Inode>, change: NameChange): void {
  for (const [name, inode] of change) {
    if (inode === undefined) names.delete(name);
    else names.set(name, inode);
  }
}

function clone({ bytes, durable, forgotten }: Inode): Inode {
  return { bytes: bytes.slice(), durable: durable.slice(), forgotten: new Set(forgotten) };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
