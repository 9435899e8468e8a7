/**
 * Logs of which reading stopped and that are to be read on, wherever they are now: those of a former thread, and those
 * that were truncated under our eyes, whose unread lines may be in a copy.
 *
 * Each scan looks for them. What is found is opened where reading stopped; what is nowhere is said to be lost; and what
 * cannot be looked for now is looked for again.
 */
import { type FileStatus, isTrouble } from "@/core/host/files.ts";
import { type Log, OncePerMinute } from "@/core/host/log.ts";
import type { FollowedFile, ReadContext } from "./followed_file.ts";
import type { Found, KnownAgain } from "./known_again.ts";
import type { OpenFiles } from "./open_files.ts";
import { identity, type Position } from "./position.ts";
import type { RotatedFiles } from "./rotated_files.ts";

export interface SoughtOptions {
  readonly context: ReadContext;
  readonly log: Log;
  readonly open: OpenFiles;
  readonly rotated: RotatedFiles;
  readonly knownAgain: KnownAgain;
  /** Index of the pattern that leads to a path; negative for none. */
  readonly patternOf: (path: string) => number;
  /** The log whose family a path is of. */
  readonly followedLog: (path: string) => string;
}

interface Sought {
  readonly position: Position;
  /** Bytes that were seen in it: what is not read may be lost. */
  readonly seenBytes: number;
  /** Whether it was truncated under our eyes, and goes on at its name as another. */
  readonly truncated: boolean;
}

/** See the file's comment. */
export class SoughtLogs {
  #sought: Sought[] = [];
  readonly #byIdentity = new Map<string, Position>();
  readonly #truncations: OncePerMinute;
  /** Logs that were found to be nowhere in this scan, and those that were empty when they were last seen. */
  #gone: Position[] = [];
  #empty: Position[] = [];
  /** The same by log, with those that are still sought. */
  #nowhereOf: ReadonlyMap<string, readonly Position[]> = new Map();
  #emptyOf: ReadonlyMap<string, readonly Position[]> = new Map();
  /** Logs that were found to be truncated since the last scan, and the mark when that had not happened yet. */
  readonly #truncatedLogs = new Map<string, number>();
  /** How often files of a former thread had been truncated when they were found to be once more, by identity. */
  readonly #generations = new Map<string, number>();

  constructor(readonly options: SoughtOptions) {
    this.#truncations = new OncePerMinute(options.log);
  }

  /** Goes on where a former thread stopped. */
  resume(positions: readonly Position[]): void {
    // A log that was empty and is not any more has two positions: where it stands counts.
    const unseen = ({ fingerprint }: Position): number => fingerprint.headBytes === 0 ? 1 : 0;
    for (const position of positions.toSorted((a, b) => unseen(a) - unseen(b))) {
      this.#sought.push({ position, seenBytes: position.offset, truncated: false });
    }
  }

  /** A log does not hold any more what was read of it. @param position before it starts anew. */
  truncated(file: FollowedFile, position: Position): void {
    if (!file.compressed) {
      this.#sought.push({ position, seenBytes: file.seenBytes, truncated: true });
      return;
    }
    // It began like the log that was known, and is another.
    const text = `Cannot continue ${position.path} in a compressed file: it holds something else`;
    this.options.log.warn(`${text}; lines behind the offset may be lost`, { offset: position.offset });
    this.options.context.consumer.cut(file, 0);
  }

  /** Positions to go on from. */
  positions(): readonly Position[] {
    return this.#sought.map(({ position }) => position);
  }

  /** Whether a file may be one that is sought: it would be read anew. */
  mayBe(status: FileStatus): boolean {
    const position = this.#byIdentity.get(identity(status));
    return position !== undefined && position.bornMs === status.bornMs;
  }

  /** How often the file of this identity had been truncated; it is told once. */
  takeGeneration(of: string): number {
    const generation = this.#generations.get(of) ?? 0;
    this.#generations.delete(of);
    return generation;
  }

  /** A log was empty in the scan before. */
  wasEmpty(position: Position): void {
    this.#empty.push(position);
  }

  /** Makes this scan's findings ready for the questions below. */
  group(): void {
    const byLog = ({ path }: Position): string => this.options.followedLog(path);
    this.#nowhereOf = Map.groupBy([...this.#gone, ...this.positions()], byLog);
    this.#emptyOf = Map.groupBy(this.#empty, byLog);
  }

  /** Logs of a family that are at no name we know. */
  nowhere(log: string): readonly Position[] {
    return this.#nowhereOf.get(log) ?? [];
  }

  /** Logs of a family that were empty when they were last seen. */
  empty(log: string): readonly Position[] {
    return this.#emptyOf.get(log) ?? [];
  }

  /** The mark of a log's directory when it had not been truncated yet; undefined when it was not. */
  truncatedSince(log: string): number | undefined {
    return this.#truncatedLogs.get(log);
  }

  /**
   * Opens logs where reading of them stopped, wherever they are now.
   * @param lookAgain gets the paths of logs after which others may have come unseen.
   */
  readOn(lookAgain: Set<string>): void {
    const sought = this.#sought;
    this.#sought = [];
    this.#gone = [];
    this.#empty = [];
    this.#truncatedLogs.clear();
    for (const each of sought) {
      const pattern = this.options.patternOf(each.position.path);
      if (pattern >= 0) this.#seek(each, pattern, lookAgain);
    }
    this.#byIdentity.clear();
    for (const { position, truncated } of this.#sought) {
      if (!truncated) this.#byIdentity.set(identity(position), position);
    }
  }

  #seek(sought: Sought, pattern: number, lookAgain: Set<string>): void {
    const { position, truncated } = sought, { path } = position;
    this.options.rotated.mark(path);
    if (position.fingerprint.headBytes === 0) {
      lookAgain.add(path);
      this.#empty.push(position);
      if (truncated) return this.#noteTruncated(position);
    }
    const found = this.options.knownAgain.locate(position);
    if (found === "gone") this.#lost(sought);
    else if (found === "later" || !this.#readOnAt(found, sought, pattern)) this.#sought.push(sought);
    const elsewhere = found === "gone" || (found !== "later" && identity(found.status) !== identity(position));
    if (truncated || (elsewhere && this.isAt(path, position))) this.#noteTruncated(position);
    if (truncated || found === "gone" || found === "later" || found.path !== path) lookAgain.add(path);
  }

  /** False when it could not be opened: it is tried again. */
  #readOnAt(found: Found, { position, seenBytes }: Sought, pattern: number): boolean {
    const { open, log } = this.options, only = identity(found.status), known = open.byIdentity.get(only);
    // A glob found the copy before: nothing was read of it.
    if (known?.skipped) {
      known.resumeAt(position);
      this.cut(position, 0);
    }
    if (known !== undefined) return true;
    const { compressed, path } = found;
    const opened = open.open(path, position.path, pattern, { only, position, compressed });
    if (opened === undefined) return false;
    if (path !== position.path) {
      log.info("reading on in a log that was rotated away", { path, offset: position.offset });
    }
    if (this.isAt(position.path, position) && only !== identity(position)) {
      this.cut(position, compressed ? 0 : seenBytes - opened.size);
    }
    return true;
  }

  /** Whether the very file of a position is at a path, whatever it holds. */
  isAt(path: string, position: Position): boolean {
    const status = this.options.context.files.stat(path);
    return !isTrouble(status) && identity(status) === identity(position) && status.bornMs === position.bornMs;
  }

  /** It is nowhere. */
  #lost({ position, seenBytes, truncated }: Sought): void {
    const { path, offset } = position, same = this.isAt(path, position);
    if (same && !truncated) this.#generations.set(identity(position), position.generation + 1);
    this.#gone.push(position);
    if (same || truncated) return this.cut(position, seenBytes - offset);
    // Nothing was seen of it: if there is anything of its family that nobody has seen, it is that.
    if (position.fingerprint.headBytes === 0) return;
    const text = `Cannot continue ${path}: the file read before is gone; lines behind the offset may be lost`;
    this.options.log.warn(text, { offset });
    this.options.context.consumer.cut({ ...position, pattern: this.options.patternOf(path) }, 0);
  }

  /** Says that a log was truncated. @param unreadBytes how much of it was seen and is in no copy; below 0 counts as none. */
  cut(position: Position, unreadBytes: number): void {
    const { path, offset } = position, { context, patternOf } = this.options, bytes = Math.max(0, unreadBytes);
    const text = `${path} was truncated: lines written just before may be lost; rotate by renaming instead`;
    this.#truncations.warn(path, context.nowS(), text, () => ({ offset, unread_bytes: bytes }));
    context.consumer.cut({ ...position, pattern: patternOf(path) }, bytes);
  }

  #noteTruncated({ path, directoryMarkMs = 0 }: Position): void {
    const log = this.options.followedLog(path), other = this.#truncatedLogs.get(log) ?? Infinity;
    this.#truncatedLogs.set(log, Math.min(other, directoryMarkMs));
  }
}
