import { assertEquals } from "@std/assert";
import { type SimulatedClock, simulatedClock } from "@/core/host/clock.ts";
import { BelievedClock } from "./believed_clock.ts";

const START = 1_700_006_400, YEAR = 365 * 86_400;

/** The clock of a machine that is so far ahead, and what sources say that are not. */
function ahead(
  aheadS: number,
): { machine: SimulatedClock; clock: BelievedClock; told: (address: string, offS?: number) => void } {
  const machine = simulatedClock(START + aheadS), clock = new BelievedClock(machine);
  const told = (address: string, offS = 0): void =>
    clock.told(address, 1000 * (START + offS) + machine.monotonicMs() - 0.5);
  return { machine, clock, told };
}

Deno.test("a clock is believed that sources agree with, or that too few contradict", () => {
  const { clock, told } = ahead(YEAR);
  clock.look(3);
  assertEquals([clock.nowS(), clock.aheadS], [START + YEAR, 0]);
  told("a:1");
  clock.look(3);
  assertEquals(clock.aheadS, 0, "one alone may be wrong itself");
  told("b:1", YEAR);
  clock.look(3);
  assertEquals(clock.aheadS, 0, "one of two");
  told("c:1", YEAR - 200);
  clock.look(3);
  assertEquals(clock.aheadS, 0, "one of three");
  told("d:1", 3600);
  clock.look(3);
  assertEquals(clock.aheadS, 0, "two of four");
});

Deno.test("a clock that is far ahead of most sources is not believed until it is no longer", () => {
  const { machine, clock, told } = ahead(YEAR);
  told("a:1");
  told("b:1");
  told("c:1", YEAR);
  clock.look(3);
  assertEquals([Math.round(clock.nowS()), Math.round(clock.aheadS)], [START, YEAR]);
  machine.advanceMs(60_000);
  assertEquals([Math.round(clock.nowS()), Math.round(clock.ownS())], [START + 60, START + YEAR + 60]);
  // Set right: the machine's steady clock follows after five minutes.
  machine.stepWallMs(-1000 * YEAR);
  for (let second = 61; second <= 400; second++) {
    machine.advanceMs(1000);
    assertEquals(Math.round(clock.nowS()), START + second, "without a jump");
  }
  assertEquals(Math.round(clock.ownS()), START + 400);
  clock.look(3);
  assertEquals(clock.aheadS, 0);
});

Deno.test("of sources that do not agree by how much it is ahead, the middle one counts", () => {
  const { clock, told } = ahead(YEAR);
  for (const [address, offS] of [["a:1", 0], ["b:1", 3600], ["c:1", 7200], ["d:1", YEAR]] as const) told(address, offS);
  clock.look(4);
  assertEquals(Math.round(clock.nowS()), START + 7200);
});

Deno.test("a clock that sources are ahead of, or five minutes behind, is believed", () => {
  for (const aheadS of [-YEAR, -400, 0, 290]) {
    const { clock, told } = ahead(aheadS);
    for (const address of ["a:1", "b:1", "c:1"]) told(address);
    clock.look(3);
    assertEquals([clock.nowS(), clock.aheadS], [START + aheadS, 0]);
  }
});

Deno.test("a clock that is far ahead of what was found waits for more than half of the sources, or for who is there", async () => {
  for (const [found, waits] of [[0, false], [START, true], [START + YEAR - 800, false]] as const) {
    assertEquals(ahead(YEAR).clock.found(found), waits);
  }
  const { machine, clock, told } = ahead(YEAR);
  clock.found(START);
  let settled = false;
  void clock.waiting!.then(() => settled = true);
  const looked = async (): Promise<boolean> => {
    clock.look(4);
    await Promise.resolve();
    return settled;
  };
  machine.advanceMs(200_000);
  assertEquals(await looked(), false, "nobody has said a word");
  told("a:1", YEAR);
  told("b:1");
  assertEquals(await looked(), false);
  told("c:1");
  assertEquals(await looked(), true, "three of four");
  assertEquals([clock.waiting, Math.round(clock.nowS())], [undefined, START + 200]);

  const few = ahead(YEAR);
  few.clock.found(START);
  few.told("a:1");
  few.machine.advanceMs(9_999);
  few.clock.look(4);
  assertEquals(few.clock.waiting !== undefined, true);
  few.machine.advanceMs(1);
  few.clock.look(4);
  assertEquals([few.clock.waiting, Math.round(few.clock.nowS())], [undefined, START + 10], "one, and the state");
});

Deno.test("sources that do not tell their time are waited for no longer than others, and say nothing against ours", () => {
  const { machine, clock } = ahead(YEAR);
  clock.found(START);
  assertEquals(clock.heard(), clock.waiting);
  machine.advanceMs(10_000);
  clock.look(4);
  assertEquals([clock.heard(), clock.nowS()], [undefined, START + YEAR + 10]);
});

Deno.test("when no source says a word, a clock that waits is believed after five minutes", () => {
  const { machine, clock } = ahead(YEAR);
  clock.found(START);
  machine.advanceMs(299_999);
  clock.look(4);
  assertEquals(clock.waiting !== undefined, true);
  machine.advanceMs(1);
  clock.look(4);
  assertEquals([clock.waiting, clock.nowS()], [undefined, START + YEAR + 300]);
});

Deno.test("of what a source says within a minute the largest counts, and one that is not followed counts no more", () => {
  const { machine, clock, told } = ahead(YEAR);
  told("a:1");
  told("b:1");
  told("a:1", -50); // was under way for long
  clock.look(2);
  assertEquals(Math.round(clock.nowS()), START);
  machine.advanceMs(60_001);
  told("a:1", YEAR);
  told("b:1", YEAR);
  clock.look(2);
  assertEquals(clock.aheadS, 0);
  const other = ahead(YEAR);
  other.told("a:1");
  other.told("b:1");
  other.clock.forget("b:1");
  other.clock.look(1);
  assertEquals(other.clock.aheadS, 0);
});
