/**
 * Which deltas a peer has, and what was merged from them, as messages and back. As everything that is received, neither
 * is trusted.
 */
import { DELTA_RANGES_MAX, SOURCE_NAME_BYTES_MAX } from "@/core/bounds.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";
import { FINEST_S, TIERS } from "@/core/slices.ts";
import type { MergedSlot } from "@/core/store.ts";
import { bucketMessage, readCheckedBucket } from "./bucket_message.ts";
import type { InstanceRangesMessage, MergedSlotMessage } from "./schema.ts";

/** A slot that can be trusted, or why there is none: a clause to follow "sent a bucket that cannot be used:". */
export type SlotReading = { readonly slot: MergedSlot } | { readonly problem: string };

/** What a reader has, as many ranges as may be sent; of more than that, the newest instances and sequences. */
export function rangesMessages(all: readonly IdentityRanges[]): InstanceRangesMessage[] {
  const messages: InstanceRangesMessage[] = [];
  let left = DELTA_RANGES_MAX;
  for (const { source, instance, ranges } of [...all].reverse()) {
    if (left === 0) break;
    const newest = ranges.slice(-left);
    left -= newest.length;
    messages.push({ source, instance, bounds: newest.flat() });
  }
  return messages;
}

/** The ranges of a message, or why they cannot be used. */
export function readRanges(messages: readonly InstanceRangesMessage[]): readonly IdentityRanges[] | string {
  const all: IdentityRanges[] = [];
  let count = 0;
  for (const { source, instance, bounds } of messages) {
    const bytes = new TextEncoder().encode(source).length;
    if (bytes === 0 || bytes > SOURCE_NAME_BYTES_MAX) return `the name of a source is ${bytes} bytes long`;
    if (!/^[0-9a-f]{16}$/.test(instance)) return "an instance is not 16 hexadecimal digits";
    if (bounds.length % 2 !== 0) return "a range has no end";
    count += bounds.length / 2;
    if (count > DELTA_RANGES_MAX) return `it has more than ${DELTA_RANGES_MAX} ranges`;
    const ranges: [number, number][] = [];
    for (let at = 0, least = 1; at < bounds.length; at += 2) {
      const first = bounds[at], last = bounds[at + 1];
      if (!(Number.isSafeInteger(first) && Number.isSafeInteger(last) && least <= first && first <= last)) {
        return `${first} to ${last} is no range of sequence numbers after ${least - 1}`;
      }
      ranges.push([first, last]);
      least = last + 1;
    }
    all.push({ source, instance, ranges });
  }
  return all;
}

/** The message of a slot. Its columns are the bucket's own memory: serialize it before anything else happens. */
export function slotMessage({ known, identities, bucket }: MergedSlot): MergedSlotMessage {
  const ranges = identities.map(({ source, instance, ranges }) => ({ source, instance, bounds: ranges.flat() }));
  return { identities: ranges, known, checksum: bucketChecksum(bucket), bucket: bucketMessage(bucket) };
}

/** Reads a slot from a message of any origin; never throws. It shares no memory with the message. */
export function readSlot({ identities, known, checksum, bucket }: MergedSlotMessage): SlotReading {
  const ranges = readRanges(identities);
  if (typeof ranges === "string") return { problem: ranges };
  if (!ranges.some(({ ranges }) => ranges.length > 0)) return { problem: "nothing was merged into it" };
  const reading = readCheckedBucket(bucket, checksum);
  if ("problem" in reading) return reading;
  const { startS, lengthS } = reading.bucket, slices = lengthS / FINEST_S;
  const tier = TIERS.findIndex(({ sliceS }) => sliceS === lengthS);
  if (tier < 1) return { problem: `a slot of ${lengthS} seconds is a delta's` };
  if (known < 1 || known >= 2 ** slices) return { problem: `it knows ${known} of ${slices} slices` };
  return { slot: { tier, startS, known, identities: ranges, bucket: reading.bucket } };
}
