/**
 * What the main thread and an ingest thread say to each other. Every message names its kind, so that other traffic
 * (raw lines, later) can share the channel.
 */
import type { Bucket } from "@/core/bucket.ts";
import { blockOf, openBlock } from "@/core/bucket_block.ts";
import type { Spread } from "@/core/line_spread.ts";
import type { LogStyle } from "@/core/host/log.ts";
import type { Ledger } from "@/core/ledger.ts";
import type { ClientMasks } from "@/core/line_batch.ts";
import type { FormatRules } from "./input_formats.ts";
import type { Position } from "./position.ts";
import type { SocketPort } from "./socket_batch.ts";

/** Main thread → ingest thread. */
export type ToThread =
  | {
    readonly kind: "start";
    readonly patterns: readonly string[];
    /** How the lines of these and of other inputs are read; found out when absent. */
    readonly formats?: FormatRules;
    readonly from: "start" | "end";
    readonly source: string;
    readonly masks: ClientMasks;
    readonly seed: number;
    readonly style?: LogStyle;
    /** Where a former thread stopped, and the patterns it had looked at; empty for the first. */
    readonly positions: readonly Position[];
    readonly scanned: readonly string[];
    /** End of the newest slice it sealed; 0 for the first. */
    readonly endS: number;
    /** What time it is on the clock of the former thread, seconds since 1970. */
    readonly nowS: number;
    /** Inputs that are no files, each with the channel over which it is received. */
    readonly sockets: readonly SocketPort[];
    /** Whether it says how bytes and times of lines are spread; not when absent. */
    readonly spreads?: boolean;
    /** Bytes of sealed buckets that may be on their way; see `SealedCredit`. */
    readonly creditBytes: number;
  }
  /** The oldest of the messages with sealed buckets that were on their way has been taken. */
  | { readonly kind: "taken" }
  | { readonly kind: "patterns"; readonly patterns: readonly string[]; readonly formats: FormatRules }
  /** Another thread receives this input now. */
  | { readonly kind: "socket"; readonly socket: SocketPort }
  /** Datagrams that the kernel has dropped since this was last told. */
  | { readonly kind: "kernel drops"; readonly datagrams: number }
  /** Seal what is open, post it, and end. */
  | { readonly kind: "stop" };

/** Ingest thread → main thread. */
export type FromThread = SealedBlocks | Scanned | InputCounts | { readonly kind: "stopped" };

/** How far the thread has come with its inputs, every second while something changes. */
export interface InputCounts {
  readonly kind: "inputs";
  /** Files that are followed. */
  readonly files: number;
  /** Buckets sealed since the thread started. */
  readonly buckets: number;
  /** Since the thread started. */
  readonly sockets: readonly SocketCount[];
}

/** What came by one input that is no file. */
export interface SocketCount {
  /** Number of the input, as in `SocketPort`. */
  readonly index: number;
  /** Datagrams. */
  readonly packets: number;
  /** Lines by reason. */
  readonly tally: Ledger;
}

/** Patterns were looked at for the first time: from now on whatever else they match is new. */
export interface Scanned {
  readonly kind: "scanned";
  readonly patterns: readonly string[];
  readonly positions: readonly Position[];
}

/** All that was counted up to one read position. */
export interface Sealed {
  readonly kind: "sealed";
  /** End of the newest slice that is over, seconds since 1970: where windows can end. Goes back only with the clock. */
  readonly endS: number;
  /** What time it is for the thread. Its clock decides: two would not follow a step at the same time. */
  readonly nowS: number;
  /** What keeps it from counting everything, in words; empty when nothing does. */
  readonly problem: string;
  /** The first carries the ledger. */
  readonly buckets: readonly Bucket[];
  /** How bytes and times of these lines are spread, where that was asked for. */
  readonly spread?: Spread;
  /** Of every file: what has been counted, here or in an earlier message. */
  readonly positions: readonly Position[];
}

/** The same on its way: each bucket is its block, which is transferred, not copied. */
export interface SealedBlocks extends Omit<Sealed, "buckets"> {
  readonly buckets: readonly ArrayBuffer[];
}

/** What to post, and to transfer. The buckets are gone for the sender. */
export function blocksOf(sealed: Sealed): SealedBlocks {
  return { ...sealed, buckets: sealed.buckets.map(blockOf) };
}

/** What was posted. */
export function openSealed(message: SealedBlocks): Sealed {
  return { ...message, buckets: message.buckets.map(openBlock) };
}
