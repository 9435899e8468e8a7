/**
 * The names that log rotation gives: which belong to a log, and which of them is the older one.
 */

/** What a log rotator makes of an old log. */
const COMPRESSED = /\.(gz|bz2|xz|zst|lz4|Z)$/;

/**
 * What rotation puts behind the name of a log: `.1`, `-20261121`, `.2026-11-21T04:52:56Z`, `.old`. Not just anything:
 * `access.log.json`, made anew in the same rotation, is a log of its own.
 */
const ROTATED = /^[.-](\d[\dTZ.:_-]*|old|prev|bak)$/i;

/** What it puts before the extension when told to keep that: a date. `site-2.log` is a log of its own. */
const DATED = /^[.-]\d{8}[\dTZ.:_-]*$/;

/** A name of the family of a log. */
export interface RotatedName {
  /** The name under which the log is written; that itself has an empty suffix. */
  readonly log: string;
  /** What rotation added: `.1`, `-20261121`, or nothing. */
  readonly suffix: string;
  /** What compression added, such as `.gz`, or nothing. */
  readonly compression: string;
}

/** Whether a path ends as compressed files do. */
export function isCompressed(path: string): boolean {
  return COMPRESSED.test(path);
}

/** The log that a path is, or is a rotated name of: `/log/a.log` for `/log/a.log.2.gz`. */
export function logOf(path: string): string {
  const compression = COMPRESSED.exec(path)?.[0] ?? "", plain = path.slice(0, path.length - compression.length);
  const name = plain.lastIndexOf("/") + 1;
  for (let at = name + 1; at < plain.length; at++) {
    if ((plain[at] === "." || plain[at] === "-") && ROTATED.test(plain.slice(at))) return plain.slice(0, at);
  }
  return compression === "" ? path : plain;
}

/** Everything that a path may be: the log itself, and a rotated name of each log that it begins with. */
export function readingsOf(path: string): readonly RotatedName[] {
  const compression = COMPRESSED.exec(path)?.[0] ?? "", plain = path.slice(0, path.length - compression.length);
  const readings: RotatedName[] = [{ log: path, suffix: "", compression: "" }];
  if (compression !== "") readings.push({ log: plain, suffix: "", compression });
  const name = plain.lastIndexOf("/") + 1, extension = Math.max(name, plain.lastIndexOf("."));
  for (let at = name + 1; at < plain.length; at++) {
    if (plain[at] !== "." && plain[at] !== "-") continue;
    const suffix = plain.slice(at), dated = plain.slice(at, extension);
    if (ROTATED.test(suffix)) readings.push({ log: plain.slice(0, at), suffix, compression });
    if (DATED.test(dated)) {
      readings.push({ log: plain.slice(0, at) + plain.slice(extension), suffix: dated, compression });
    }
  }
  return readings;
}

/**
 * Which of two suffixes is of the older file: negative when `a` is, positive when `b` is, 0 when names do not say.
 * A number grows with age, a date does not, and the log itself is the youngest.
 */
export function compareAge(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "" || b === "") return a === "" ? 1 : -1;
  const numberA = numberOf(a), numberB = numberOf(b);
  if (numberA !== undefined && numberB !== undefined) return numberB - numberA;
  const dateA = dateOf(a), dateB = dateOf(b);
  if (dateA === undefined || dateB === undefined || dateA === dateB) return 0;
  return dateA < dateB ? -1 : 1;
}

/** `.7`: a place in the chain, not a date. */
function numberOf(suffix: string): number | undefined {
  const digits = /^[.-](\d{1,5})$/.exec(suffix)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The digits of a date, most significant first, as rotators write them. */
function dateOf(suffix: string): string | undefined {
  const digits = suffix.replaceAll(/\D/g, "");
  return digits.length >= 6 ? digits : undefined;
}
