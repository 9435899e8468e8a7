/**
 * The few things a log of records asks of a directory: append, make durable, cut, take over, remove. Everything is
 * asynchronous, so that a slow disk holds up no question. The twin for tests, which plays crashes, is
 * `state_files_simulated.ts`.
 */
import { join } from "@std/path";

/** The disk or the system did not do it: no space, an input/output error, no permission. `reason` says so in words. */
export class StateTrouble extends Error {
  constructor(readonly reason: string) {
    super(`Cannot keep state: ${reason}`);
  }
}

/** A file that is only ever appended to. */
export interface StateFile {
  /** Appends the parts one after the other. When it rejects, any beginning of them may have been written. */
  append(parts: readonly Uint8Array<ArrayBuffer>[]): Promise<void>;
  /** Resolves when all that was appended is durable (fdatasync). After it has rejected, nothing about it is known. */
  sync(): Promise<void>;
  close(): void;
}

/** One directory. Names are of files right in it. Every operation rejects with StateTrouble and nothing else. */
export interface StateFiles {
  /** Takes the directory for this process until `close` or its end, however that comes; false when another has it. */
  lock(): Promise<boolean>;
  /** Names and sizes in bytes of all regular files, in any order. */
  list(): Promise<readonly { readonly name: string; readonly bytes: number }[]>;
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /** A new file; one that exists is not touched, and the promise rejects. Durable only after `syncDirectory`. */
  create(name: string): Promise<StateFile>;
  /** Cuts a file to its first `bytes` bytes, durably. */
  cut(name: string, bytes: number): Promise<void>;
  /** Makes what is in a file durable. */
  sync(name: string): Promise<void>;
  /** Over an existing name too, atomically. Durable only after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Resolves when creations, renames and removals are durable. */
  syncDirectory(): Promise<void>;
  close(): void;
}

/** Bytes up to which parts are joined before they are written: one call of the system for a head and its text. */
const JOINED_BYTES_MAX = 64 * 1024;

const LOCK = "lock";

/** A directory of this machine; made when it is not there. Needs read and write permission on it and nothing else. */
export function systemStateFiles(directory: string): StateFiles {
  const at = (name: string): string => join(directory, name);
  let lock: Deno.FsFile | undefined;
  return {
    lock: () =>
      attempt(async () => {
        await Deno.mkdir(directory, { recursive: true, mode: 0o750 });
        const file = await Deno.open(at(LOCK), { read: true, write: true, create: true, mode: 0o640 });
        // flock(2): the system lets go of it when the process ends, also by SIGKILL.
        const taken = await file.tryLock(true);
        if (taken) lock = file;
        else file.close();
        return taken;
      }),
    list: () =>
      attempt(async () => {
        const files: { name: string; bytes: number }[] = [];
        for await (const { name, isFile } of Deno.readDir(directory)) {
          if (isFile && name !== LOCK) files.push({ name, bytes: (await Deno.stat(at(name))).size });
        }
        return files;
      }),
    // Into memory of the right size, and at once: a collector reads its state before it does anything else, and the
    // runtime's own way to read a whole file takes three times as long.
    read: (name) =>
      attempt(() => {
        using file = Deno.openSync(at(name));
        const bytes = new Uint8Array(file.statSync().size);
        let length = 0;
        for (let read: number | null = 1; read; length += read ?? 0) read = file.readSync(bytes.subarray(length));
        return Promise.resolve(length === bytes.length ? bytes : bytes.slice(0, length));
      }),
    create: (name) =>
      attempt(async () => fileOver(await Deno.open(at(name), { write: true, createNew: true, mode: 0o640 }))),
    cut: (name, bytes) =>
      attempt(() =>
        withFile(at(name), async (file) => {
          await file.truncate(bytes);
          await file.sync();
        })
      ),
    sync: (name) => attempt(() => withFile(at(name), (file) => file.sync())),
    rename: (from, to) => attempt(() => Deno.rename(at(from), at(to))),
    remove: (name) => attempt(() => Deno.remove(at(name))),
    syncDirectory: () =>
      attempt(async () => {
        using opened = await Deno.open(directory);
        await opened.sync();
      }),
    close: () => lock?.close(),
  };
}

function fileOver(file: Deno.FsFile): StateFile {
  return {
    append: (parts) =>
      attempt(async () => {
        for (const bytes of joined(parts)) {
          for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
        }
      }),
    sync: () => attempt(() => file.syncData()),
    close: () => file.close(),
  };
}

/** Small neighbours as one, large ones as they are. */
function* joined(parts: readonly Uint8Array<ArrayBuffer>[]): Iterable<Uint8Array<ArrayBuffer>> {
  let small: Uint8Array<ArrayBuffer>[] = [], bytes = 0;
  for (const part of parts) {
    if (bytes + part.length > JOINED_BYTES_MAX && bytes > 0) {
      yield concatenated(small, bytes);
      small = [];
      bytes = 0;
    }
    if (part.length > JOINED_BYTES_MAX) {
      yield part;
      continue;
    }
    small.push(part);
    bytes += part.length;
  }
  if (bytes > 0) yield concatenated(small, bytes);
}

function concatenated(parts: readonly Uint8Array<ArrayBuffer>[], bytes: number): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function withFile<Answer>(path: string, use: (file: Deno.FsFile) => Promise<Answer>): Promise<Answer> {
  using file = await Deno.open(path, { read: true, write: true });
  return await use(file);
}

/** The system's errors as StateTrouble; anything else is our bug. */
async function attempt<Answer>(operation: () => Promise<Answer>): Promise<Answer> {
  try {
    return await operation();
  } catch (error) {
    throw troubleFrom(error);
  }
}

/** In words, where the runtime's own would name the path once more. */
const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on device",
  EDQUOT: "the disk quota is used up",
  EIO: "input/output error",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOENT: "it does not exist",
  ENOTDIR: "it is not a directory",
  EEXIST: "it exists already",
  EMFILE: "too many open files",
  ENFILE: "too many open files",
  EFBIG: "the file would be too large",
};

function troubleFrom(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === "NotCapable") {
    return new StateTrouble("the process was started without read and write permission for it");
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  // Errors without a number of the system's are ours, but that a file is busy or was cut short has none.
  if (code === undefined && !/os error|^failed to/.test(error.message)) return error;
  return new StateTrouble(WORDS[code ?? ""] ?? error.message.slice(0, 200));
}
