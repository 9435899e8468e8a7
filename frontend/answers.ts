/**
 * Asks the target for ranking and trend, side by side. What goes wrong on the way is an answer too: a problem with a
 * status, the reason, and what to do next, which the page shows in place of the numbers.
 */
import type { TargetInfo, TopNAnswer, TopNQuestion, TrendAnswer } from "@/core/answer.ts";
import type { Filter } from "@/core/filter_tree.ts";
import type { Client } from "@/proto/client.ts";
import { RemoteError } from "@/proto/remote_error.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { Silence } from "./last_good.ts";
import type { RecentAnswers } from "./recent_answers.ts";
import type { PageState } from "./request.ts";

/** Milliseconds that the target has. The promise is an answer on the screen in a second; this is for a bad day. */
export const ANSWER_MS_MAX = 5000;

/** Sources on one page; of further ones only their number is told. */
export const FLEET_ROWS_MAX = 500;

/** Both halves of a page. */
export interface Answers {
  readonly topN: TopNAnswer;
  readonly trend: TrendAnswer;
}

/** What the page of the fleet is drawn from. */
export interface FleetAnswers {
  readonly targets: readonly TargetInfo[];
  /** Requests of the last minutes by source; undefined when nobody could say. */
  readonly bySource: TopNAnswer | undefined;
}

/** Why there are no numbers. */
export interface Problem {
  /** HTTP status. */
  readonly status: number;
  readonly title: string;
  /** One sentence: which target, and why. */
  readonly reason: string;
  /** What would work, one step each. */
  readonly advice: readonly string[];
  /** Asking again may help without anybody doing anything: the page reloads by itself. */
  readonly passing: boolean;
  /** Since when the target has not answered, and what it said last; undefined when it was not asked. */
  readonly silence?: Silence;
}

/** Asks both questions of a page at once. Rejects only for a bug of ours. */
export async function askBoth(
  recent: RecentAnswers,
  client: Client,
  address: string,
  state: PageState,
  filter: Filter,
): Promise<Answers | { readonly problem: Problem }> {
  const { window, by: groupBy, n, sort } = state, detail = state.format !== "csv";
  try {
    const [topN, trend] = await Promise.all([
      recent.topN(client, address, { window, groupBy, n, sort, filter, detail }, ANSWER_MS_MAX),
      recent.trend(client, address, { window, filter, detail }, ANSWER_MS_MAX),
    ]);
    return { topN, trend };
  } catch (error) {
    return { problem: problemOf(error, address) };
  }
}

/** Asks who the sources are, and what each has counted of late. Rejects only for a bug of ours. */
export async function askFleet(
  recent: RecentAnswers,
  client: Client,
  address: string,
): Promise<FleetAnswers | { readonly problem: Problem }> {
  const question: TopNQuestion = {
    window: "5m",
    groupBy: "source",
    n: FLEET_ROWS_MAX,
    sort: REQUESTS,
    filter: undefined,
    detail: true,
  };
  try {
    const [targets, bySource] = await Promise.all([
      client.targets(ANSWER_MS_MAX),
      recent.topN(client, address, question, ANSWER_MS_MAX).catch((error) => {
        if (error instanceof RemoteError) return undefined;
        throw error;
      }),
    ]);
    return { targets, bySource };
  } catch (error) {
    return { problem: problemOf(error, address) };
  }
}

/** A failed call as a problem to show. Throws on what is no RemoteError: that is a bug of ours. */
export function problemOf(error: unknown, address: string): Problem {
  if (!(error instanceof RemoteError)) throw error;
  const reason = error.message;
  const look = `See its log: journalctl -u nginx-logtail-aggregator (or -collector) on the host of ${address}.`;
  switch (error.code) {
    case "timeout":
      return {
        status: 504,
        title: `${address} took too long to answer`,
        reason,
        advice: ["Choose a shorter window.", "See whether its host is out of CPU or memory.", look],
        passing: true,
      };
    case "unreachable":
      return {
        status: 502,
        title: `${address} cannot be reached`,
        reason,
        advice: [
          "See that the collector or aggregator runs there and listens on that address (--listen).",
          "See that no firewall between this host and that one stands in the way.",
          "If the address is wrong, start this frontend with the right --target.",
        ],
        passing: true,
      };
    case "refused":
      return { status: 502, title: `${address} refused to answer`, reason, advice: [look], passing: true };
    case "invalid":
      return {
        status: 400,
        title: `${address} does not understand this question`,
        reason,
        advice: ["Remove or correct the filter.", "Run the same version of frontend and target."],
        passing: false,
      };
    default:
      return {
        status: 502,
        title: `${address} answered something else`,
        reason,
        advice: ["See that this address is the gRPC port of a collector or an aggregator, not another service.", look],
        passing: true,
      };
  }
}
