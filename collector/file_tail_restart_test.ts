/**
 * Crashes and restarts of the file tail against a naive model: a writer goes on and rotation goes on, once, several times,
 * by renaming, by copying, with gzip at once or one rotation later, while the tail runs, lags, or is down. What was handed
 * over since the last record of positions is forgotten in a crash, as a record that was not written. In the end every
 * line is in the records exactly once.
 */
import { assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import { SUPERSEDED_QUIET_SECONDS_MIN } from "@/core/bounds.ts";
import { simulatedClock } from "@/core/host/clock.ts";
import { SimulatedFiles } from "@/core/host/files_simulated.ts";
import { openLog } from "@/core/host/log.ts";
import { FileTail, type LineConsumer, type Origin, type Position } from "./file_tail.ts";

const SEEDS = 500;
const OPERATIONS = 60;
const LOG = "/log/a.log";

/** How the logs of one seed are rotated. */
interface Rotation {
  readonly patterns: readonly string[];
  readonly copies: boolean;
  readonly dates: boolean;
  /** How many rotated logs stay uncompressed; none are compressed when Infinity. */
  readonly plain: number;
  readonly births: boolean;
}

class Model implements LineConsumer {
  #ms = 1000;
  readonly files: SimulatedFiles;
  readonly clock = simulatedClock();
  readonly log: string[] = [];
  readonly written: string[] = [];
  /** Lines in records, and since the last one. */
  readonly recorded: string[] = [];
  #handed: string[] = [];
  #positions: readonly Position[] = [];
  #scanned: readonly string[] = [];
  #tail: FileTail | undefined;
  #unfinished = "";
  #rotations = 0;
  /** Suffixes of rotated logs, newest first. */
  #rotated: string[] = [];

  constructor(readonly random: (below: number) => number, readonly rotation: Rotation) {
    this.files = new SimulatedFiles(Infinity, () => this.#ms, rotation.births);
    this.files.create(LOG, "old\n");
    this.#start();
  }

  lines(bytes: Uint8Array, start: number, end: number): void {
    this.#handed.push(...new TextDecoder().decode(bytes.subarray(start, end)).split("\n").slice(0, -1));
  }

  tooLong(): void {
    throw new Error("no line is too long");
  }

  cut({ path, offset }: Origin, unreadBytes: number): void {
    // Copies are exact here, so that nothing is lost by truncation. Without births another file with the same number
    // cannot be told from a truncated one, and is said to be one.
    const mayBeTruncated = this.rotation.copies || !this.rotation.births;
    if (!mayBeTruncated || unreadBytes > 0) {
      throw new Error(`cut off: ${path} at ${offset}, ${unreadBytes} bytes`);
    }
  }

  step(): void {
    this.#ms += 1 + this.random(30);
    this.clock.advanceMs(100);
    const operation = this.random(100);
    if (operation < 35) this.#append();
    else if (operation < 48) this.#rotate();
    else if (operation < 75) this.#tail === undefined ? this.#start() : this.#read();
    else if (operation < 85) this.#record();
    else this.#crash();
  }

  finish(): void {
    if (this.#unfinished !== "") this.#write("\n");
    if (this.#tail === undefined) this.#start();
    for (let scan = 0; scan < 4; scan++) this.#readAll();
    this.#pass(SUPERSEDED_QUIET_SECONDS_MIN);
    this.#readAll();
    this.#record();
    assertEquals(this.recorded.toSorted(), this.written.toSorted());
    assertEquals(this.files.gunzipsOpen, 0);
    this.#tail!.close();
    assertEquals(this.files.handlesOpen, 0);
  }

  #start(): void {
    this.#tail = new FileTail({
      files: this.files,
      patterns: this.rotation.patterns,
      from: "end",
      log: openLog("test", (line) => this.log.push(line)),
      nowS: () => this.clock.nowS(),
      consumer: this,
      positions: this.#positions,
      scanned: this.#scanned,
      chunkBytes: 64,
      lineBytesMax: 40,
    });
    this.#tail.rescan();
    // As a thread does after its first look.
    if (this.#scanned.length === 0) this.#record();
  }

  #read(): void {
    if (this.random(3) === 0) this.#tail!.rescan();
    else this.#tail!.readSome(1 + this.random(20));
  }

  #readAll(): void {
    this.#tail!.rescan();
    while (this.#tail!.readSome(100));
  }

  #record(): void {
    if (this.#tail === undefined) return;
    this.#positions = JSON.parse(JSON.stringify(this.#tail.positions()));
    this.#scanned = this.#tail.scanned();
    this.recorded.push(...this.#handed.splice(0));
  }

  #crash(): void {
    this.#tail?.close();
    this.#tail = undefined;
    this.#handed = [];
  }

  #append(): void {
    let text = "";
    for (let lines = this.random(20); lines > 0; lines--) {
      const line = `${this.written.length}${"x".repeat(this.random(20))}`;
      this.written.push(this.#unfinished + line);
      this.#unfinished = "";
      text += `${line}\n`;
    }
    if (this.random(4) === 0 && this.#unfinished === "") {
      this.#unfinished = `p${this.written.length}`;
      text += this.#unfinished;
    }
    this.#write(text);
    if (this.#unfinished !== "" && text === "\n") this.#unfinished = "";
  }

  #writeLine(): void {
    const line = `${this.written.length}`;
    this.written.push(line);
    this.files.append(LOG, `${line}\n`);
  }

  #write(text: string): void {
    this.files.append(LOG, text);
    if (text === "\n") {
      this.written.push(this.#unfinished);
      this.#unfinished = "";
    }
  }

  /** The writer finishes its line in the old file, as nginx does. */
  #rotate(): void {
    if (this.#unfinished !== "") this.#write("\n");
    const { dates, copies, plain } = this.rotation;
    // A file system that notes no births needs what nobody reads to be told by its name and time.
    this.#ms += 1 + this.random(5);
    if (!dates) this.#shift();
    const suffix = dates ? `-${20261121 + this.#rotations++}` : ".1";
    if (copies) {
      this.files.create(LOG + suffix, this.files.content(LOG));
      this.files.truncate(LOG);
    } else {
      this.files.rename(LOG, LOG + suffix);
      this.files.create(LOG);
      // An empty log cannot be known again by anything but its birth.
      if (!this.rotation.births) this.#writeLine();
    }
    if (dates) this.#rotated.unshift(suffix);
    else this.#rotated = this.#rotated.length === 0 ? [".1"] : [".1", ...this.#rotated];
    this.#ms += 1;
    for (const old of this.#rotated.slice(plain)) {
      if (!old.endsWith(".gz")) this.#compress(old);
    }
    this.#rotated = this.#rotated.map((old, age) => age >= plain && !old.endsWith(".gz") ? `${old}.gz` : old);
  }

  /** `.2` → `.3`, `.1` → `.2`, compressed or not. */
  #shift(): void {
    this.#rotated = this.#rotated.map((suffix) => {
      const [, number, gz = ""] = /^\.(\d+)(\.gz)?$/.exec(suffix)!;
      return `.${Number(number) + 1}${gz}`;
    });
    for (const [index, suffix] of [...this.#rotated.entries()].reverse()) {
      const gz = suffix.endsWith(".gz") ? ".gz" : "";
      this.files.rename(`${LOG}.${index + 1}${gz}`, LOG + suffix);
    }
  }

  #compress(suffix: string): void {
    const path = LOG + suffix, written = this.files.stat(path);
    const bytes = this.files.content(path), half = this.random(bytes.length + 1);
    // One member or two.
    const compressed = [
      ...gzipSync(bytes.subarray(0, half)),
      ...(half === bytes.length ? [] : gzipSync(bytes.subarray(half))),
    ];
    this.files.create(`${path}.gz`, Uint8Array.from(compressed));
    if ("modifiedMs" in written) this.files.touch(`${path}.gz`, written.modifiedMs);
    this.files.unlink(path);
  }

  #pass(seconds: number): void {
    this.clock.advanceMs(1000 * seconds);
    this.#ms += 1000 * seconds;
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

function rotationOf(random: (below: number) => number): Rotation {
  const copies = random(4) === 0;
  return {
    patterns: copies || random(3) > 0 ? [LOG] : ["/log/*.log*"],
    copies,
    dates: random(3) === 0,
    plain: [Infinity, 1, 1, 0, 2][random(5)],
    // What was copied and truncated unseen cannot be told from what was read without them.
    births: random(4) > 0 || copies,
  };
}

Deno.test("after any crash every line is in the records exactly once, however often its log was rotated meanwhile", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seeded(seed), rotation = rotationOf(random), model = new Model(random, rotation);
    try {
      for (let operation = 0; operation < OPERATIONS; operation++) model.step();
      model.finish();
    } catch (error) {
      throw new Error(`seed ${seed}: ${JSON.stringify(rotation)}\n${model.log.join("\n")}`, { cause: error });
    }
  }
});
