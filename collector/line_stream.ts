/** Lines of a stream that has no messages, such as standard input. */
import { LINE_BYTES_MAX } from "@/core/bounds.ts";
import { frameLines, newFrame } from "@/core/lines.ts";

/** Bytes read at once. */
const READ_BYTES = 128 * 1024;

/** Where lines go; `SocketOutbox` is one. */
export interface LineSink {
  readonly hasRoom: boolean;
  room(): Promise<void>;
  message(bytes: Uint8Array, start: number, end: number): void;
  tooLong(): void;
}

/**
 * Takes all lines until `read` answers 0; a last line without a newline is one too.
 *
 * @param read reads to `into[0…]`, and waits for at least one byte; 0 at the end.
 */
export async function takeLines(read: (into: Uint8Array) => Promise<number>, sink: LineSink): Promise<void> {
  const bytes = new Uint8Array(LINE_BYTES_MAX + READ_BYTES), frame = newFrame();
  let held = 0;
  for (;;) {
    const count = await read(bytes.subarray(held, held + READ_BYTES));
    if (count === 0) break;
    const length = held + count;
    let from = 0;
    do {
      frameLines(bytes, from, length, frame);
      for (let at = frame.linesStart; at < frame.linesEnd;) {
        if (!sink.hasRoom) await sink.room();
        const end = bytes.indexOf(NEWLINE, at) + 1;
        sink.message(bytes, at, end);
        at = end;
      }
      if (frame.tooLong) sink.tooLong();
      from = frame.next;
    } while (frame.tooLong);
    bytes.copyWithin(0, from, length);
    held = length - from;
  }
  await sink.room();
  if (held > 0) sink.message(bytes, 0, held);
}

const NEWLINE = 0x0a;
