/** Durations as operators write them: `500ms`, `5s`, `1m`. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** Milliseconds. Nobody waits longer for an answer. */
const DURATION_MS_MAX = 3_600_000;

/** Whole milliseconds from 1 up; undefined when the text is no duration, or one of more than an hour. */
export function parseDurationMs(text: string): number | undefined {
  const parts = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text);
  if (parts === null) return undefined;
  const ms = Math.round(Number(parts[1]) * UNIT_MS[parts[2]]);
  return ms >= 1 && ms <= DURATION_MS_MAX ? ms : undefined;
}

/** What is wrong with a duration, or undefined: a `check` for flags. */
export function durationMistake(text: string): string | undefined {
  if (parseDurationMs(text) !== undefined) return undefined;
  const plain = /^\d+$/.test(text) && Number(text) > 0 ? `; did you mean ${text}s?` : "";
  return `not a time from 1ms to 60m, such as 500ms, 5s or 1m${plain}`;
}
