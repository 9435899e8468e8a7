/** Asks several targets side by side. One that fails is named and does not stop the others. */
import { EXIT } from "@/core/host/exit.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { printable } from "@/core/host/printable.ts";
import type { Client } from "@/proto/client.ts";
import { parseDurationMs } from "./duration.ts";
import { type Shell, TARGETS_AT_ONCE_MAX } from "./shell.ts";

/** How one target took it. */
export type Outcome<Answer> = { readonly target: string } & ({ readonly answer: Answer } | { readonly why: string });

/**
 * Asks every target of `--target` and prints what they answer, in the order in which they were named.
 *
 * @param show text of one answer, ending in a newline
 * @param gap what stands between two answers
 * @returns the exit code: failed when any target did not answer
 */
export async function askTargets<Answer>(
  flags: FlagValues,
  shell: Shell,
  ask: (client: Client, timeoutMs: number) => Promise<Answer>,
  show: (answer: Answer, target: string) => string,
  gap: "" | "\n",
): Promise<number> {
  const targets = flags.list("target");
  const timeoutMs = timeoutOf(flags);
  let failed = 0;
  let shown = 0;
  for (const outcome of outcomes(targets, (target) => askOne(shell, target, timeoutMs, ask))) {
    const settled = await outcome;
    if ("answer" in settled) {
      shell.out((shown++ > 0 ? gap : "") + show(settled.answer, settled.target));
    } else {
      failed++;
      shell.problem(failureText(settled.target, settled.why, targets.length - 1));
    }
  }
  return failed > 0 ? EXIT.failed : EXIT.ok;
}

/** Milliseconds of `--timeout`. */
export function timeoutOf(flags: FlagValues): number {
  const timeoutMs = parseDurationMs(flags.text("timeout"));
  if (timeoutMs === undefined) throw new Error("Cannot read --timeout: its check let a mistake through");
  return timeoutMs;
}

/** What went wrong with a target, naming it once. */
export function whyText(target: string, error: unknown): string {
  const why = printable(error instanceof Error ? error.message : String(error));
  return why.includes(target) ? why : `${target}: ${why}`;
}

/** Starts at most `TARGETS_AT_ONCE_MAX` at once: each of the others when the one so many places before it is done. */
function outcomes<Answer>(
  targets: readonly string[],
  ask: (target: string) => Promise<Outcome<Answer>>,
): readonly Promise<Outcome<Answer>>[] {
  const started: Promise<Outcome<Answer>>[] = [];
  for (const [index, target] of targets.entries()) {
    const before = started[index - TARGETS_AT_ONCE_MAX];
    started.push(before === undefined ? ask(target) : before.then(() => ask(target)));
  }
  return started;
}

/** Never rejects. */
async function askOne<Answer>(
  shell: Shell,
  target: string,
  timeoutMs: number,
  ask: (client: Client, timeoutMs: number) => Promise<Answer>,
): Promise<Outcome<Answer>> {
  const client = await shell.connect(target);
  try {
    return { target, answer: await ask(client, timeoutMs) };
  } catch (error) {
    return { target, why: whyText(target, error) };
  } finally {
    client.close();
  }
}

function failureText(target: string, why: string, others: number): string {
  if (others === 0) return `${why} (no answer to show)`;
  return `${why} (${target} is left out; ${
    others === 1 ? "the other target is" : `the other ${others} are`
  } still asked)`;
}
