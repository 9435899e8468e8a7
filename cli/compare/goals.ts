/** What the engine has to reach beside the other programs. */
import type { CompetitorName } from "./programs.ts";
import { medianOf, type Run, runsOf, timesAsFast } from "./rounds.ts";
import type { TrafficKind } from "./traffic.ts";

interface Goal {
  readonly kind: TrafficKind;
  readonly text: string;
  /** At least so many times as fast as this program, … */
  readonly than?: CompetitorName;
  readonly times?: number;
  /** … or below so many bytes. */
  readonly rssMax?: number;
}

const MEGABYTE = 1e6;

const GOALS: readonly Goal[] = [
  { kind: "ordinary", text: "4.5 times the plain Go program", than: "go", times: 4.5 },
  { kind: "ordinary", text: "(wished for: 7 times)", than: "go", times: 7 },
  { kind: "ordinary", text: "30 times goaccess", than: "goaccess", times: 30 },
  { kind: "ordinary", text: "9 times mawk", than: "mawk", times: 9 },
  { kind: "ordinary", text: "a tenth of wc -l", than: "wc", times: 0.1 },
  { kind: "attack", text: "1.6 times the plain Go program, which drops lines", than: "go", times: 1.6 },
  { kind: "attack", text: "less than 250 MB", rssMax: 250 * MEGABYTE },
];

/** One line a goal: `met      4.5 times the plain Go program: 5.31`. */
export function goalLines(kind: TrafficKind, runs: readonly Run[]): readonly string[] {
  return GOALS.filter((goal) => goal.kind === kind).map((goal) => {
    const reached = reachedOf(goal, runs);
    if (reached === undefined) return `unknown  ${goal.text}`;
    return `${reached.met ? "met    " : "not met"}  ${goal.text}: ${reached.text}`;
  });
}

function reachedOf(
  { than, times, rssMax }: Goal,
  runs: readonly Run[],
): { readonly met: boolean; readonly text: string } | undefined {
  if (than !== undefined && times !== undefined) {
    const ratio = timesAsFast(runs, "logtail", than);
    return ratio === undefined || ratio === 0 || !Number.isFinite(ratio)
      ? undefined
      : { met: ratio >= times, text: ratio.toPrecision(3) };
  }
  const rss = medianOf(runsOf(runs, "logtail"), (run) => run.rssMax);
  if (rss === undefined || rssMax === undefined) return undefined;
  return { met: rss < rssMax, text: `${Math.round(rss / MEGABYTE)} MB` };
}
