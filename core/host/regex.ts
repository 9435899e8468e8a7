/**
 * Regular expressions in linear time, on RE2 syntax. The patterns come from URLs, messages and shells, the texts from
 * log lines: neither may cost more than its length times a constant. That is why the runtime's own `RegExp`, which
 * backtracks, is never given a pattern from outside.
 *
 * In `core/host/` because core imports nothing from outside; it touches no machine and needs no permission.
 */
import { RE2JS } from "re2js";
import { QuestionTooExpensive } from "@/core/answer.ts";
import { literalSearch } from "./regex_literals.ts";
import { REGEX_CHARS_MAX, REGEX_INSTRUCTIONS_MAX, REGEX_MS_MAX } from "@/core/bounds.ts";

/**
 * Compiles a pattern once; `test` searches it anywhere in a text, and throws QuestionTooExpensive once all its searches
 * together have taken REGEX_MS_MAX, with what the caller does between them. So a compiled pattern is good for one question.
 *
 * Bounds: REGEX_CHARS_MAX and REGEX_INSTRUCTIONS_MAX.
 *
 * @param nowMs a monotonic clock
 * @throws Error that says what is wrong with the pattern
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function linearRegex(
  pattern: string,
  nowMs: () => number = () => performance.now(),
): { test(text: string): boolean; readonly isCheap?: boolean } {
  if (pattern.length > REGEX_CHARS_MAX) {
    throw refused(pattern, `it has ${pattern.length} characters; ${REGEX_CHARS_MAX} are allowed`);
  }
  const compiled = compile(pattern);
  if (compiled.programSize() > REGEX_INSTRUCTIONS_MAX) {
    throw refused(pattern, "it is too costly to match; use smaller repetition counts");
  }
  const literals = literalSearch(pattern), search = literals ?? ((text: string) => compiled.test(text));
  let leftMs = REGEX_MS_MAX, startedMs = 0, unchecked = 0;
  return {
    isCheap: literals !== undefined,
    test: (text) => {
      if (leftMs < 0) {
        throw new QuestionTooExpensive(
          `Cannot search for "${shown(pattern)}": it takes more than ${REGEX_MS_MAX / 1000} s over this window; ` +
            "use a simpler expression, = or a shorter window",
        );
      }
      if (unchecked === 0) startedMs = nowMs();
      const found = search(text);
      unchecked += text.length + SEARCH_CHARS;
      if (unchecked > CHECKED_CHARS) {
        leftMs -= nowMs() - startedMs;
        unchecked = 0;
      }
      return found;
    },
  };
}

/** Characters searched from one look at the clock to the next: reading it costs as much as searching a short text. */
const CHECKED_CHARS = 8192;

/** What a search costs beyond its text, as characters. */
const SEARCH_CHARS = 64;

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw refused(pattern, `${reason.replace(/^error parsing regexp: /, "")}; see the syntax of RE2`);
  }
}

function refused(pattern: string, reason: string): Error {
  return new Error(`Cannot use regular expression "${shown(pattern)}": ${reason}`);
}

function shown(pattern: string): string {
  return pattern.length > 40 ? `${pattern.slice(0, 40)}…` : pattern;
}
