import { assertEquals } from "@std/assert";
import { Turns } from "./turns.ts";

/** Turns whose next one comes when a test says so, and who has had theirs so far. */
function turnsOf(
  costMax: number,
): { turns: Turns; had: string[]; wait: (name: string, cost: number) => void; next: () => Promise<void> } {
  const coming: (() => void)[] = [], had: string[] = [], turns = new Turns(costMax, (then) => void coming.push(then));
  return {
    turns,
    had,
    wait: (name, cost) => void turns.take(cost).then(() => had.push(name)),
    async next(): Promise<void> {
      assertEquals(coming.length, 1, "one turn at a time");
      coming.shift()!();
      await Promise.resolve();
    },
  };
}

Deno.test("pieces have their turn in the order in which they came, as many at once as may be", async () => {
  const { had, wait, next } = turnsOf(10);
  for (const [name, cost] of [["a", 4], ["b", 6], ["c", 1], ["d", 20], ["e", 1]] as const) wait(name, cost);
  assertEquals(had, []);
  await next();
  assertEquals(had, ["a", "b"]);
  await next();
  assertEquals(had, ["a", "b", "c"]);
  await next();
  assertEquals(had, ["a", "b", "c", "d"], "what costs more than a turn has one alone");
  wait("f", 9);
  await next();
  assertEquals(had, ["a", "b", "c", "d", "e", "f"]);
});

Deno.test("after a pause there are turns again", async () => {
  const { had, wait, next } = turnsOf(1);
  wait("a", 1);
  await next();
  wait("b", 1);
  await next();
  assertEquals(had, ["a", "b"]);
});

Deno.test("whoever comes back waits behind those who wait already", async () => {
  const { turns, had, wait, next } = turnsOf(1);
  const loop = (async (): Promise<void> => {
    for (let i = 0; i < 2; i++) {
      await turns.take(1);
      had.push("busy");
    }
  })();
  wait("other", 1);
  await next();
  await next();
  await next();
  await loop;
  assertEquals(had, ["busy", "other", "busy"]);
});
