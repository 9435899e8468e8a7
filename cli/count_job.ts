/**
 * What is to be counted, cut into parts that threads take one by one. Plain data: it can be posted to them.
 *
 * A part of a plain file is a range of bytes. A line belongs to the part in which its first byte stands, so that parts
 * need not begin where lines do.
 */
import type { DimensionName } from "@/core/dimensions.ts";
import type { Filter } from "@/core/filter_tree.ts";
import type { FormatSpec } from "@/core/formats.ts";
import type { ClientMasks } from "@/core/line_batch.ts";

/** One ranking of the answer: the same lines, grouped by one dimension. */
export interface Question {
  readonly groupBy: DimensionName;
  /** At most TOP_N_MAX. */
  readonly n: number;
  /** Index into MEASURES. */
  readonly sort: number;
}

/** What one thread reads at a time. */
export interface Part {
  /** As the operator wrote it; `-` is standard input. */
  readonly name: string;
  /** `lines` of a file, from `start` to `end`; or `stream`: all that comes, which may be gzip. */
  readonly kind: "lines" | "stream";
  /** Bytes of the file; 0 and 0 for a stream. */
  readonly start: number;
  readonly end: number;
  /** Place among all parts in the order in which the operator named files: what comes first is decided by this. */
  readonly order: number;
}

export interface Job {
  /** In the order in which they are to be taken. */
  readonly parts: readonly Part[];
  readonly questions: readonly Question[];
  readonly filter: Filter;
  readonly masks: ClientMasks;
  /** Of the lines; when absent, each line is of whatever format it is of. */
  readonly format?: FormatSpec;
  /** For all hashes. */
  readonly seed: number;
}

/** One of the operator's files, looked at. */
export interface Named {
  readonly name: string;
  /** Bytes; undefined for what is not a file. */
  readonly size: number | undefined;
  /** It can be read from anywhere, and is not compressed. */
  readonly plain: boolean;
}

/** Bytes of the smallest part: below it, taking another part costs more than it saves (10 ms of counting). */
export const PART_BYTES_MIN = 8 * 1024 * 1024;

/** Parts that each thread gets of one large file: few, since each begins its slices anew; several, so that all end together. */
const PARTS_PER_THREAD = 4;

/** Cuts files into parts for so many threads. What cannot be cut comes first: it must not be what is left at the end. */
export function partsOf(files: readonly Named[], threads: number): readonly Part[] {
  const parts: Part[] = [];
  for (const { name, size = 0, plain } of files) {
    if (!plain) {
      parts.push({ name, kind: "stream", start: 0, end: 0, order: parts.length });
      continue;
    }
    const wanted = threads === 1 ? size : Math.max(PART_BYTES_MIN, Math.ceil(size / (threads * PARTS_PER_THREAD)));
    for (let start = 0; start < size; start += wanted) {
      const end = Math.min(start + wanted, size);
      parts.push({ name, kind: "lines", start, end, order: parts.length });
    }
  }
  return [...parts.filter(({ kind }) => kind === "stream"), ...parts.filter(({ kind }) => kind === "lines")];
}
