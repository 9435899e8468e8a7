/**
 * Cuts bytes into lines: which part of a buffer is complete lines, and what belongs to a line that is too long.
 *
 * A line is what stands before a newline (0x0A); a carriage return is left to the parser. Every byte belongs to exactly
 * one line, and whether a line is too long depends on its length alone, never on where the buffer happened to end.
 *
 * No line is looked at: for a buffer of normal lines this searches backwards, once per `LINE_BYTES_MAX`, for the last
 * newline that a line of allowed length must have reached.
 */
import { LINE_BYTES_MAX } from "./bounds.ts";

const NEWLINE = 0x0a;

/** One step of framing. The same object is used for all steps; `skipping` carries over from one buffer to the next. */
export interface Frame {
  /** In and out: whether the bytes that come next belong to a line already known to be too long. */
  skipping: boolean;
  /** Out: the complete lines are `bytes[linesStart…linesEnd)`; the last of these bytes is a newline. May be empty. */
  linesStart: number;
  linesEnd: number;
  /** Out: whether the line that starts at `linesEnd` is too long: reported once for each such line. */
  tooLong: boolean;
  /** Out: where the next step begins. After the last step the bytes behind it are an unfinished line, to be read again. */
  next: number;
}

export function newFrame(): Frame {
  return { skipping: false, linesStart: 0, linesEnd: 0, tooLong: false, next: 0 };
}

/**
 * Takes as much of `bytes[from…length)` as it can and says in `frame` what it is. While `tooLong` is set there is more:
 * call again from `next`. A full buffer of more than `lineBytesMax` bytes always makes progress.
 *
 * @param lineBytesMax bytes of the longest line, its newline not counted.
 */
export function frameLines(
  bytes: Uint8Array,
  from: number,
  length: number,
  frame: Frame,
  lineBytesMax = LINE_BYTES_MAX,
): void {
  const start = frame.skipping ? afterNewline(bytes, from, length) : from;
  frame.tooLong = false;
  if (start < 0) {
    // The long line goes on beyond this buffer.
    frame.linesStart = frame.linesEnd = frame.next = length;
    return;
  }
  frame.skipping = false;
  frame.linesStart = start;
  let end = start;
  while (end < length) {
    const reach = Math.min(end + lineBytesMax, length - 1);
    const newline = bytes.lastIndexOf(NEWLINE, reach);
    if (newline >= end) {
      end = newline + 1;
      continue;
    }
    frame.tooLong = length - end > lineBytesMax;
    break;
  }
  frame.linesEnd = frame.next = end;
  frame.skipping = frame.tooLong;
}

/** Index after the first newline in `bytes[from…length)`, or -1. */
function afterNewline(bytes: Uint8Array, from: number, length: number): number {
  const newline = bytes.indexOf(NEWLINE, from);
  return newline < 0 || newline >= length ? -1 : newline + 1;
}
