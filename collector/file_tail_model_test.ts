/**
 * The file tail against a naive model: random writing, rotation, truncation, deletion, restarts and lagging reads on
 * simulated files. Every line written is handed over exactly once and in order, except what the model says was
 * destroyed before anybody could have read it.
 */
import { assert, assertEquals } from "@std/assert";
import { simulatedClock } from "@/core/host/clock.ts";
import { SimulatedFiles, type SimulatedWriter } from "@/core/host/files_simulated.ts";
import { openLog } from "@/core/host/log.ts";
import { SUPERSEDED_FILES_MAX, SUPERSEDED_QUIET_SECONDS_MIN } from "@/core/bounds.ts";
import { DELETED_QUIET_SECONDS_MIN } from "./open_files.ts";
import { FileTail, type LineConsumer, type Origin, type Position } from "./file_tail.ts";

const SEEDS = 400;
const OPERATIONS = 150;
const CHUNK_BYTES = 64;
const LINE_BYTES_MAX = 40;
const LONG = "(too long)";
const PATTERNS = ["/named/a.log", "/glob/*.log*", "/glob/x.log"];
/** Logs with rotated siblings that are followed (glob) and that are not (named). */
const LOGS = ["/named/a.log", "/glob/x.log", "/glob/y.log"];
const ROTATED_MAX = 3;

/** One inode's life, as the model sees it. */
interface ModelFile {
  readonly name: string;
  readonly inode: number;
  readonly writer: SimulatedWriter;
  /** Whether a scan has found it at a followed name, or where rotation put it since the last: else its lines are nobody's. */
  seen: boolean;
  writing: boolean;
  unfinished: string;
  expected: string[];
  readonly handed: string[];
}

class Model implements LineConsumer {
  /** The file system's clock. */
  #ms = 1;
  readonly files = new SimulatedFiles(Infinity, () => this.#ms);
  readonly clock = simulatedClock();
  /** Followed names and rotated ones. */
  readonly names = new Map<string, ModelFile>();
  readonly all: ModelFile[] = [];
  readonly byInode = new Map<number, ModelFile>();
  tail: FileTail;
  #rotations = 0;
  #lines = 0;
  /** Whether the tail knows which files of the named log's directory are younger than the last scan. */
  #marked = false;

  constructor(readonly random: (below: number) => number) {
    this.tail = this.#newTail();
  }

  lines(bytes: Uint8Array, start: number, end: number, origin: Origin): void {
    assertEquals(bytes[end - 1], 0x0a);
    const lines = new TextDecoder().decode(bytes.subarray(start, end)).split("\n");
    this.byInode.get(origin.inode)!.handed.push(...lines.slice(0, -1));
  }

  tooLong(origin: Origin): void {
    this.byInode.get(origin.inode)!.handed.push(LONG);
  }

  cut(): void {}

  step(): void {
    const name = LOGS[this.random(LOGS.length)];
    const operation = this.random(100);
    if (operation < 40) this.#append();
    else if (operation < 48) this.#rotate(name);
    else if (operation < 52) this.#remove(name);
    else if (operation < 56) this.#truncate(name);
    else if (operation < 58) this.#restart();
    else if (operation < 61) this.settle();
    else if (operation < 75) this.#rescan();
    else this.tail.readSome(1 + this.random(4));
  }

  /** Old writers stop, everything is read, and superseded files have been quiet for long enough to be closed. */
  settle(): void {
    // What was renamed or removed without a successor would stay open.
    for (const name of LOGS) if (!this.names.has(name)) this.#create(name);
    for (const file of this.all) if (!this.#followedName(file)) this.#stop(file);
    this.#rescan();
    this.#drain();
    for (const file of this.all) {
      // What is at a followed name may still be finished by its writer; on all others the last line is as it is.
      if (file.unfinished === "" || this.#followedName(file)) continue;
      if (file.writing) continue;
      file.expected.push(file.unfinished);
      file.unfinished = "";
    }
    const quietMs = 1000 * Math.max(SUPERSEDED_QUIET_SECONDS_MIN, DELETED_QUIET_SECONDS_MIN);
    this.clock.advanceMs(quietMs);
    this.#ms += quietMs;
    this.#rescan();
    this.#rotations = 0;
  }

  check(): void {
    for (const file of this.all) {
      if (file.seen) assertEquals(file.handed, file.expected, file.name);
      else assertEquals(file.handed, []);
    }
  }

  finish(): void {
    for (const file of this.all) this.#stop(file);
    this.settle();
    this.check();
    this.tail.close();
    assertEquals(this.files.handlesOpen, 0);
  }

  #newTail(positions?: readonly Position[]): FileTail {
    const log = openLog("test", () => {});
    const nowS = (): number => this.clock.nowS();
    const sizes = { chunkBytes: CHUNK_BYTES, lineBytesMax: LINE_BYTES_MAX };
    return new FileTail({
      files: this.files,
      patterns: PATTERNS,
      from: "start",
      log,
      nowS,
      consumer: this,
      positions,
      ...sizes,
    });
  }

  #followedName(file: ModelFile): boolean {
    return [...this.names].some(([name, at]) => at === file && (name.startsWith("/glob/") || name === LOGS[0]));
  }

  #rescan(): void {
    // What is as young as the first look may be read or not.
    if (!this.#marked) this.#ms += 100;
    for (const [name, file] of this.names) {
      if (name.startsWith("/glob/") || name === LOGS[0] || this.#marked) file.seen = true;
      // It was there before anybody looked: like an old log, it is not followed.
      else if (!file.seen) this.names.delete(name);
    }
    this.tail.rescan();
    this.#marked = this.all.some((file) => file.name.startsWith("/named/"));
    // Often within the tick of the file system's clock.
    this.#ms += this.random(2) * this.random(50);
  }

  #drain(): void {
    while (this.tail.readSome(10));
    while (this.tail.readSome(10));
  }

  #create(name: string): void {
    const writer = this.files.writer(name);
    const status = this.files.stat(name);
    assert("inode" in status);
    const { inode } = status;
    const life = `${name} #${this.all.length}`;
    const empty = { seen: false, writing: true, unfinished: "", expected: [], handed: [] };
    const file: ModelFile = { name: life, inode, writer, ...empty };
    this.names.set(name, file);
    this.all.push(file);
    this.byInode.set(inode, file);
  }

  /** To any file that still has a writer, also one that was rotated or removed. */
  #append(): void {
    const writing = this.all.filter((file) => file.writing);
    if (writing.length === 0) return this.#rotate(LOGS[this.random(LOGS.length)]);
    const file = writing[this.random(writing.length)];
    let text = "";
    for (let lines = this.random(6); lines > 0; lines--) {
      const long = this.random(12) === 0;
      const line = `${this.#lines++}${
        (long ? "L" : "x").repeat(long ? LINE_BYTES_MAX + this.random(150) : this.random(12))
      }`;
      const whole = file.unfinished + line;
      file.expected.push(whole.length > LINE_BYTES_MAX ? LONG : whole);
      file.unfinished = "";
      text += `${line}\n`;
    }
    if (this.random(3) === 0) {
      const part = `p${this.#lines++}`;
      if (file.unfinished.length + part.length < LINE_BYTES_MAX) {
        file.unfinished += part;
        text += part;
      }
    }
    file.writer.append(text);
  }

  /** name.2 → name.3, name.1 → name.2, name → name.1; the writer reopens sooner or later. */
  #rotate(name: string): void {
    if (!this.names.has(name)) return this.#create(name);
    if (++this.#rotations >= SUPERSEDED_FILES_MAX) this.settle();
    if (this.names.has(`${name}.${ROTATED_MAX}`)) this.#remove(`${name}.${ROTATED_MAX}`);
    for (let number = ROTATED_MAX - 1; number >= 0; number--) {
      const from = number === 0 ? name : `${name}.${number}`;
      const file = this.names.get(from);
      if (file === undefined) continue;
      this.files.rename(from, `${name}.${number + 1}`);
      this.names.delete(from);
      this.names.set(`${name}.${number + 1}`, file);
    }
    if (this.random(2) === 0) this.#create(name);
  }

  #remove(name: string): void {
    if (!this.names.has(name)) return this.#create(name);
    if (++this.#rotations >= SUPERSEDED_FILES_MAX) this.settle();
    this.files.unlink(name);
    this.names.delete(name);
    if (this.random(2) === 0 && LOGS.includes(name)) this.#create(name);
  }

  /** Lines not handed over yet are destroyed. The tail looks before the file can have grown beyond its old size. */
  #truncate(name: string): void {
    const file = this.names.get(name);
    if (file === undefined) return;
    assertEquals(file.handed, file.expected.slice(0, file.handed.length), "handed over in order");
    this.files.truncate(name);
    file.expected = [...file.handed];
    file.unfinished = "";
    this.#drain();
  }

  /** Another thread continues. Files without a name cannot be opened again: they are read to their end before. */
  #restart(): void {
    const named = new Set(this.names.values());
    if (this.all.some((file) => file.writing && !named.has(file)) || this.random(3) === 0) this.settle();
    for (const file of this.all) if (!named.has(file)) this.#stop(file);
    if (this.tail.positions().some(({ inode }) => !named.has(this.byInode.get(inode)!))) this.settle();
    const positions = structuredClone(this.tail.positions()) as readonly Position[];
    this.tail.close();
    this.#marked = positions.some(({ path }) => path.startsWith("/named/"));
    this.tail = this.#newTail(positions);
    this.#rescan();
  }

  #stop(file: ModelFile): void {
    if (!file.writing) return;
    file.writing = false;
    file.writer.close();
  }
}

/** mulberry32: small, seeded, good enough to choose operations. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

Deno.test("every line is handed over exactly once and in order, whatever happens to its file", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const model = new Model(seeded(seed));
    try {
      for (let operation = 0; operation < OPERATIONS; operation++) model.step();
      model.finish();
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
