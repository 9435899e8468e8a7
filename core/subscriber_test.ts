import { assertEquals } from "@std/assert";
import { Subscriber } from "./subscriber.ts";

Deno.test("a slow subscriber loses the oldest items and is told how many", () => {
  const subscriber = new Subscriber<number>(3);
  for (let i = 1; i <= 5; i++) subscriber.push(i);
  assertEquals(subscriber.takeDropped(), 2);
  assertEquals(subscriber.takeDropped(), 0);
  assertEquals([subscriber.take(), subscriber.take(), subscriber.take(), subscriber.take()], [3, 4, 5, undefined]);
});

Deno.test("a subscriber is woken for every push", () => {
  const subscriber = new Subscriber<number>(1);
  let woken = 0;
  subscriber.onReady = (): void => void woken++;
  subscriber.push(1);
  subscriber.push(2);
  assertEquals(woken, 2);
});

Deno.test("a queue is bounded in bytes as well, and the newest item is kept whatever its size", () => {
  const subscriber = new Subscriber<number>(10, 100, (bytes) => bytes);
  for (const bytes of [40, 30, 30]) subscriber.push(bytes);
  assertEquals([subscriber.waiting, subscriber.takeDropped()], [3, 0]);
  subscriber.push(50);
  assertEquals([subscriber.waiting, subscriber.takeDropped(), subscriber.take()], [2, 2, 30]);
  subscriber.push(1000);
  assertEquals([subscriber.waiting, subscriber.takeDropped(), subscriber.take()], [1, 1, 1000]);
  // What was taken does not count any more.
  for (const bytes of [50, 50]) subscriber.push(bytes);
  assertEquals([subscriber.waiting, subscriber.takeDropped()], [2, 0]);
});
