/** `nginx-logtail stream`: a line whenever a minute is over, until Ctrl-C; a target that goes away is asked again. */
import type { Snapshot, TopNAnswer, TopNQuestion } from "@/core/answer.ts";
import type { Filter } from "@/core/filter_tree.ts";
import { EXIT, OutputClosed } from "@/core/host/exit.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { Client } from "@/proto/client.ts";
import { timeoutOf, whyText } from "./ask.ts";
import { filterGiven } from "./filter_flags.ts";
import { type Minute, minuteJson } from "./json.ts";
import { RECONNECT_DELAY_MS, type Shell } from "./shell.ts";
import { minuteLine } from "./table.ts";

/** Websites looked at for one filtered minute; more are counted as this many. */
const FILTERED_ENTRIES_MAX = 1000;

/**
 * Follows every target and resolves to the exit code when stopped: failed when a target was away at that moment.
 *
 * @throws OutputClosed
 */
export async function stream(flags: FlagValues, shell: Shell): Promise<number> {
  const targets = flags.list("target");
  const filter = await filterGiven(flags);
  const timeoutMs = timeoutOf(flags);
  const ended = new AbortController();
  const stop = AbortSignal.any([shell.untilStopped(), ended.signal]);
  const away = new Set<string>();
  function show(minute: Minute, target: string): void {
    away.delete(target);
    shell.out(flags.on("json") ? minuteJson(minute, target) : minuteLine(minute, target, targets.length > 1, shell));
  }
  try {
    await Promise.all(targets.map((target) =>
      follow(target, shell, stop, away, async (client) => {
        for await (const snapshot of client.snapshots(stop)) {
          const minute = filter === undefined
            ? minuteOf(snapshot)
            : await filtered(client, snapshot, filter, timeoutMs);
          if (minute !== undefined) show(minute, target);
        }
      })
    ));
  } finally {
    ended.abort(); // the other targets, when the output was closed
  }
  return away.size > 0 ? EXIT.failed : EXIT.ok;
}

/** Connects again and again until stopped. */
async function follow(
  target: string,
  shell: Shell,
  stop: AbortSignal,
  away: Set<string>,
  readStream: (client: Client) => Promise<void>,
): Promise<void> {
  while (!stop.aborted) {
    const client = await shell.connect(target);
    let why = `${target}: the stream ended`;
    try {
      await readStream(client);
    } catch (error) {
      if (error instanceof OutputClosed) throw error;
      why = whyText(target, error);
    } finally {
      client.close();
    }
    if (stop.aborted) return;
    away.add(target);
    shell.problem(`${why} (trying again in ${RECONNECT_DELAY_MS / 1000} s)`);
    await shell.pause(RECONNECT_DELAY_MS, stop);
  }
}

function minuteOf({ source, startS, coarse, entries }: Snapshot): Minute {
  const top = entries.reduce<Snapshot["entries"][number] | undefined>(
    (best, entry) => best === undefined || entry.count > best.count ? entry : best,
    undefined,
  );
  return { source, startS, coarse, entries: entries.length, topLabel: top?.label, topCount: top?.count ?? 0 };
}

/**
 * Snapshots carry labels and counts alone, which no filter can look into: the end of a minute is taken as the moment to
 * ask for the last minute with the filter. Its time is the answer's own. Five-minute snapshots have no such question.
 */
async function filtered(
  client: Client,
  snapshot: Snapshot,
  filter: Filter,
  timeoutMs: number,
): Promise<Minute | undefined> {
  if (snapshot.coarse) return undefined;
  const n = FILTERED_ENTRIES_MAX;
  const question: TopNQuestion = { window: "1m", groupBy: "website", n, sort: REQUESTS, filter };
  const { source, fromS, entries }: TopNAnswer = await client.topN(question, timeoutMs);
  const topCount = entries[0]?.values[REQUESTS] ?? 0;
  return { source, startS: fromS, coarse: false, entries: entries.length, topLabel: entries[0]?.label, topCount };
}
