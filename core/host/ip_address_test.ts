import { isIPv4 as nodeIsIPv4, isIPv6 as nodeIsIPv6 } from "node:net";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { isIPv4, isIPv6 } from "./ip_address.ts";

const NEITHER = [
  "",
  "1",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "01.2.3.4",
  "1.2.3.4/8",
  "::/0",
  "unix:",
  "host",
  "1.2.3.4%eth0",
];

function same(text: string): void {
  assertEquals([isIPv4(text), isIPv6(text)], [nodeIsIPv4(text), nodeIsIPv6(text)], JSON.stringify(text));
}

Deno.test("addresses are told from what only looks like one", () => {
  for (const text of NEITHER) assertEquals([isIPv4(text), isIPv6(text)], [false, false], text);
  assertEquals(["192.0.2.1", "0.0.0.0", "255.255.255.255"].every(isIPv4), true);
  assertEquals(["::", "::1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0"].every(isIPv6), true);
});

Deno.test("the answer is that of node:net, whatever the text", () => {
  const pieces = fc.constantFrom(
    "0",
    "1",
    "255",
    "256",
    "00",
    "f",
    "ffff",
    "10000",
    ".",
    ":",
    "::",
    "%",
    "eth0",
    "/",
    "unix:",
    " ",
  );
  fc.assert(fc.property(fc.array(pieces, { maxLength: 16 }), (parts) => same(parts.join(""))), { numRuns: 5000 });
  fc.assert(fc.property(fc.ipV4(), same));
  fc.assert(fc.property(fc.ipV6(), same));
  fc.assert(fc.property(fc.string(), same));
});
