/**
 * What is read once, from its beginning to its end: log files, pipes and standard input.
 *
 * Apart from `files.ts`, which follows many files for long: here opening and reading may wait (for whoever writes into a
 * pipe), and nothing of `node:fs` is loaded, which takes 20 ms, as long as counting 100 000 lines.
 */
import { type FileTrouble, troubleOf } from "./file_trouble.ts";

/** `file`: has a size and can be read from anywhere. `stream`: comes as it comes, once. */
export type InputKind = "file" | "stream" | "directory";

/** What can be known without opening: a pipe that was opened and closed again would lose its writer. */
export interface InputStatus {
  readonly kind: InputKind;
  /** Bytes of a file; 0 otherwise. */
  readonly size: number;
}

export interface InputFile {
  /** Reads on from `offset`; for files only. */
  seek(offset: number): void;
  /** Reads to `into[0…]`, at least one byte; how many; 0 at the end. Waits for a stream. */
  read(into: Uint8Array): number | FileTrouble;
  close(): void;
}

export interface Inputs {
  /** Follows symlinks. */
  stat(name: string): InputStatus | FileTrouble;
  open(name: string): InputFile | FileTrouble;
}

/** Name of standard input. */
export const STANDARD_INPUT = "-";

/** What a gzip file begins with (RFC 1952, section 2.3.1). */
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** Whether this is the beginning of a gzip file: a name says less, and standard input has none. */
export function isGzip(start: Uint8Array): boolean {
  return start.length >= GZIP_MAGIC.length && GZIP_MAGIC.every((byte, index) => start[index] === byte);
}

/** The inputs of this machine. Needs read permission on what it is asked for, none for standard input. */
export function systemInputs(): Inputs {
  return {
    stat: (name) =>
      name === STANDARD_INPUT ? { kind: "stream", size: 0 } : attempt(() => statusOf(Deno.statSync(name))),
    open: (name) => name === STANDARD_INPUT ? standardInput() : attempt(() => inputOf(Deno.openSync(name))),
  };
}

function statusOf({ isFile, isDirectory, size }: Deno.FileInfo): InputStatus {
  return isFile ? { kind: "file", size } : { kind: isDirectory ? "directory" : "stream", size: 0 };
}

function inputOf(file: Deno.FsFile): InputFile {
  return {
    seek: (offset) => void file.seekSync(offset, Deno.SeekMode.Start),
    read: (into) => attempt(() => file.readSync(into) ?? 0),
    close: () => file.close(),
  };
}

function standardInput(): InputFile {
  return {
    seek: () => {
      throw new Error("Cannot seek in standard input: it comes as it comes");
    },
    read: (into) => attempt(() => Deno.stdin.readSync(into) ?? 0),
    close: () => {}, // it is the process's
  };
}

function attempt<Answer>(operation: () => Answer): Answer | FileTrouble {
  try {
    return operation();
  } catch (error) {
    return troubleOf(error);
  }
}
