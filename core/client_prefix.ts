/**
 * Client addresses, masked to prefixes: from bytes of a log line to a dictionary entry, and to text and back.
 *
 *   byte 0   byte 1          bytes 2 … 2 + ceil(length / 8)
 *   4 or 6   length in bits  the address bytes that the length covers, host bits zero
 *   0        0               `unix:`, what nginx writes for a client on a unix socket
 *
 * IPv4-mapped IPv6 (`::ffff:192.0.2.1`) counts as IPv4, so an IPv6 entry of 96 bits or more inside `::ffff:0:0/96` is
 * never written.
 */
import { bytesText } from "./entry_text.ts";

/** Bytes that `parseAddress` needs in `into`: family, length and sixteen bytes of address. */
export const PREFIX_ENTRY_BYTES_MAX = 18;

/** First byte of an entry. */
export const FAMILY_OTHER = 0, FAMILY_4 = 4, FAMILY_6 = 6;
const ADDRESS_AT = 2;
/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const ADDRESS_CHARS_MAX = 45;
const MAPPED_BITS = 96;
const DOT = 0x2e, COLON = 0x3a, ZERO = 0x30, NINE = 0x39;
const UNIX = new TextEncoder().encode("unix:");
const ENCODER = new TextEncoder();

/** Bytes of an entry of this many bits. */
export function prefixEntryLength(bits: number): number {
  return ADDRESS_AT + ((bits + 7) >> 3);
}

/**
 * Reads `bytes[start … end)` as the address of a client and writes its prefix entry to `into[0…]`.
 *
 * Accepts IPv4 as a dotted quad without leading zeros, IPv6 in every form of RFC 4291 section 2.2, and `unix:`. Zone
 * ids, brackets and ports are refused.
 *
 * @param v4Bits prefix length for IPv4, 0 to 32
 * @param v6Bits prefix length for IPv6, 0 to 128
 * @param into at least PREFIX_ENTRY_BYTES_MAX bytes; overwritten, even when there is no address
 * @returns bytes written, or -1 when it is no address. Cost: linear in at most 45 bytes, no allocation.
 */
export function parseAddress(
  bytes: Uint8Array,
  start: number,
  end: number,
  v4Bits: number,
  v6Bits: number,
  into: Uint8Array,
): number {
  if (end - start > ADDRESS_CHARS_MAX) return -1;
  if (readV4(bytes, start, end, into, ADDRESS_AT)) return masked(into, FAMILY_4, v4Bits);
  if (readV6(bytes, start, end, into)) {
    return takeMapped(into) ? masked(into, FAMILY_4, v4Bits) : masked(into, FAMILY_6, v6Bits);
  }
  return isUnix(bytes, start, end) ? unixEntry(into) : -1;
}

/**
 * The text of a prefix entry: `192.0.2.0/24`, `2001:db8::/48` (RFC 5952), `unix:`. Total: an entry that is no prefix
 * reads as its bytes do.
 */
export function prefixLabel(entry: Uint8Array): string {
  if (!isPrefixEntry(entry)) return bytesText(entry);
  if (entry[0] === FAMILY_OTHER) return bytesText(entry.subarray(ADDRESS_AT));
  const address = new Uint8Array(16);
  address.set(entry.subarray(ADDRESS_AT));
  const text = entry[0] === FAMILY_4 ? address.subarray(0, 4).join(".") : v6Text(address);
  return `${text}/${entry[1]}`;
}

/**
 * The prefix entry of a CIDR, of a bare address (all its bits) or of `unix:`; undefined for any other text. Host bits
 * may be set and are cleared.
 */
export function parsePrefixText(text: string): Uint8Array<ArrayBuffer> | undefined {
  const slash = text.indexOf("/");
  const address = ENCODER.encode(slash < 0 ? text : text.slice(0, slash));
  const into = new Uint8Array(PREFIX_ENTRY_BYTES_MAX);
  if (slash < 0) {
    const length = parseAddress(address, 0, address.length, 32, 128, into);
    return length < 0 ? undefined : into.slice(0, length);
  }
  const digits = text.slice(slash + 1);
  const bits = /^(0|[1-9]\d{0,2})$/.test(digits) ? Number(digits) : 129;
  if (address.length > ADDRESS_CHARS_MAX || bits > 128) return undefined;
  if (readV4(address, 0, address.length, into, ADDRESS_AT)) {
    return bits > 32 ? undefined : into.slice(0, masked(into, FAMILY_4, bits));
  }
  if (!readV6(address, 0, address.length, into)) return undefined;
  const mapped = bits >= MAPPED_BITS && takeMapped(into);
  return into.slice(0, mapped ? masked(into, FAMILY_4, bits - MAPPED_BITS) : masked(into, FAMILY_6, bits));
}

/** Whether every address of `entry` is in `outer`. Entries of other clients contain only themselves. */
export function prefixContains(outer: Uint8Array, entry: Uint8Array): boolean {
  if (!isPrefixEntry(outer) || !isPrefixEntry(entry)) return false;
  if (outer[0] !== entry[0] || outer[1] > entry[1]) return false;
  if (outer[0] === FAMILY_OTHER) return outer.length === entry.length && outer.every((byte, i) => byte === entry[i]);
  const bits = outer[1];
  const whole = ADDRESS_AT + (bits >> 3);
  for (let i = ADDRESS_AT; i < whole; i++) if (outer[i] !== entry[i]) return false;
  const rest = 0xff00 >> (bits & 7) & 0xff;
  return rest === 0 || ((outer[whole] ^ entry[whole]) & rest) === 0;
}

/** Whether these bytes have the shape drawn above: entries from other hosts may be anything. */
export function isPrefixEntry(entry: Uint8Array): boolean {
  if (entry.length < ADDRESS_AT) return false;
  const family = entry[0], bits = entry[1];
  if (family === FAMILY_OTHER) return bits === 0 && entry.length > ADDRESS_AT;
  if (family !== FAMILY_4 && family !== FAMILY_6) return false;
  return bits <= (family === FAMILY_4 ? 32 : 128) && entry.length === prefixEntryLength(bits);
}

/** A dotted quad that is all of `bytes[start … end)`, to `into[at … at + 4)`. */
function readV4(bytes: Uint8Array, start: number, end: number, into: Uint8Array, at: number): boolean {
  let i = start;
  for (let octet = 0; octet < 4; octet++) {
    if (octet > 0) {
      if (i >= end || bytes[i] !== DOT) return false;
      i++;
    }
    const first = i;
    let value = 0;
    while (i < end && i - first < 3 && bytes[i] >= ZERO && bytes[i] <= NINE) value = value * 10 + bytes[i++] - ZERO;
    if (i === first || value > 255 || (bytes[first] === ZERO && i - first > 1)) return false;
    into[at + octet] = value;
  }
  return i === end;
}

/** An IPv6 address that is all of `bytes[start … end)`, to `into[2 … 18)`. */
function readV6(bytes: Uint8Array, start: number, end: number, into: Uint8Array): boolean {
  const full = PREFIX_ENTRY_BYTES_MAX;
  let i = start, at = ADDRESS_AT, gap = -1; // gap: where `::` stands, in bytes of `into`
  if (end - start >= 2 && bytes[i] === COLON && bytes[i + 1] === COLON) {
    gap = at;
    i += 2;
  }
  while (i < end) {
    if (at === full) return false;
    const group = i;
    let value = 0;
    for (; i < end && i - group < 4; i++) {
      const digit = hexDigit(bytes[i]);
      if (digit < 0) break;
      value = value << 4 | digit;
    }
    if (i < end && bytes[i] === DOT) {
      if (at + 4 > full || !readV4(bytes, group, end, into, at)) return false;
      at += 4;
      break;
    }
    if (i === group) return false;
    into[at++] = value >> 8;
    into[at++] = value & 0xff;
    if (i === end) break;
    if (bytes[i++] !== COLON || i === end) return false;
    if (bytes[i] !== COLON) continue;
    if (gap >= 0) return false;
    gap = at;
    i++;
  }
  if (gap < 0) return at === full;
  if (at === full) return false; // `::` stands for at least one group
  into.copyWithin(full - (at - gap), gap, at);
  into.fill(0, gap, full - (at - gap));
  return true;
}

/** Makes an IPv4-mapped address in `into[2 … 18)` an IPv4 address in `into[2 … 6)`. */
function takeMapped(into: Uint8Array): boolean {
  for (let i = ADDRESS_AT; i < ADDRESS_AT + 10; i++) if (into[i] !== 0) return false;
  if (into[ADDRESS_AT + 10] !== 0xff || into[ADDRESS_AT + 11] !== 0xff) return false;
  into.copyWithin(ADDRESS_AT, ADDRESS_AT + 12, ADDRESS_AT + 16);
  return true;
}

/** Heads the address in `into` with its family and length, clears host bits, and returns the entry's length. */
function masked(into: Uint8Array, family: number, bits: number): number {
  into[0] = family;
  into[1] = bits;
  const length = prefixEntryLength(bits);
  if ((bits & 7) !== 0) into[length - 1] &= 0xff00 >> (bits & 7);
  return length;
}

function isUnix(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== UNIX.length) return false;
  for (let i = 0; i < UNIX.length; i++) if (bytes[start + i] !== UNIX[i]) return false;
  return true;
}

function unixEntry(into: Uint8Array): number {
  into[0] = FAMILY_OTHER;
  into[1] = 0;
  into.set(UNIX, ADDRESS_AT);
  return ADDRESS_AT + UNIX.length;
}

function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= NINE) return byte - ZERO;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** RFC 5952: lower case, no leading zeros, `::` for the longest run of two zero groups or more, the first of equals. */
function v6Text(address: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, g) => address[2 * g] << 8 | address[2 * g + 1]);
  let runAt = 0, runLength = 1;
  for (let g = 0; g < 8; g++) {
    let length = 0;
    while (g + length < 8 && groups[g + length] === 0) length++;
    if (length > runLength) [runAt, runLength] = [g, length];
  }
  const text = (from: number, to: number): string =>
    groups.slice(from, to).map((group) => group.toString(16)).join(":");
  return runLength < 2 ? text(0, 8) : `${text(0, runAt)}::${text(runAt + runLength, 8)}`;
}
