/**
 * In how many pieces the deltas that come from one address may lie. A source counts 1, 2, 3 …, so all of an instance is one
 * piece, and one more for every gap; a peer that makes numbers or instances up makes a piece of each delta, and everything that is
 * kept by identity grows with pieces.
 */
import { SOURCE_PIECES_MAX, SOURCE_PIECES_SECONDS } from "@/core/bounds.ts";

export class PieceBudget {
  /** By instance, the one heard of longest ago first. */
  readonly #instances = new Map<string, { readonly pieces: number; readonly heardS: number }>();
  #pieces = 0;

  constructor(readonly piecesMax = SOURCE_PIECES_MAX) {}

  /** An instance has so many pieces now. */
  note(instance: string, pieces: number, nowS: number): void {
    this.#pieces += pieces - (this.#instances.get(instance)?.pieces ?? 0);
    this.#instances.delete(instance);
    this.#instances.set(instance, { pieces, heardS: nowS });
  }

  /** Whether there may be another piece. What was not heard of for longer than anything is held is forgotten. */
  hasRoom(nowS: number): boolean {
    for (const [instance, { pieces, heardS }] of this.#instances) {
      if (this.#pieces < this.piecesMax || heardS > nowS - SOURCE_PIECES_SECONDS) break;
      this.#instances.delete(instance);
      this.#pieces -= pieces;
    }
    return this.#pieces < this.piecesMax;
  }
}
