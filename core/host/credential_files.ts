/**
 * Certificates, keys and tokens from files, read again when a file has changed: certificates live for weeks and are
 * renewed by programs that tell nobody.
 *
 * A set of files that cannot be used any more (half written, key and certificate of different pairs) changes nothing:
 * what was read before stays in use, and the log says so.
 */
import { MachineRefusal } from "./endings.ts";
import { type Log, OncePerMinute } from "./log.ts";
import { readTextFile } from "./text_file.ts";

/** Seconds between two looks at the files. */
const LOOK_SECONDS = 10;

/** What a set of files says together. */
export interface CredentialFiles<Contents> {
  /** As it is now: the same object until a file has changed. Looks at the files every LOOK_SECONDS at most. */
  current(): Contents;
}

/** One file, and the flag that named it. */
export interface CredentialFile {
  readonly flag: string;
  readonly path: string;
}

/**
 * Reads a set of files now, and again when one of them has changed.
 *
 * @param make what the texts, in the order of `files`, mean; throws Error with the reason when they cannot be used
 * @throws MachineRefusal when they cannot be read or used now
 */
export function openCredentialFiles<Contents>(
  files: readonly CredentialFile[],
  make: (texts: readonly string[]) => Contents,
  log: Log,
  monotonicS: () => number = () => performance.now() / 1000,
): CredentialFiles<Contents> {
  const complaints = new OncePerMinute(log);
  let texts = readAll(files), contents = made(files, texts, make), lookedS = monotonicS();
  return {
    current(): Contents {
      const nowS = monotonicS();
      if (nowS - lookedS < LOOK_SECONDS) return contents;
      lookedS = nowS;
      try {
        const now = readAll(files);
        if (now.every((text, i) => text === texts[i])) return contents;
        contents = made(files, now, make);
        texts = now;
        log.info("read credentials again", { files: files.map(({ path }) => path).join(" ") });
      } catch (error) {
        if (!(error instanceof MachineRefusal)) throw error;
        complaints.warn("credentials", nowS, "credentials cannot be read again; those read before stay in use", () => ({
          why: error.message,
        }));
      }
      return contents;
    },
  };
}

function readAll(files: readonly CredentialFile[]): readonly string[] {
  return files.map(({ flag, path }) => {
    const text = readTextFile(path);
    if (typeof text === "string") return text;
    throw new MachineRefusal(`Cannot read --${flag} ${path}: ${text.reason}; ${text.remedy}`);
  });
}

function made<Contents>(
  files: readonly CredentialFile[],
  texts: readonly string[],
  make: (texts: readonly string[]) => Contents,
): Contents {
  try {
    return make(texts);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const named = files.map(({ flag, path }) => `--${flag} ${path}`).join(", ");
    throw new MachineRefusal(`Cannot use ${named}: ${error.message}`);
  }
}
