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
