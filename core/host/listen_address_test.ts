import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { addressText, listenMistake, parseListenAddress, targetMistake } from "./listen_address.ts";

Deno.test("an address is a host, or none for every interface, and a port", () => {
  const cases: readonly [string, string, number][] = [
    [":9090", "::", 9090],
    ["127.0.0.1:0", "127.0.0.1", 0],
    ["localhost:65535", "localhost", 65535],
    ["nginx-1.example_net.org.:80", "nginx-1.example_net.org.", 80],
    ["[::1]:9090", "::1", 9090],
    ["[::]:9090", "::", 9090],
    ["[fe80::1%eth0]:9090", "fe80::1%eth0", 9090],
  ];
  for (const [text, hostname, port] of cases) {
    assertEquals(parseListenAddress(text), { address: { hostname, port } });
  }
});

Deno.test("a mistake is explained with what would work", () => {
  const cases: readonly [string, string][] = [
    ["", "an address is missing; use :9090"],
    ["9090", "use :9090"],
    ["localhost", "the port is missing; use localhost:9090"],
    ["localhost:", "the port is missing after the colon"],
    [":http", "the port is no number from 0 to 65535"],
    [":65536", "the port is no number from 0 to 65535"],
    ["::1:9090", "an IPv6 address needs brackets; use [::1]:9090"],
    ["fe80::1", "an IPv6 address needs brackets; use [fe80::1]:9090"],
    ["::", "an IPv6 address needs brackets; use [::]:9090"],
    ["[::g]:9090", "[::g] is no IPv6 address"],
    ["a:b:9090", "too many colons"],
    ["*:9090", "* is not a host; use :9090"],
    ["http://host:9090", "a URL is not an address"],
    ["256.0.0.1:9090", "256.0.0.1 is no IPv4 address"],
    ["1.2.3:9090", "1.2.3 is no IPv4 address"],
    ["-a:9090", "neither a name nor an address"],
    ["a b:9090", "neither a name nor an address"],
    ["a..b:9090", "neither a name nor an address"],
  ];
  for (const [text, words] of cases) assertStringIncludes(listenMistake(text) ?? "no mistake", words, text);
});

Deno.test("a target needs a host and a port that can be connected to", () => {
  assertEquals(targetMistake("localhost:9090"), undefined);
  assertStringIncludes(targetMistake(":9090") ?? "", "use localhost:9090");
  assertStringIncludes(targetMistake("localhost:0") ?? "", "port 0 cannot be connected to");
  assertStringIncludes(targetMistake("localhost") ?? "", "use localhost:9090");
});

Deno.test("an address written and read again is the same; anything else is a mistake, never a throw", () => {
  const port = fc.integer({ min: 0, max: 65535 });
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), port, (hostname, port) => {
    assertEquals(parseListenAddress(addressText({ hostname, port })), { address: { hostname, port } });
  }));
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert(listenMistake(text) !== "" && targetMistake(text) !== "");
  }));
});
