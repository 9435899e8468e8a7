/**
 * The whole page as a string of HTML. No script, no style attribute, no address but our own: the content security policy
 * (`handler.ts`) forbids them all, so a label that got through escaping would still do nothing.
 */
import type { VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import type { TopNAnswer } from "@/core/answer.ts";
import { dimensionIndex, DIMENSIONS } from "@/core/dimensions.ts";
import { filterText } from "@/core/filter_tree.ts";
import { VERSION } from "@/core/host/exit.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { Answers } from "./answers.ts";
import { Breadcrumbs, FilterForm } from "./filters.tsx";
import { Fleet } from "./fleet.tsx";
import { Header } from "./header.tsx";
import { Label } from "./label.tsx";
import { utcDateTime, utcTime } from "./numbers.ts";
import { BreakDown, Ranking, Tabs, Unlisted } from "./ranking.tsx";
import { Trend } from "./trend.tsx";
import { EmptyCard, MistakesCard, PartialNotice, ProblemCard, ProxyNotice } from "./trouble.tsx";
import { pageLink, reloadS, type View } from "./view.ts";
import { visibleText } from "./visible.ts";

/** Draws a page. `styleUrl` is that of the style sheet, relative. */
export function renderPage(view: View, styleUrl: string): string {
  return `<!doctype html>${renderToString(<Page view={view} styleUrl={styleUrl} />)}`;
}

function Page({ view, styleUrl }: { readonly view: View; readonly styleUrl: string }): VNode {
  const inS = reloadS(view);
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {inS > 0 && <meta http-equiv="refresh" content={String(inS)} />}
        <title>{titleOf(view)}</title>
        <link rel="icon" href="./favicon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href={styleUrl} />
        <link
          rel="alternate"
          type="application/json"
          title="the same as JSON"
          href={pageLink(view, view.page, { format: "json" })}
        />
        {view.page === "traffic" && (
          <link
            rel="alternate"
            type="text/csv"
            title="the same as CSV"
            href={pageLink(view, "traffic", { format: "csv" })}
          />
        )}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the numbers</a>
        <Header view={view} />
        {view.page === "traffic" && <FilterForm view={view} />}
        <main id="main">
          <h1 class="hidden">{headingOf(view)}</h1>
          {view.page === "traffic" && <Breadcrumbs view={view} />}
          <Outcome view={view} />
        </main>
        <Footer view={view} />
      </body>
    </html>
  );
}

function Outcome({ view }: { readonly view: View }): VNode {
  const { outcome } = view;
  switch (outcome.kind) {
    case "mistakes":
      return <MistakesCard view={view} mistakes={outcome.mistakes} />;
    case "fleet":
      return <Fleet view={view} fleet={outcome.fleet} />;
    case "answers":
      return <Numbers view={view} answers={outcome.answers} />;
    case "problem": {
      const last = outcome.problem.silence?.last;
      return (
        <>
          <ProblemCard view={view} problem={outcome.problem} />
          {last !== undefined && (
            <div class="stale">
              <Numbers view={view} answers={last} />
            </div>
          )}
        </>
      );
    }
  }
}

function Numbers({ view, answers }: { readonly view: View; readonly answers: Answers }): VNode {
  const { topN, trend } = answers;
  return (
    <>
      <PartialNotice view={view} topN={topN} />
      <ProxyNotice view={view} topN={topN} />
      <Trend view={view} answers={answers} />
      <Tabs view={view} />
      {topN.entries.length === 0 && topN.other[REQUESTS] === 0
        ? <EmptyCard view={view} topN={topN} />
        : <Ranking view={view} topN={topN} trend={trend} />}
      <Unlisted view={view} topN={topN} />
      <BreakDown view={view} />
    </>
  );
}

function Footer({ view }: { readonly view: View }): VNode {
  const { outcome, state, tookMs } = view;
  const inS = reloadS(view);
  return (
    <footer>
      {outcome.kind === "answers" && <AnswerNote topN={outcome.answers.topN} />}
      {(outcome.kind === "answers" || outcome.kind === "fleet") && <span>answered in {Math.round(tookMs)} ms</span>}
      {" "}
      <span>{inS > 0 ? `reloads every ${inS} s` : state.refreshS > 0 ? "does not reload" : "reloading is paused"}</span>
      {" "}
      <span>nginx-logtail {VERSION}</span>
    </footer>
  );
}

function AnswerNote({ topN }: { readonly topN: TopNAnswer }): VNode {
  return (
    <>
      <span>
        from <Label text={topN.source} charsMax={80} />
      </span>{" "}
      <span>{utcDateTime(topN.fromS)} to {utcTime(topN.toS)} UTC</span>
      {" "}
    </>
  );
}

/** `shop.example · client prefix · 60m — logtail`: what tells one tab of a browser from another. */
function titleOf(view: View): string {
  const { outcome } = view;
  if (outcome.kind === "problem") return `${visibleText(outcome.problem.title)} — logtail`;
  if (outcome.kind === "mistakes") return "Bad address — logtail";
  return `${headingOf(view)} — logtail`;
}

function headingOf({ page, state }: View): string {
  if (page === "fleet") return "Fleet";
  const named = state.filters.map((filter) => filter.operator === "=" ? filter.value : filterText(filter));
  const filters = [...named, state.q].filter((text) => text !== "");
  const shown = filters.map((text) => visibleText(text, 40));
  return [...shown, DIMENSIONS[dimensionIndex(state.by)].title, state.window].join(" · ");
}
