/**
 * The counting thread's side of an input that is no file: batches of messages become lines for the consumer.
 *
 * A datagram of an UDP input, or standard input, is lines already. A syslog message is taken apart first, and what is counted is
 * its message; the lines are moved together in place, since none gets longer.
 */
import { emptyLedger, type Ledger } from "@/core/ledger.ts";
import { newSyslogMessage, parseSyslog } from "@/core/syslog.ts";
import type { LineConsumer, Origin } from "./followed_file.ts";
import { type SocketBatch, unitsOf } from "./socket_batch.ts";
import type { SocketInput } from "./socket_input.ts";

/** Takes what sockets bring; `Ingest` is one. */
export interface SocketConsumer extends Pick<LineConsumer, "lines" | "tooLong"> {
  /** Lines were received and lost (see the ledger). */
  lost(lines: number, origin: Origin): void;
}

export class SocketLines {
  /** Datagrams received, whatever was in them. */
  packets = 0;
  /** Units taken from the receiver at hand. */
  units = 0;
  /** Lines of this input, by reason. */
  readonly tally: Ledger = emptyLedger();
  readonly #origin: Origin;
  readonly #message = newSyslogMessage();

  constructor(readonly input: SocketInput, readonly consumer: SocketConsumer) {
    const { kind, name: path } = input;
    this.#origin = { pattern: -1, path, device: 0, inode: 0, generation: 0, offset: 0, kind, tally: this.tally };
  }

  /** Counts a batch. Its memory may go back to the receiver afterwards. */
  take(batch: SocketBatch): void {
    const bytes = new Uint8Array(batch.bytes), { consumer } = this;
    this.packets += batch.packets;
    const length = this.input.kind === "syslog" ? this.#unwrap(bytes, batch) : batch.length;
    if (length > 0) consumer.lines(bytes, 0, length, this.#origin);
    for (let skipped = 0; skipped < batch.tooLong; skipped++) consumer.tooLong(this.#origin);
    if (batch.lost > 0) consumer.lost(batch.lost, this.#origin);
    this.units += unitsOf(batch);
  }

  /** Leaves of each message what it says, a newline behind it, all together at the beginning. Returns their length. */
  #unwrap(bytes: Uint8Array, { ends, messages }: SocketBatch): number {
    const places = new Int32Array(ends, 0, messages), message = this.#message;
    let length = 0, start = 0;
    for (let m = 0; m < messages; m++) {
      const end = places[m];
      parseSyslog(bytes, start, end, message);
      bytes.copyWithin(length, message.message.start, message.message.end);
      length += message.message.end - message.message.start;
      bytes[length++] = NEWLINE;
      start = end;
    }
    return length;
  }
}

const NEWLINE = 0x0a;
