/**
 * Where things lie in the kernel's memory. `core/kernel.ts` reads these numbers from the compiled module, and makes views of
 * the same places; what a place holds is told by `line_batch.ts` and `intern.ts`.
 */

/** Lines of a batch; dimensions; bytes of a staged entry, of a staged line, of a line's measures. */
export const BATCH_LINES: i32 = 256;
export const DIMENSION_COUNT: i32 = 9;
export const ENTRY_BYTES: usize = 12;
export const LINE_BYTES: usize = 108;
export const VALUES_BYTES: usize = 32;

/** Bytes of the longest entry. */
export const ENTRY_BYTES_MAX: i32 = 2048;

/** Constants of `hash.ts`. Before ZEROS there are sixteen bytes of ones: the block that begins n before it keeps n bytes. */
export const STEPS: usize = 0x1000;
export const FOLDS: usize = STEPS + 16;
export const ZEROS: usize = STEPS + 48;

/** Blocks of one byte, sixteen times, and of other patterns, that `scan.ts` compares with and multiplies by. */
export const BLANKS: usize = STEPS + 0x80;
export const QUESTION_MARKS: usize = BLANKS + 16;
export const BACKSLASHES: usize = BLANKS + 32;
export const ZERO_CHARACTERS: usize = BLANKS + 48;
export const NINES: usize = BLANKS + 64;
export const LOW_BYTES: usize = BLANKS + 80;
export const TENS: usize = BLANKS + 96;
export const HUNDREDS: usize = BLANKS + 112;
export const OCTETS_MAX: usize = BLANKS + 128;

/** Tables of `scan.ts` for IPv4: see there. */
export const QUAD_SHUFFLES: usize = 0x2000;
export const QUAD_LEASTS: usize = 0x2800;
export const QUAD_ENDS: usize = 0x3000;
export const QUAD_PATTERNS: usize = 0x10000;

/** Where bytes are that separate something, as `scan.ts` has found them: those of a block, and what is left of the one before. */
export const PLACES: usize = 0x4000;

/** A batch of lines, column by column. */
export const STAGED: usize = 0x20000;
export const VALUES: usize = STAGED + 256 * LINE_BYTES;
export const TIMES: usize = VALUES + 256 * VALUES_BYTES;
export const STARTS: usize = TIMES + 256 * 8;
export const IDS: usize = STARTS + 256 * 4;
/** Keys of the rows that a batch is counted into, and their hashes. */
export const KEYS: usize = IDS + 256 * 9 * 4;
export const SCRATCH: usize = KEYS + 256 * 16;
export const SCRATCH_BYTES: usize = 0x14000;

/** What `order.ts` counts, and finds. */
export const ROW_COUNTS: usize = 0x8000;
export const ROW_COUNTS_BYTES: usize = 4 * 1025;
export const EXTENTS: usize = 0x9800;

/** The lines at hand; whatever reads words ahead or behind stays in the memory. */
export const CHUNK: usize = 0x48000;
export const CHUNK_BYTES: usize = 0x48000;

/** From here on, columns of dictionaries and rows (`kernel.ts`). */
export const HEAP: usize = CHUNK + CHUNK_BYTES;
