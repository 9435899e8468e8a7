/** A label from a log line, drawn so that it can neither deceive nor break the page. */
// deno-lint-ignore-file jsx-key -- keys guide updates; a page is drawn once and never updated
import type { VNode } from "preact";
import { cutText, LABEL_CHARS_MAX, visiblePieces } from "./visible.ts";

/** Isolated in direction, hidden characters as marked escapes, cut with a note of how much is missing. */
export function Label(
  { text, charsMax = LABEL_CHARS_MAX }: { readonly text: string; readonly charsMax?: number },
): VNode {
  const { text: shown, cut } = cutText(text, charsMax);
  return (
    <bdi>
      {visiblePieces(shown).map(({ text, escaped }) => escaped ? <i class="escape">{text}</i> : text)}
      {cut > 0 && <i class="escape">… +{cut}</i>}
    </bdi>
  );
}
