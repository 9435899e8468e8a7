/** What `core/kernel.ts` sees of the kernel. */
export {
  BATCH_LINES,
  CHUNK,
  CHUNK_BYTES,
  DIMENSION_COUNT,
  ENTRY_BYTES,
  ENTRY_BYTES_MAX,
  EXTENTS,
  HEAP,
  IDS,
  LINE_BYTES,
  SCRATCH,
  SCRATCH_BYTES,
  STAGED,
  STARTS,
  TIMES,
  VALUES,
  VALUES_BYTES,
} from "./layout";
export { bytes, hashEntries, lookUp, size } from "./look_up";
export { measureRows, orderRows } from "./order";
export { addRows } from "./rows";
export { beginChunk, count, prepare, sawOptional, scanLogtail, scratchLength } from "./scan";
