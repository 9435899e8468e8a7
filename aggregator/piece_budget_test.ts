import { assertEquals } from "@std/assert";
import { SOURCE_PIECES_SECONDS } from "@/core/bounds.ts";
import { simulatedClock } from "@/core/host/clock.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { type Delta, emptyBucket } from "@/core/bucket.ts";
import type { BucketItem, Client } from "@/proto/client.ts";
import { Fleet } from "./fleet.ts";
import { PieceBudget } from "./piece_budget.ts";

const START = 1_700_006_400;

Deno.test("pieces of all instances add up, those that grow together count less, and old ones are forgotten when there is no room", () => {
  const budget = new PieceBudget(10);
  budget.note("a", 4, 0);
  budget.note("b", 5, 1);
  assertEquals(budget.hasRoom(2), true);
  budget.note("b", 6, 2);
  assertEquals(budget.hasRoom(3), false);
  budget.note("b", 1, 4);
  assertEquals(budget.hasRoom(5), true);
  budget.note("b", 6, 6);
  assertEquals(budget.hasRoom(SOURCE_PIECES_SECONDS - 1), false);
  assertEquals(budget.hasRoom(SOURCE_PIECES_SECONDS), true, "a was not heard of for as long");
});

Deno.test("an address that makes up numbers is refused beyond its pieces, what goes on is taken, and others are", async () => {
  const clock = simulatedClock(START), made: Delta[] = [];
  const delta = (instance: string, sequence: number): Delta => ({
    identity: { source: "web-1", instance, sequence, checksum: 0 },
    bucket: emptyBucket(START - 10, 10),
  });
  for (let i = 1; i <= 7; i++) made.push(delta("0000000000000001", 10 * i));
  made.push(delta("0000000000000001", 51), delta("0000000000000002", 1), delta("0000000000000001", 51));
  const never = (): Promise<never> => Promise.reject(new Error("not asked"));
  const snapshots = (): AsyncIterable<never> => ({ [Symbol.asyncIterator]: () => ({ next: never }) });
  const fleet: Fleet = new Fleet({
    source: "agg",
    seed: 1,
    regex: linearRegex,
    clock,
    log: openLog("aggregator", () => {}),
    connect: (address): Client => ({
      topN: never,
      trend: never,
      targets: never,
      snapshots,
      close: () => {},
      async *deltas(): AsyncIterable<BucketItem> {
        yield* address === "bad:1" ? made : [delta("0000000000000003", 5)];
        await Promise.resolve();
      },
    }),
    random: () => 1,
    sleep: () => new Promise(() => {}),
    piecesMax: 5,
  });
  fleet.follow(["bad:1", "good:1"]);
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  assertEquals(Object.fromEntries(fleet.outcomes), { merged: 7, too_scattered: 3, duplicate: 1 });
  const [bad, good] = fleet.view.targets();
  assertEquals(
    bad.problem.includes("3 buckets are refused: their numbers lie in more than 65536 pieces"),
    true,
    bad.problem,
  );
  assertEquals(good.problem.includes("refused"), false);
  fleet.follow([]);
});
