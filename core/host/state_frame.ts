/**
 * How a record of state lies in a segment, and how records are found in one that was torn or damaged.
 *
 *   0   u32  mark: of the segment, random; in its name
 *   4   u32  CRC-32C of everything from 8 to the end of the blocks, continued from the mark
 *   8   u32  bytes of the text
 *  12   u32  bytes of the blocks
 *  16   f64  number: 1, 2, 3 … over all segments
 *  24   u16  kind
 *  26   u16  version of what is in a record of this kind
 *  28   u32  zero
 *  32   f64  durable: number up to which records were known to be durable when this one was written
 *  40   text: JSON
 *       zeros up to a multiple of 8
 *       blocks: whatever the kind has beside its text, a multiple of 8 bytes
 *
 * Little-endian, and a record begins at a multiple of 8. The text says what is in the blocks, so that a whole directory
 * can be looked through without holding more than one segment in memory.
 *
 * Nobody who can only send requests knows the mark, so that no value of a log line, which may lie anywhere in a block,
 * passes for a record when the bytes before it are damaged.
 */
import { crc32c } from "@/core/checksum.ts";

/** A record before it is written. */
export interface Outgoing {
  /** See `state_log.ts`. 16 bits. */
  readonly kind: number;
  readonly version: number;
  readonly text: string;
  /** Each a multiple of 8 bytes. */
  readonly blocks: readonly Uint8Array<ArrayBuffer>[];
}

/** A record found in a segment. */
export interface Frame {
  readonly number: number;
  readonly durable: number;
  readonly kind: number;
  readonly version: number;
  readonly text: string;
  /** Where it begins and ends in the segment. */
  readonly from: number;
  readonly to: number;
  /** Where its blocks begin, and how many bytes they are. */
  readonly blocksAt: number;
  readonly blocksBytes: number;
}

/** Bytes from `from` to `to` that are no record. */
export interface NoFrame {
  readonly from: number;
  readonly to: number;
}

const HEAD_BYTES = 40;
const MARK_AT = 0,
  CRC_AT = 4,
  TEXT_AT = 8,
  BLOCKS_AT = 12,
  NUMBER_AT = 16,
  KIND_AT = 24,
  VERSION_AT = 26,
  DURABLE_AT = 32;

/** The parts of a record as they are written one after the other. */
export function frameParts(record: Outgoing, number: number, durable: number, mark: number): Uint8Array<ArrayBuffer>[] {
  const text = new TextEncoder().encode(record.text), padded = roundUp(text.length);
  const first = new Uint8Array(HEAD_BYTES + padded), head = new DataView(first.buffer);
  const blocksBytes = record.blocks.reduce((sum, { length }) => sum + length, 0);
  head.setUint32(MARK_AT, mark, true);
  head.setUint32(TEXT_AT, text.length, true);
  head.setUint32(BLOCKS_AT, blocksBytes, true);
  head.setFloat64(NUMBER_AT, number, true);
  head.setFloat64(DURABLE_AT, durable, true);
  head.setUint16(KIND_AT, record.kind, true);
  head.setUint16(VERSION_AT, record.version, true);
  first.set(text, HEAD_BYTES);
  let crc = crc32c(first.subarray(TEXT_AT), mark);
  for (const block of record.blocks) crc = crc32c(block, crc);
  head.setUint32(CRC_AT, crc, true);
  return [first, ...record.blocks];
}

/** A record without blocks that takes exactly `bytes` (rounded up to a multiple of 8, and not too few). */
export function frameOver(record: Outgoing, number: number, mark: number, bytes: number): Uint8Array<ArrayBuffer> {
  return frameParts({ ...record, text: record.text.padEnd(roundUp(bytes) - HEAD_BYTES) }, number, 0, mark)[0];
}

/** Everything in a segment, in order: records, and what lies between them when it is damaged or torn. */
export function* framesIn(bytes: Uint8Array<ArrayBuffer>, mark: number): Iterable<Frame | NoFrame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const end = frameEnd(bytes, view, at, mark);
    if (end > 0) {
      yield frameAt(bytes, view, at, end);
      at = end;
      continue;
    }
    const from = at;
    for (at = roundUp(at + 1); at < bytes.length && frameEnd(bytes, view, at, mark) === 0;) at += 8;
    at = Math.min(at, bytes.length);
    yield { from, to: at };
  }
}

/** Where the record that begins at `at` ends; 0 when none does. */
function frameEnd(bytes: Uint8Array<ArrayBuffer>, view: DataView, at: number, mark: number): number {
  if (at + HEAD_BYTES > bytes.length || view.getUint32(at + MARK_AT, true) !== mark) return 0;
  const text = view.getUint32(at + TEXT_AT, true), blocks = view.getUint32(at + BLOCKS_AT, true);
  const end = at + HEAD_BYTES + roundUp(text) + blocks;
  if (blocks % 8 !== 0 || end > bytes.length) return 0;
  return crc32c(bytes.subarray(at + TEXT_AT, end), mark) === view.getUint32(at + CRC_AT, true) ? end : 0;
}

function frameAt(bytes: Uint8Array<ArrayBuffer>, view: DataView, at: number, to: number): Frame {
  const textBytes = view.getUint32(at + TEXT_AT, true), textAt = at + HEAD_BYTES;
  return {
    number: view.getFloat64(at + NUMBER_AT, true),
    durable: view.getFloat64(at + DURABLE_AT, true),
    from: at,
    to,
    kind: view.getUint16(at + KIND_AT, true),
    version: view.getUint16(at + VERSION_AT, true),
    text: new TextDecoder().decode(bytes.subarray(textAt, textAt + textBytes)),
    blocksAt: textAt + roundUp(textBytes),
    blocksBytes: view.getUint32(at + BLOCKS_AT, true),
  };
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
