/**
 * Inputs that are not followed, and why: each is named in the log once, with what would help, and listed for `/readyz`
 * as long as it lasts.
 */
import type { FileKind, FileTrouble } from "@/core/host/files.ts";
import { directoryOf } from "@/core/host/glob.ts";
import type { Log } from "@/core/host/log.ts";

export interface Waiting {
  /** A path, a pattern or a directory. */
  readonly path: string;
  /** In words, such as `permission denied`. */
  readonly reason: string;
}

/** All of it in a few words, such as `/var/log/nginx/a.log: permission denied (and 2 more)`; empty for none. */
export function waitingText(waiting: readonly Waiting[]): string {
  if (waiting.length === 0) return "";
  const [{ path, reason }] = waiting;
  return `${path}: ${reason}${waiting.length > 1 ? ` (and ${waiting.length - 1} more)` : ""}`;
}

/** Notes what one scan after another cannot follow; only what is new is logged. */
export class WaitingList {
  #now = new Map<string, Waiting>();
  #before = new Map<string, Waiting>();
  readonly #listed = new Set<string>();

  constructor(readonly log: Log) {}

  /** Begins a scan: what it does not note again is over. */
  begin(): void {
    this.#before = this.#now;
    this.#now = new Map();
    this.#listed.clear();
  }

  /** What is waited for, in the order it was found. */
  list(): readonly Waiting[] {
    return [...this.#now.values()].filter((waiting) => this.#listed.has(waiting.path));
  }

  /** The file itself refused. */
  cannotOpen(path: string, trouble: FileTrouble): void {
    this.#cannotRead(path, trouble, "the log's mode to 0640");
  }

  /** Something on the way to it refused, or nothing is there. */
  cannotReach(path: string, trouble: FileTrouble): void {
    this.#cannotRead(path, trouble, "its directory's mode to 0750");
  }

  cannotList(directory: string, { trouble, reason }: FileTrouble): void {
    const help = remedy(directory, trouble, "the directory's mode to 0750");
    this.#note(directory, reason, () => this.log.warn(`Cannot list ${directory}: ${reason}; ${help}`));
  }

  nothingMatches(pattern: string): void {
    this.#note(pattern, "nothing matches yet", () => this.log.info(`waiting for ${pattern}: nothing matches yet`));
  }

  /** A directory, FIFO, socket or device. @param named whether it was named as such: what a glob finds is only logged. */
  notAFile(path: string, kind: FileKind, named: boolean): void {
    const reason = `it is a ${kind}, not a regular file`;
    const help = kind === "directory" ? `use ${path}/*.log` : "name a regular file";
    this.#note(path, reason, () => this.log.warn(`Cannot follow ${path}: ${reason}; ${help}`), named);
  }

  /** What a glob finds beside the logs and no line can be read from. */
  compressed(path: string): void {
    const text = `not following ${path}: it is compressed; use a glob that leaves it out, such as *.log`;
    this.#note(path, "it is compressed", () => this.log.info(text), false);
  }

  /** @param filesMax how many are followed. The paths are not named one by one: there may be very many. */
  tooMany(filesMax: number): void {
    const reason = `more than ${filesMax} files match`;
    this.#note(
      "(further files)",
      reason,
      () => this.log.warn(`Cannot follow every log: ${reason}; use narrower patterns`),
    );
  }

  #cannotRead(path: string, { trouble, reason }: FileTrouble, mode: string): void {
    const tell = (): void => {
      if (trouble === "missing") this.log.info(`waiting for ${path}: ${reason}`);
      else this.log.warn(`Cannot read ${path}: ${reason}; ${remedy(directoryOf(path), trouble, mode)}`);
    };
    this.#note(path, reason, tell);
  }

  #note(path: string, reason: string, tell: () => void, listed = true): void {
    if (this.#now.has(path)) return;
    this.#now.set(path, { path, reason });
    if (listed) this.#listed.add(path);
    if (this.#before.get(path)?.reason !== reason) tell();
  }
}

/** @param directory what must be readable for it. */
function remedy(directory: string, trouble: FileTrouble["trouble"], mode: string): string {
  switch (trouble) {
    case "denied":
      return `add the collector's user to group adm or set ${mode}`;
    case "not_granted":
      return `start the collector with --allow-read=${directory}`;
    case "too_many":
      return "raise the limit of open files (LimitNOFILE= in the unit)";
    default:
      return "it is tried again every second";
  }
}
