/**
 * Why a file could not be opened, read or listed, as a value: that is an ordinary day, not an exception.
 */

/**
 * Why an operation was not done. `missing`: nothing is there (also a dangling symlink). `denied`: the system's
 * permissions. `not_granted`: the runtime's permission flags. `too_many`: no file descriptors left.
 */
export interface FileTrouble {
  readonly trouble: "missing" | "denied" | "not_granted" | "too_many" | "other";
  /** In words, such as `permission denied`; at most 200 characters. */
  readonly reason: string;
}

/** Tells trouble from an answer: `isTrouble(files.stat(path))`. */
export function isTrouble<Answer>(answer: Answer | FileTrouble): answer is FileTrouble {
  return typeof answer === "object" && answer !== null && "trouble" in answer;
}

/** The system's errors come as codes, a missing grant of the runtime as `NotCapable`. Anything else is our bug: thrown. */
export function troubleOf(error: unknown): FileTrouble {
  if (!(error instanceof Error)) throw error;
  if (error.name === "NotCapable") {
    return { trouble: "not_granted", reason: "the process was started without read permission for it" };
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  switch (code) {
    case undefined:
      throw error;
    case "ENOENT":
    case "ENOTDIR":
      return { trouble: "missing", reason: "it does not exist" };
    case "EACCES":
    case "EPERM":
      return { trouble: "denied", reason: "permission denied" };
    case "EMFILE":
    case "ENFILE":
      return { trouble: "too_many", reason: "too many open files" };
    default:
      return { trouble: "other", reason: error.message.slice(0, 200) };
  }
}
