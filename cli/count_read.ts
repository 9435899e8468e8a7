/** Reads the parts of a job and hands their lines on, until no part is left. What cannot be read is named and skipped. */
import { leaveSmallBuffers } from "@/core/free.ts";
import { type FileTrouble, isTrouble } from "@/core/host/file_trouble.ts";
import { type InputFile, type Inputs, isGzip } from "@/core/host/input_file.ts";
import { LineFeed } from "./count_feed.ts";
import type { Job, Part } from "./count_job.ts";
import type { Tally } from "./count_tally.ts";

/** A file that was not, or not wholly, read. */
export interface Unread {
  readonly name: string;
  /** Why, for people. */
  readonly why: string;
  /** Of the part. */
  readonly order: number;
  readonly trouble?: FileTrouble["trouble"];
}

export interface Reading {
  readonly job: Job;
  readonly inputs: Inputs;
  readonly tally: Tally;
  /** Index of the next part to take. */
  readonly next: () => number;
  /** Called after every chunk with the bytes of the file that it took. */
  readonly onRead: (bytes: number) => void;
}

/** Takes parts until there are none. */
export async function readParts({ job, inputs, tally, next, onRead }: Reading): Promise<readonly Unread[]> {
  leaveSmallBuffers();
  const unread: Unread[] = [];
  const feed = new LineFeed(tally);
  for (let index = next(); index < job.parts.length; index = next()) {
    const part = job.parts[index];
    const trouble = await readPart(part, inputs, feed, onRead);
    tally.partDone(part);
    if (trouble === undefined) continue;
    unread.push({ name: part.name, why: trouble.reason, order: part.order, trouble: trouble.trouble });
  }
  return unread;
}

/** What was read before trouble came counts. */
async function readPart(
  part: Part,
  inputs: Inputs,
  feed: LineFeed,
  onRead: (bytes: number) => void,
): Promise<FileTrouble | undefined> {
  const input = inputs.open(part.name);
  if (isTrouble(input)) return input;
  try {
    if (part.kind === "lines") return readLines(input, part, feed, onRead);
    return await readStream(input, feed, onRead);
  } finally {
    input.close();
  }
}

/** Lines whose first byte is in the part; the last of them may end behind it. */
function readLines(
  input: InputFile,
  { start, end }: Part,
  feed: LineFeed,
  onRead: (bytes: number) => void,
): FileTrouble | undefined {
  // The byte before tells whether a line begins at the start: then the rest of the line before is nothing but its newline.
  let at = Math.max(0, start - 1);
  input.seek(at);
  feed.begin(start > 0);
  for (;;) {
    const room = feed.room(), count = input.read(room);
    if (isTrouble(count)) return count;
    if (count === 0) {
      // A torn line at the end of what was cut is no line.
      if (at < end) return { trouble: "other", reason: "it was cut while it was read" };
      feed.finish();
      return undefined;
    }
    const last = at + count < end ? -1 : room.subarray(0, count).indexOf(NEWLINE, Math.max(0, end - 1 - at));
    const taken = last < 0 ? count : last + 1;
    feed.take(taken);
    onRead(Math.max(0, Math.min(at + taken, end) - Math.max(at, start)));
    if (last >= 0) return undefined;
    at += count;
  }
}

/** All that comes, unpacked when it is gzip. */
async function readStream(
  input: InputFile,
  feed: LineFeed,
  onRead: (bytes: number) => void,
): Promise<FileTrouble | undefined> {
  feed.begin(false);
  let trouble: FileTrouble | undefined;
  let count = 0, length = 0;
  const room = feed.room();
  // A pipe may give single bytes; two tell what it is.
  do {
    const read = input.read(room.subarray(length));
    if (isTrouble(read)) return read;
    count = read;
    length += read;
  } while (count > 0 && length < 2);
  const start = room.slice(0, length);
  if (isGzip(start)) trouble = await readGzip(input, start, feed, onRead);
  else {
    onRead(length);
    feed.take(length);
    trouble = readAll(input, feed, onRead);
  }
  if (trouble === undefined) feed.finish(); // else its last line is torn
  return trouble;
}

function readAll(input: InputFile, feed: LineFeed, onRead: (bytes: number) => void): FileTrouble | undefined {
  for (;;) {
    const count = input.read(feed.room());
    if (isTrouble(count)) return count;
    if (count === 0) return undefined;
    feed.take(count);
    onRead(count);
  }
}

/** @param start what has been read already */
async function readGzip(
  input: InputFile,
  start: Uint8Array,
  feed: LineFeed,
  onRead: (bytes: number) => void,
): Promise<FileTrouble | undefined> {
  // Loaded by those who need it: it takes longer to load than a small log to count.
  const { gunzip, GzipDamage } = await import("@/core/host/gunzip.ts");
  let trouble: FileTrouble | undefined;
  function* compressed(): Generator<Uint8Array> {
    onRead(start.length);
    for (let at = 0; at < start.length; at += GZIP_READ_BYTES) yield start.slice(at, at + GZIP_READ_BYTES);
    for (;;) {
      const piece = new Uint8Array(GZIP_READ_BYTES), count = input.read(piece);
      if (isTrouble(count)) trouble = count;
      if (isTrouble(count) || count === 0) return;
      onRead(count);
      yield piece.subarray(0, count);
    }
  }
  try {
    for await (const piece of gunzip(compressed())) feed.takeFrom(piece);
    return trouble;
  } catch (error) {
    if (error instanceof GzipDamage) return trouble ?? { trouble: "other", reason: error.message };
    throw error;
  }
}

/** Compressed bytes at once: few, since a thousand times as many can come out of them. */
const GZIP_READ_BYTES = 16 * 1024;

const NEWLINE = 0x0a;
