import { assertEquals } from "@std/assert";
import type { TopNQuestion } from "@/core/answer.ts";
import { StandingQuestions } from "./standing_questions.ts";

function question(n: number): TopNQuestion {
  return { window: "1m", groupBy: "uri", n, sort: 0, filter: undefined };
}

/** Virtual time: each question takes `costMs`, and turns come when they are run. */
class Desk {
  nowMs = 0;
  costMs = 1;
  asked: number[] = [];
  refuses = -1;
  #turns: (() => void)[] = [];
  readonly questions = new StandingQuestions(
    ({ n }) => {
      this.asked.push(n);
      this.nowMs += this.costMs;
      if (n === this.refuses) throw new Error("too expensive");
    },
    () => this.nowMs,
    (then) => void this.#turns.push(then),
  );

  /** What is asked in so many turns. */
  run(turns = Infinity): number[] {
    for (let turn = 0; turn < turns && this.#turns.length > 0; turn++) this.#turns.shift()!();
    return this.asked.splice(0);
  }
}

Deno.test("what is asked is asked again of what is new, once each, the last first, one at a turn", () => {
  const desk = new Desk();
  for (const n of [1, 2, 1, 3]) desk.questions.note(question(n));
  assertEquals(desk.run(), []);
  desk.questions.refresh();
  assertEquals(desk.run(1), [3]);
  desk.questions.refresh(); // newer still: from the beginning
  assertEquals(desk.run(), [3, 1, 2]);
  desk.questions.refresh();
  assertEquals(desk.run(), [3, 1, 2]);
});

Deno.test("a question that nobody asks any more is forgotten, and one that is refused at once", () => {
  const desk = new Desk();
  desk.questions.note(question(1));
  desk.nowMs += 59_000;
  desk.questions.note(question(2));
  desk.refuses = 2;
  desk.questions.refresh();
  assertEquals(desk.run(), [2, 1]);
  desk.nowMs += 2000;
  desk.questions.refresh();
  assertEquals(desk.run(), []);
});

Deno.test("however many and however dear they are, asking again has its bounds", () => {
  const desk = new Desk();
  for (let n = 1; n <= 100; n++) desk.questions.note(question(n));
  desk.questions.refresh();
  assertEquals(desk.run().length, 32);
  desk.costMs = 90;
  desk.questions.refresh();
  assertEquals(desk.run(), [100, 99, 98]);
});
