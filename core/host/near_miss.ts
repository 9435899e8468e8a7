/** What somebody probably meant: the closest of a few words, but only when it is close. */
import { closestString } from "@std/text/closest-string";

/** Characters. Nobody mistypes a longer word, and comparing costs its length times that of each candidate. */
const WORD_CHARS_MAX = 64;

/** The candidate that differs least from `word`, ignoring case; undefined when none is close enough to be meant. */
export function nearMiss(word: string, candidates: readonly string[]): string | undefined {
  if (word === "" || word.length > WORD_CHARS_MAX) return undefined;
  const closest = closestString(word, [...candidates, justTooFar(word)]);
  return candidates.find((candidate) => candidate === closest);
}

/** `; did you mean X?`, or nothing. */
export function didYouMean(word: string, candidates: readonly string[], prefix = ""): string {
  const meant = nearMiss(word, candidates);
  return meant === undefined ? "" : `; did you mean ${prefix}${meant}?`;
}

/**
 * A string exactly as many edits away as is still close: the last characters replaced by one that is in no candidate.
 * It loses a tie because it comes last, so that it wins only when every candidate is further away. (The standard
 * library tells which string is closest, but not how close.)
 */
function justTooFar(word: string): string {
  const edits = word.length < 2 ? 0 : word.length < 4 ? 1 : word.length < 8 ? 2 : 3;
  return word.slice(0, word.length - edits) + "\uE000".repeat(edits);
}
