/**
 * Whom a relay expects, and who of them does not deliver, as a message and back: so that whoever follows it knows who is missing, and
 * not only how the relay is.
 */
import type { SourceBehind } from "@/core/answer.ts";
import { SOURCE_NAME_BYTES_MAX, SOURCES_MAX } from "@/core/bounds.ts";
import type { SourcesMessage } from "./schema.ts";

/** Milliseconds between two looks at whether anything has changed. */
const LOOK_MS = 1000;

/** What one stream was told of them, so that it is told only what has changed. */
export class SourcesTold {
  #text = "";
  #lookedMs = -Infinity;

  /** @param sources as they are now; none for who has none behind it. */
  constructor(readonly sources: () => readonly SourceBehind[]) {}

  /** The message, when there is anything new. */
  news(nowMs: number): SourcesMessage | undefined {
    if (nowMs - this.#lookedMs < LOOK_MS) return undefined;
    this.#lookedMs = nowMs;
    const message = sourcesMessage(this.sources()), text = JSON.stringify(message);
    if (text === this.#text || this.#text === "" && message.expected.length === 0) return undefined;
    this.#text = text;
    return message;
  }
}

function sourcesMessage(sources: readonly SourceBehind[]): SourcesMessage {
  const told = sources.slice(0, SOURCES_MAX), missing = told.filter(({ present }) => !present);
  return { expected: told.map(({ name }) => name), missing: missing.map(({ name }) => name) };
}

/** Reads it from a message of any origin. Names that cannot be one are left out, and what is beyond SOURCES_MAX. */
export function readSources({ expected, missing }: SourcesMessage): readonly SourceBehind[] {
  const gone = new Set(missing), encoder = new TextEncoder();
  const names = new Set(
    expected.slice(0, SOURCES_MAX).filter((name) => {
      const bytes = encoder.encode(name).length;
      return bytes > 0 && bytes <= SOURCE_NAME_BYTES_MAX;
    }),
  );
  return [...names].map((name) => ({ name, present: !gone.has(name) }));
}
