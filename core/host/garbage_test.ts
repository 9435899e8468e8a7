import { assert, assertEquals } from "@std/assert";
import { collectGarbage } from "./garbage.ts";

const MEGABYTE = 1 << 20;

Deno.test("what nobody holds any more is gone after a collection, and what somebody holds is not", () => {
  const held = new Uint8Array(MEGABYTE).fill(7), before = Deno.memoryUsage().external;
  let dropped: Uint8Array[] = Array.from({ length: 20 }, () => new Uint8Array(MEGABYTE));
  const grown = Deno.memoryUsage().external;
  assert(grown >= before + 20 * MEGABYTE, "the test holds something that it can drop");
  dropped = [];
  collectGarbage();
  assert(Deno.memoryUsage().external < grown - 18 * MEGABYTE, `${Deno.memoryUsage().external} of ${grown} bytes`);
  assertEquals([held[MEGABYTE - 1], dropped.length], [7, 0]);
});
