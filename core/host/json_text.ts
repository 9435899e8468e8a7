/**
 * JSON for terminals and scripts alike. JSON may hold C1 controls and bidi overrides as they are; a terminal obeys them,
 * so they are written as escapes. Whoever parses it gets the same value.
 */

/** One line: the value and a newline. */
export function jsonLine(value: unknown): string {
  const hostile = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
  return JSON.stringify(value).replace(hostile, (character) => {
    const units = Array.from({ length: character.length }, (_, unit) => character.charCodeAt(unit));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  }) + "\n";
}
