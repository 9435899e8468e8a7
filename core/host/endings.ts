/**
 * The ways a program ends other than by finishing, each an error class, so that any depth of the program can end it and
 * only `exit.ts` knows exit codes.
 */

/** Of all roles; `--version` prints it. */
export const VERSION = "0.1.0";

/** The operator's input: every mistake at once, one line each. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";

  /**
   * @param mistakes at least one; each names the flag or variable, says why, and what would work
   * @param program whose `--help` would help, when it is not the whole program's but a command's
   */
  constructor(readonly mistakes: readonly string[], readonly program?: string) {
    super(mistakes.join("\n"));
  }
}

/** The machine refuses (port, permission, disk). The message is "Cannot listen on …: …; use …". Exit code 3. */
export class MachineRefusal extends Error {
  override readonly name = "MachineRefusal";
}

/** `--help` was asked for: the message goes to standard output. Exit code 0. */
export class HelpRequested extends Error {
  override readonly name = "HelpRequested";
}

/** `--version` was asked for: the message goes to standard output. Exit code 0. */
export class VersionRequested extends Error {
  override readonly name = "VersionRequested";
}

/** Whoever read our standard output has left (`… | head`): nothing went wrong. Exit code 0. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}
