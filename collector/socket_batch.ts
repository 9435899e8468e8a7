/**
 * What a thread that receives and the thread that counts say to each other, past the main thread. Batches are transferred,
 * and their memory goes back the same way: nothing is copied between the two, and nothing becomes garbage.
 *
 *   bytes   message "\n" message "\n" …            each message ends with a newline, its own or one put there
 *   ends    Int32 per message: where it ends, behind that newline
 */
import { READ_SLACK_BYTES } from "./followed_file.ts";
import type { LogStyle } from "@/core/host/log.ts";
import type { SocketInput } from "./socket_input.ts";
import { SOCKET_BATCH_BYTES, SOCKET_BATCH_MESSAGES_MAX } from "@/core/bounds.ts";

/** Receiver → counting thread. */
export interface SocketBatch {
  readonly kind: "batch";
  readonly bytes: ArrayBuffer;
  readonly ends: ArrayBuffer;
  /** Messages in it, and bytes. */
  readonly messages: number;
  readonly length: number;
  /** Datagrams received since the batch before, also empty ones; 0 of a stream. */
  readonly packets: number;
  /** Messages that were skipped since then because they are longer than LINE_BYTES_MAX. */
  readonly tooLong: number;
  /** Messages that were received since then and lost (see the ledger). */
  readonly lost: number;
}

/** Counting thread → receiver. `taken`: the memory of a batch. `sealed`: how much of what was handed over is with the main thread. */
export type ToReceiver =
  | { readonly kind: "taken"; readonly bytes: ArrayBuffer; readonly ends: ArrayBuffer }
  | { readonly kind: "sealed"; readonly units: number };

/** An input and the counting thread's end of its channel. Posted with `port` transferred. */
export interface SocketPort {
  readonly input: SocketInput;
  /** Number of the input, from 0. */
  readonly index: number;
  readonly port: MessagePort;
}

/** Main thread → receiver. */
export type ReceiverOrder =
  | { readonly kind: "start"; readonly input: SocketInput; readonly style?: LogStyle }
  /**
   * Hand over here from now on. What was handed over elsewhere and not sealed is lost; `sealed`: the former thread has ended in
   * good order, with all sealed that it had taken.
   */
  | { readonly kind: "attach"; readonly port: MessagePort; readonly sealed: boolean }
  /** Hand over nothing more until the next `attach`, and say `held` when everything has been taken. */
  | { readonly kind: "hold" }
  /** Close the socket, hand over what is left, say `stopped`, and end. */
  | { readonly kind: "stop" };

/** Receiver → main thread. */
export type ReceiverReport =
  /** It listens. `room`: see `receive_room.ts`; absent where there is none. */
  | { readonly kind: "bound"; readonly port: number; readonly room?: { readonly sent: number; readonly kept: number } }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "held" }
  | { readonly kind: "connections"; readonly counts: ConnectionCounts }
  /** Standard input has ended. */
  | { readonly kind: "ended" }
  | { readonly kind: "stopped" };

/** Of a TCP input, since its thread started. */
export interface ConnectionCounts {
  readonly open: number;
  readonly accepted: number;
  /** Refused because too many were open, all together or from one peer. */
  readonly refused: number;
  /** Closed because a message, or the first one, took too long to come. */
  readonly timedOut: number;
}

/** What counts as handed over: messages, and those of which only the number is known. */
export function unitsOf({ messages, tooLong, lost }: Pick<SocketBatch, "messages" | "tooLong" | "lost">): number {
  return messages + tooLong + lost;
}

/** New memory for a batch. */
export function newBatchMemory(): { bytes: ArrayBuffer; ends: ArrayBuffer } {
  return {
    bytes: new ArrayBuffer(SOCKET_BATCH_BYTES + READ_SLACK_BYTES),
    ends: new ArrayBuffer(SOCKET_BATCH_MESSAGES_MAX * Int32Array.BYTES_PER_ELEMENT),
  };
}
