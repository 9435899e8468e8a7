import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { socketDrops } from "./kernel_drops.ts";

/** Both tables as Linux 6.1 shows them, one behind the other. */
const TABLES =
  `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             
  410: 0100007F:252A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 43160 2 0000000000000000 17       
  411: 00000000:0202 00000000:0000 07 00000000:0003C000 00:00000000 00000000  1000        0 43161 2 0000000000000000 0        
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  412: 00000000000000000000000000000000:252B 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 43162 2 0000000000000000 1234567
  413: 00000000000000000000000001000000:252C 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 43163 2 0000000000000000 1
  414: 00000000000000000000000000000000:252C 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 43164 2 0000000000000000 2
`;

Deno.test("drops are those of the socket with the port, in either table", () => {
  assertEquals(socketDrops(TABLES, { hostname: "127.0.0.1", port: 0x252a }), 17);
  assertEquals(socketDrops(TABLES, { hostname: "0.0.0.0", port: 514 }), 0);
  assertEquals(socketDrops(TABLES, { hostname: "::", port: 0x252b }), 1234567);
});

Deno.test("of two sockets with one port the wildcard can be told; a socket that cannot is unknown, not 0", () => {
  assertEquals(socketDrops(TABLES, { hostname: "::", port: 0x252c }), 2);
  assertEquals(socketDrops(TABLES, { hostname: "::1", port: 0x252c }), undefined);
  assertEquals(socketDrops(TABLES, { hostname: "::", port: 1 }), undefined);
  assertEquals(socketDrops("", { hostname: "::", port: 514 }), undefined);
  assertEquals(socketDrops(TABLES.replaceAll(" 17 ", "  "), { hostname: "127.0.0.1", port: 0x252a }), undefined);
});

Deno.test("any text is read without a mistake", () => {
  const row = fc.stringMatching(/^ *\d+: [0-9A-F]{8}:0202( [0-9A-F:]{1,8}){0,14}$/);
  fc.assert(fc.property(fc.array(fc.oneof(row, fc.string())), (lines) => {
    const drops = socketDrops(lines.join("\n"), { hostname: "0.0.0.0", port: 514 });
    assertEquals(drops === undefined || Number.isInteger(drops), true);
  }));
});
