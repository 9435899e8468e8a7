/** What stands in the place of the numbers, or above them, when they are not there or not whole. */
// deno-lint-ignore-file jsx-key -- keys guide updates; a page is drawn once and never updated
import type { VNode } from "preact";
import type { TopNAnswer } from "@/core/answer.ts";
import { REQUESTS } from "@/core/measures.ts";
import { proxyAmongClients } from "@/core/special_prefixes.ts";
import type { Problem } from "./answers.ts";
import { sentence } from "./filters.tsx";
import { isMuchMissing } from "./header.tsx";
import { Label } from "./label.tsx";
import { WITHOUT_FILTERS } from "./links.ts";
import { counted, grouped, spanText, utcDateTime, utcTime } from "./numbers.ts";
import type { Mistake } from "./request.ts";
import { pageLink, reloadS, type View, viewLink } from "./view.ts";
import { visibleText } from "./visible.ts";

/** Mistakes that are listed. */
const MISTAKES_SHOWN_MAX = 30;

/** Missing sources that a notice names. */
const MISSING_NAMED_MAX = 8;

/** A URL with mistakes: all of them, each with what would do. */
export function MistakesCard(
  { view, mistakes }: { readonly view: View; readonly mistakes: readonly Mistake[] },
): VNode {
  // The one in the filter stands beside it.
  if (mistakes.length === 1 && mistakes[0].parameter === "q") {
    return (
      <section class="card trouble bad" role="alert">
        <h2>The filter cannot be used as it is</h2>
        <p>
          Correct it above, or <a href={viewLink(view, {})}>go on without it</a>.
        </p>
      </section>
    );
  }
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
  const inS = reloadS(view), { silence } = problem;
  return (
    <section class="card trouble bad" role="alert">
      <h2>
        <bdi>{visibleText(problem.title)}</bdi>
      </h2>
      <p>
        <bdi>{visibleText(problem.reason, 1000)}</bdi>
      </p>
      {silence !== undefined && <Silence view={view} problem={problem} />}
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

/** Since when nothing comes, and what there was. */
function Silence({ view, problem: { silence } }: { readonly view: View; readonly problem: Problem }): VNode | null {
  if (silence === undefined) return null;
  const { sinceS, last } = silence, { nowS } = view;
  return (
    <p>
      {nowS - sinceS < 1
        ? "This is the first time that it does not answer. "
        : `It has not answered since ${utcDateTime(sinceS)} UTC, ${spanText(nowS - sinceS)} ago. `}
      {last === undefined
        ? "Nothing that it said before is held for this page."
        : `Below is what it said last: data to ${utcDateTime(last.topN.toS)} UTC, ${
          spanText(nowS - last.topN.toS)
        } old.`}
    </p>
  );
}

/** Above numbers that sources are missing from; quiet while it is few of them. */
export function PartialNotice({ view, topN }: { readonly view: View; readonly topN: TopNAnswer }): VNode | null {
  const { expected, present, missing } = topN.coverage;
  if (present >= expected) return null;
  const isMuch = isMuchMissing(topN.coverage);
  const named = missing.slice(0, MISSING_NAMED_MAX);
  return (
    <section class={`notice ${isMuch ? "bad" : "partial"}`}>
      <p>
        <b>
          {present === 0
            ? `No source delivers`
            : `${grouped(expected - present)} of ${counted(expected, "source")} ${
              expected - present === 1 ? "is" : "are"
            } missing`}
        </b>
        {isMuch && present > 0 && ": these numbers are far from the whole"}
        {named.length > 0 && " · "}
        {named.map((name, i) => (
          <>
            {i > 0 && ", "}
            <Label text={name} charsMax={60} />
          </>
        ))}
        {missing.length > named.length && ` and ${grouped(missing.length - named.length)} more`}
        {" · "}
        <a href={pageLink(view, "fleet")}>see the fleet</a>
      </p>
    </section>
  );
}

/** Above a ranking of all clients in which a load balancer stands for them. */
export function ProxyNotice({ view, topN }: { readonly view: View; readonly topN: TopNAnswer }): VNode | null {
  const { filters, q, sort } = view.state;
  const client = filters.length === 0 && q === "" && sort === REQUESTS ? proxyAmongClients(topN) : undefined;
  if (client === undefined) return null;
  return (
    <section class="notice partial">
      <p>
        Nearly all requests come from <Label text={client} charsMax={60} />, a private network:{" "}
        <b>is that a load balancer?</b> nginx logs its address instead of the client's until{" "}
        <code>set_real_ip_from</code> tells it otherwise.
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
          <li>
            Is the log written in a format that the collector reads? The <a href={pageLink(view, "fleet")}>fleet</a>
            {" "}
            says how many lines it could not count, and why.
          </li>
          <li>
            On an aggregator: is each collector of --collectors reachable? The{" "}
            <a href={pageLink(view, "fleet")}>fleet</a> lists them.
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
