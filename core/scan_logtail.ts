/**
 * The fast path of the `logtail` format: `kernel/scan.ts`, where a batch has a kernel and the lines are in its chunk. The kernel
 * remembers what it has found there: tell it about other lines (`Kernel.beginChunk`).
 */
import type { LineBatch } from "./line_batch.ts";

/** `LineFormat.scan` of the logtail format. */
export function scanLogtail(bytes: Uint8Array, view: DataView, from: number, end: number, batch: LineBatch): number {
  const { kernel } = batch;
  if (kernel === undefined || bytes !== kernel.chunk) return from;
  batch.hashRest(view);
  const first = batch.count;
  let next = kernel.scanLogtail(from, end, batch);
  while (kernel.sawOptional) {
    batch.beginOptional(next);
    next = kernel.scanLogtail(next, end, batch);
  }
  if (batch.hasTag) { for (let line = first; line < batch.count; line++) batch.stageInputTag(line); }
  batch.hashed = batch.count;
  return next;
}
