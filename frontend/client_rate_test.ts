import { assertEquals } from "@std/assert";
import { clientKey, ClientRate } from "./client_rate.ts";

function allowed(rate: ClientRate, client: string, times: number): number {
  return Array.from({ length: times }, () => rate.allows(client)).filter((is) => is).length;
}

Deno.test("a client may ask at its rate, and for four seconds of it at once", () => {
  let nowMs = 0;
  const rate = new ClientRate(5, () => nowMs);
  assertEquals(allowed(rate, "192.0.2.1", 100), 20);
  assertEquals(allowed(rate, "192.0.2.2", 100), 20, "another client has its own");
  nowMs = 1000;
  assertEquals(allowed(rate, "192.0.2.1", 100), 5);
  nowMs = 1_000_000;
  assertEquals(allowed(rate, "192.0.2.1", 100), 20);
});

Deno.test("0 is no limit", () => {
  assertEquals(allowed(new ClientRate(0, () => 0), "192.0.2.1", 5000), 5000);
});

Deno.test("an IPv6 client is its /64, an IPv4 client its address however it is written", () => {
  assertEquals(["192.0.2.1", "::ffff:192.0.2.1"].map(clientKey), ["192.0.2.1", "192.0.2.1"]);
  assertEquals(
    ["2001:db8::1", "2001:db8::ffff:1:2:3", "2001:DB8:0:0:5::"].map(clientKey),
    Array(3).fill("2001:db8:0:0"),
  );
  assertEquals(clientKey("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2");
  assertEquals(["::1", "fe80::1%eth0"].map(clientKey), ["0:0:0:0", "fe80:0:0:0"]);
});

Deno.test("a crowd of clients is forgotten rather than kept, and a token given back is there again", () => {
  const rate = new ClientRate(1, () => 0, 1);
  for (let i = 0; i < 20_000; i++) rate.allows(`198.51.${i >> 8}.${i & 255}`);
  assertEquals([rate.allows("192.0.2.1"), rate.allows("192.0.2.1")], [true, false]);
  rate.giveBack("192.0.2.1");
  assertEquals([rate.allows("192.0.2.1"), rate.allows("192.0.2.1")], [true, false]);
});
