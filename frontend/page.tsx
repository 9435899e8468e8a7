/**
 * The whole page as a string of HTML. No script, no style attribute, no address but our own: the content security policy
 * (`handler.ts`) forbids them all, so a label that got through escaping would still do nothing.
 */
import type { VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import type { TopNAnswer } from "@/core/answer.ts";
import { dimensionIndex, DIMENSIONS } from "@/core/dimensions.ts";
import { VERSION } from "@/core/host/exit.ts";
import { REQUESTS } from "@/core/measures.ts";
import { Breadcrumbs, FilterForm } from "./filters.tsx";
import { Header } from "./header.tsx";
import { Label } from "./label.tsx";
import { utcDateTime, utcTime } from "./numbers.ts";
import { Ranking, Tabs, Unlisted } from "./ranking.tsx";
import { Trend } from "./trend.tsx";
import { EmptyCard, MistakesCard, ProblemCard } from "./trouble.tsx";
import { PAGE_ROWS_MAX } from "./request.ts";
import { reloadS, type View, viewLink } from "./view.ts";
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
      </head>
      <body>
        <Header view={view} />
        <FilterForm view={view} />
        <main>
          <Breadcrumbs view={view} />
          <Outcome view={view} />
        </main>
        <Footer view={view} />
      </body>
    </html>
  );
}

function Outcome({ view }: { readonly view: View }): VNode {
  const { outcome } = view;
  if (outcome.kind === "mistakes") return <MistakesCard view={view} mistakes={outcome.mistakes} />;
  if (outcome.kind === "problem") return <ProblemCard view={view} problem={outcome.problem} />;
  const { answers } = outcome, { topN } = answers;
  return (
    <>
      <Trend answers={answers} />
      <Tabs view={view} />
      {topN.entries.length === 0 && topN.other[REQUESTS] === 0
        ? <EmptyCard view={view} topN={topN} />
        : <Ranking view={view} topN={topN} />}
      <Unlisted view={view} topN={topN} />
    </>
  );
}

function Footer({ view }: { readonly view: View }): VNode {
  const { outcome, state, tookMs } = view;
  const inS = reloadS(view);
  return (
    <footer>
      {outcome.kind === "answers" && <AnswerNote view={view} topN={outcome.answers.topN} />}
      {outcome.kind === "answers" && <span>answered in {Math.round(tookMs)} ms</span>}
      <span>{inS > 0 ? `reloads every ${inS} s` : state.refreshS > 0 ? "does not reload" : "reloading is paused"}</span>
      <span>nginx-logtail {VERSION}</span>
    </footer>
  );
}

function AnswerNote({ view, topN }: { readonly view: View; readonly topN: TopNAnswer }): VNode {
  const more = view.state.n < 100 ? 100 : PAGE_ROWS_MAX;
  return (
    <>
      <span>
        from <Label text={topN.source} charsMax={80} />
      </span>
      <span>{utcDateTime(topN.fromS)} to {utcTime(topN.toS)} UTC</span>
      {topN.entries.length >= view.state.n && view.state.n < more && (
        <a href={viewLink(view, { n: more })}>show {more} rows</a>
      )}
      {view.state.n > view.defaults.n && (
        <a href={viewLink(view, { n: view.defaults.n })}>show {view.defaults.n} rows</a>
      )}
    </>
  );
}

/** `shop.example · client prefix · 60m — logtail`: what tells one tab of a browser from another. */
function titleOf({ state, outcome }: View): string {
  if (outcome.kind === "problem") return `${visibleText(outcome.problem.title)} — logtail`;
  if (outcome.kind === "mistakes") return "Bad address — logtail";
  const filters = [...state.filters.map(({ value }) => value), state.q].filter((text) => text !== "");
  const shown = filters.map((text) => visibleText(text, 40));
  return [...shown, DIMENSIONS[dimensionIndex(state.by)].title, state.window].join(" · ") + " — logtail";
}
