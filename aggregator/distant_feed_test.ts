import { assert, assertEquals } from "@std/assert";
import type { BucketFeed } from "@/core/answer.ts";
import type { BackfillItem } from "@/core/backfill.ts";
import { emptyBucket } from "@/core/bucket.ts";
import { randomFrom } from "@/core/test_lines.ts";
import { DistantFeed, FEED_AHEAD_MAX, FeedSender } from "./distant_feed.ts";

/** A feed of numbered deltas, some of which are lost. */
class NumberedFeed implements BucketFeed {
  onReady: () => void = () => {};
  taken = 0;
  closed = false;
  readonly #waiting: number[] = [];
  #dropped = 0;
  #next = 0;

  offer(): void {
    this.#waiting.push(this.#next++);
    this.onReady();
  }

  lose(): void {
    if (this.#waiting.shift() === undefined) this.#next++;
    this.#dropped++;
  }

  take(): BackfillItem | undefined {
    const sequence = this.#waiting.shift();
    if (sequence === undefined) return undefined;
    this.taken++;
    return { identity: { source: "a", instance: "i", sequence, checksum: 0 }, bucket: emptyBucket(0, 10) };
  }

  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  close(): void {
    this.closed = true;
  }
}

Deno.test("whatever the paces, a distant reader gets every item once and in order, or is told how many it lost before", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = randomFrom(seed), feed = new NumberedFeed();
    const thither: (() => void)[] = [], hither: (() => void)[] = [];
    const reader = new DistantFeed(() => hither.push(() => sender.want()), () => hither.push(() => sender.close()));
    const sender = new FeedSender(feed, FEED_AHEAD_MAX, (item, dropped) => {
      thither.push(() => reader.put(item, dropped));
    });
    let next = 0, read = 0;
    const look = (): void => {
      next += reader.takeDropped();
      const item = reader.take();
      if (item === undefined) return;
      assert("identity" in item);
      assertEquals(item.identity.sequence, next++, `seed ${seed}`);
      read++;
    };
    for (let step = 0; step < 400; step++) {
      const luck = random();
      if (luck < 0.3) feed.offer();
      else if (luck < 0.35) feed.lose();
      else if (luck < 0.6) thither.shift()?.();
      else if (luck < 0.8) hither.shift()?.();
      else look();
      assert(feed.taken - read <= FEED_AHEAD_MAX, "more is taken than was asked for");
    }
    feed.offer();
    for (let i = 0; i < 2000; i++) {
      thither.shift()?.();
      hither.shift()?.();
      look();
    }
    assert(read > 30 && next > read, `${read} read of ${next}`);
    reader.close();
    hither.shift()!();
    assert(feed.closed);
  }
});
