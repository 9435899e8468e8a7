/** What stands in the place of the numbers when there are none: mistakes, a target in trouble, or simply no requests. */
// deno-lint-ignore-file jsx-key -- keys guide updates; a page is drawn once and never updated
import type { VNode } from "preact";
import type { TopNAnswer } from "@/core/answer.ts";
import type { Problem } from "./answers.ts";
import { WITHOUT_FILTERS } from "./links.ts";
import { utcTime } from "./numbers.ts";
import type { Mistake } from "./request.ts";
import { reloadS, type View, viewLink } from "./view.ts";
import { visibleText } from "./visible.ts";

/** Mistakes that are listed. */
const MISTAKES_SHOWN_MAX = 30;

/** A URL with mistakes: all of them, each with what would do. */
export function MistakesCard(
  { view, mistakes }: { readonly view: View; readonly mistakes: readonly Mistake[] },
): VNode {
  return (
    <section class="card trouble bad" role="alert">
      <h2>
        {mistakes.length === 1 ? "One parameter" : `${mistakes.length} parameters`} of this address cannot be used
      </h2>
      <ul>
        {mistakes.slice(0, MISTAKES_SHOWN_MAX).map((mistake) => (
          <li>
            <code>
              <bdi>{visibleText(`${mistake.parameter}=${mistake.value}`, 160)}</bdi>
            </code>
            <p>{sentence(visibleText(mistake.message, 600))}</p>
          </li>
        ))}
      </ul>
      <p>
        <a href={viewLink(view, {})}>Go on without {mistakes.length === 1 ? "it" : "them"}</a>, keeping what is right.
      </p>
    </section>
  );
}

/** A target that cannot be asked or does not answer. */
export function ProblemCard({ view, problem }: { readonly view: View; readonly problem: Problem }): VNode {
  const inS = reloadS(view);
  return (
    <section class="card trouble bad" role="alert">
      <h2>
        <bdi>{visibleText(problem.title)}</bdi>
      </h2>
      <p>
        <bdi>{visibleText(problem.reason, 1000)}</bdi>
      </p>
      <ul>{problem.advice.map((step) => <li>{step}</li>)}</ul>
      <p>
        {inS > 0
          ? `Last tried at ${utcTime(view.nowS)} UTC. This page tries again by itself every ${inS} s.`
          : problem.passing
          ? `Last tried at ${utcTime(view.nowS)} UTC. Reloading is paused.`
          : ""} {problem.passing && <a href={viewLink(view, {})}>Try now</a>}
        {view.state.target !== "" && <a href={viewLink(view, { target: "" })}>Show the default target</a>}
      </p>
    </section>
  );
}

/** An answer without a single row: nothing known yet, nothing that matches, or nothing happened. */
export function EmptyCard({ view, topN }: { readonly view: View; readonly topN: TopNAnswer }): VNode {
  const { coverage } = topN, { state } = view;
  if (coverage.secondsCovered === 0 || coverage.present === 0) {
    return (
      <section class="card trouble">
        <h2>No data yet</h2>
        <p>
          {visibleText(topN.source)} answers, but nothing has been counted in this window. A new line shows within 15 s.
        </p>
        <ul>
          <li>
            Does nginx write to the log that the collector follows? Compare its access_log with --logs; see /readyz.
          </li>
          <li>Is the log written in a format that the collector reads? Its ledger counts what it could not read.</li>
          <li>
            On an aggregator: is each collector of --collectors reachable? <code>nginx-logtail targets</code>{" "}
            lists them.
          </li>
        </ul>
      </section>
    );
  }
  const isFiltered = state.filters.length > 0 || state.q !== "" || state.target !== "";
  return (
    <section class="card trouble">
      <h2>{isFiltered ? "Nothing matches" : "No requests"} in the last {state.window}</h2>
      <p>
        The data is there, it is just that {isFiltered ? "no request passes the filter" : "nobody asked for anything"}.
      </p>
      <ul>
        {isFiltered && (
          <li>
            <a href={viewLink(view, { ...WITHOUT_FILTERS, target: "" })}>Remove all filters</a>
          </li>
        )}
        {state.window !== "24h" && (
          <li>
            <a href={viewLink(view, { window: "24h" })}>Look at the last 24 hours</a>
          </li>
        )}
      </ul>
    </section>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? "" : ".");
}
