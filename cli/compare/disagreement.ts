/** Whether what a program says it has counted is what is true of the file. A fast wrong count is worth nothing. */
import type { Counted } from "./programs.ts";
import type { Share, Truth } from "./traffic.ts";

/** Part of an attacker's true count by which its reported one may be off. */
const ATTACKER_ERROR_MAX = 0.001;

/**
 * One sentence each; empty when all is well. A program that drops lines is held to the number of lines alone.
 *
 * @param tuplesOfOthers what the first program that knows has said
 */
export function disagreements(
  { lines, sentBytes, tuples, dropped = 0, prefixes }: Counted,
  truth: Truth,
  tuplesOfOthers: number | undefined,
): readonly string[] {
  const found: string[] = [];
  const differs = (what: string, got: number | undefined, is: number | undefined): void => {
    if (got !== undefined && is !== undefined && got !== is) found.push(`${what}: ${got} instead of ${is}`);
  };
  differs("lines", lines, truth.lines);
  if (dropped > 0) return found;
  differs("tuples", tuples, tuplesOfOthers);
  differs("bytes sent", sentBytes, truth.sentBytes);
  if (truth.kind === "ordinary") found.push(...wrongShares(prefixes, truth));
  return found;
}

/** What is wrong with how an attacker was ranked; undefined when it was found and its count is right. */
export function attackerComplaint(entries: readonly Share[], { label, count }: Share): string | undefined {
  const found = entries.find((entry) => entry.label === label)?.count ?? 0;
  return Math.abs(found - count) <= ATTACKER_ERROR_MAX * count ? undefined : `${label}: ${found} instead of ${count}`;
}

function wrongShares(prefixes: readonly Share[] | undefined, truth: Truth): readonly string[] {
  if (prefixes === undefined) return [];
  const known = new Map(truth.top.prefix.map(({ label, count }) => [label, count]));
  return prefixes.slice(0, truth.top.prefix.length).flatMap(({ label, count }) =>
    known.get(label) === count ? [] : [`${label}: ${count} instead of ${known.get(label) ?? "fewer than it listed"}`]
  );
}
