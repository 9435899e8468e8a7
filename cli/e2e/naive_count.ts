/**
 * Counts a log of the `logtail` format the plain way: split on newlines and tabs, one Map a dimension. Nothing here is
 * shared with the product, so that the two can be held against each other.
 */
import { type Labels, Tally } from "./tally.ts";

/** Bytes of a label that count; a longer value counts as its beginning. */
const LABEL_BYTES_MAX = 2048;

/** The tally of whole logs, one text each. */
export function countLogs(logs: readonly string[]): Tally {
  const tally = new Tally();
  for (const log of logs) {
    for (const line of log.split("\n")) if (line !== "") tally.add(labelsOf(line));
  }
  return tally;
}

/** Bytes sent according to whole logs. */
export function countBytes(logs: readonly string[]): number {
  const lines = logs.flatMap((log) => log.split("\n")).filter((line) => line !== "");
  return lines.reduce((sum, line) => sum + Number(line.split("\t")[6]), 0);
}

/** The labels of one line of 8 or 10 fields. */
function labelsOf(line: string): Labels {
  const [host, client, , method, uri, status, , , tor = "-", asn = "-"] = line.split("\t");
  return {
    website: unescaped(host),
    prefix: prefixOf(client),
    uri: cut(unescaped(uri.split("?")[0])),
    status,
    method,
    asn,
    tor: tor === "1" ? "yes" : tor === "0" ? "no" : "-",
  };
}

/** `caf\xC3\xA9` is café. */
function unescaped(field: string): string {
  if (!field.includes("\\x")) return field;
  const bytes = new TextEncoder().encode(field);
  const plain: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const hex = /^\\x([0-9A-F]{2})/.exec(field.slice(i, i + 4));
    if (hex) i += 3;
    plain.push(hex ? parseInt(hex[1], 16) : bytes[i]);
  }
  return new TextDecoder().decode(Uint8Array.from(plain));
}

function cut(value: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(value).subarray(0, LABEL_BYTES_MAX));
}

/** The /24 or /48 of an address, in the short form of RFC 5952 (enough of it for addresses that tests use). */
export function prefixOf(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+)\.\d+$/i.exec(address);
  if (v4) return `${v4[1]}.0/24`;
  const [before, after] = address.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const groups = [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail];
  const kept = groups.slice(0, 3).map((group) => parseInt(group, 16).toString(16));
  while (kept.at(-1) === "0") kept.pop();
  return `${kept.join(":")}::/48`;
}
