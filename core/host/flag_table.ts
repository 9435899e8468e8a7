/** What a table of flags is made of. A role's own table is in its `flags.ts`. */

/**
 * - `text`: one value.
 * - `number`: a whole number.
 * - `list`: comma separated values; given several times they add up. Blanks around values and empty values are dropped.
 * - `switch`: on when named; `--flag=no` and, in the environment, `no` switch it off.
 */
export type FlagKind = "text" | "number" | "list" | "switch";

export interface Flag {
  /** Without the dashes; lower case words joined by `-`. */
  readonly name: string;
  readonly kind: FlagKind;
  /** As it would be written on the command line; trusted, not checked. */
  readonly default?: string;
  /** What help shows for the value: `HOST:PORT`. */
  readonly placeholder?: string;
  /** One or two sentences without a full stop at the end. */
  readonly help: string;
  /** The only values there are; for a list, of each of its values. */
  readonly choices?: readonly string[];
  /** Of a number, inclusive. */
  readonly min?: number;
  readonly max?: number;
  readonly required?: boolean;
  /** What is wrong with the value and what would work, or undefined; for a list, called for each of its values. */
  readonly check?: (value: string) => string | undefined;
  /** What the value lets the program touch; required of flags that name a place. */
  readonly touches?: Touch;
}

/**
 * What a place is to the program, from which its permissions follow (`permissions.ts`): an address that it listens on or
 * connects to, a file that it reads, a directory that it keeps state in; `other` is said in the role's own `permissions.ts`.
 */
export type Touch = "listens" | "connects" | "reads" | "keeps" | "other";

export interface Program {
  /** Prefix of the environment variables, in lower case: `collector` gives `COLLECTOR_LOGS`. */
  readonly role: string;
  /** As installed: `nginx-logtail-collector`. */
  readonly program: string;
  /** One sentence. */
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** At least one of these flags must be given. */
  readonly oneOf?: readonly string[];
  /** What help says about operands; none are allowed when absent. */
  readonly operands?: string;
}

/** Name of the environment variable of a flag: `COLLECTOR_STATE_DIR`. */
export function variableOf(program: Program, flag: Flag): string {
  return `${program.role}_${flag.name}`.replaceAll("-", "_").toUpperCase();
}

/** What stands for a flag's value in help and in mistakes. */
export function placeholderOf(flag: Flag): string {
  if (flag.placeholder !== undefined) return flag.placeholder;
  return { text: "TEXT", number: "N", list: "A,B,…", switch: "" }[flag.kind];
}
