import { assert, assertEquals } from "@std/assert";
import { runFleet } from "./load/fleet_run.ts";

Deno.test("a small fleet is played to a real aggregator: it has all that was sent, answers meanwhile, and keeps to its budget", async () => {
  const flood: [number, number] = [2, 3], shape = { collectors: 6, rows: 300, floodRows: 2000, seed: 1 };
  const report = await runFleet({ ...shape, slices: 4, flood, paceS: 0.5, questionsPerS: 20, idleS: 1 });
  assertEquals(report.wrong, []);
  assertEquals(report.slices.map(({ rows, isFlood }) => [rows, isFlood]), [
    [1800, false],
    [1800, false],
    [12_000, true],
    [1800, false],
  ]);
  assert(report.slices.every(({ lagMs }) => lagMs < 20_000), "every slice has been delivered by all");
  assert(report.idleMs.length > 0, "questions are answered");
  const largest = Math.max(...report.slices.map(({ rssBytes }) => rssBytes));
  assert(largest > 0 && largest <= report.budgetBytes, `${largest} of ${report.budgetBytes} bytes`);
});
