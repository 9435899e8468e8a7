/** The top of every page: windows, the two pages, how complete and how old the data is, pause. */
import type { VNode } from "preact";
import type { Coverage, TargetInfo } from "@/core/answer.ts";
import { WINDOWS } from "@/core/slices.ts";
import { Label } from "./label.tsx";
import { PATHS } from "./links.ts";
import { spaced } from "./spaced.tsx";
import { counted, grouped, spanText, utcDateTime, utcTime } from "./numbers.ts";
import { pageLink, shownAnswers, type View, viewLink } from "./view.ts";

/** Seconds behind now from which data counts as old: three slices and the time to seal one. */
const OLD_SECONDS = 45;

/** Share of the sources from which on what is missing is no detail. */
const MISSING_SHARE_MAX = 0.5;

/** Missing sources that are named. */
const MISSING_SHOWN_MAX = 50;

/** Logo, windows, pages, coverage and the pause switch. */
export function Header({ view }: { readonly view: View }): VNode {
  const { state, defaults, page } = view;
  return (
    <header>
      <a class="logo" href={PATHS.traffic}>
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M2 16h3v-6h3v6h3V4h3v12h4" />
        </svg>
        logtail
      </a>{" "}
      <nav class="pills" aria-label="Window">
        {spaced(WINDOWS.map(({ name }) => (
          <a
            href={pageLink(view, "traffic", { window: name })}
            aria-current={page === "traffic" && name === state.window ? "page" : undefined}
          >
            {name}
          </a>
        )))}
      </nav>
      <nav class="pills pages" aria-label="Page">
        <a href={pageLink(view, "traffic")} aria-current={page === "traffic" ? "true" : undefined}>Traffic</a>{" "}
        <a href={pageLink(view, "fleet")} aria-current={page === "fleet" ? "page" : undefined}>Fleet</a>
      </nav>
      <div class="freshness">
        <Freshness view={view} />
        {defaults.refreshS > 0 && state.refreshS > 0 && (
          <a class="button" href={viewLink(view, { refreshS: 0 })} title={`reloads every ${state.refreshS} s`}>Pause</a>
        )}
        {state.refreshS === 0 && (
          <a class="button" href={viewLink(view, { refreshS: defaults.refreshS })}>
            {defaults.refreshS > 0 ? "Resume" : "Reload"}
          </a>
        )}
      </div>
    </header>
  );
}

function Freshness({ view }: { readonly view: View }): VNode | null {
  const { outcome, nowS } = view, answers = shownAnswers(view);
  if (outcome.kind === "fleet") {
    return (
      <CoverageNote coverage={coverageOf(outcome.fleet.targets)} toS={newestOf(outcome.fleet.targets)} nowS={nowS} />
    );
  }
  if (answers === undefined) return null;
  const isSilent = outcome.kind === "problem";
  return <CoverageNote coverage={answers.topN.coverage} toS={answers.topN.toS} nowS={nowS} isSilent={isSilent} />;
}

function coverageOf(targets: readonly TargetInfo[]): Coverage {
  const missing = targets.filter(({ state }) => state !== "connected");
  return {
    expected: targets.length,
    present: targets.length - missing.length,
    missing: missing.map(({ name, address }) => name || address),
    secondsCovered: 0,
    seconds: 0,
  };
}

function newestOf(targets: readonly TargetInfo[]): number {
  return targets.reduce((newest, { newestS }) => Math.max(newest, newestS), 0);
}

/** Whether so many sources are missing that the numbers are about something else. */
export function isMuchMissing({ expected, present }: Coverage): boolean {
  return present < expected && expected - present >= expected * MISSING_SHARE_MAX;
}

interface CoverageProps {
  readonly coverage: Coverage;
  readonly toS: number;
  readonly nowS: number;
  /** The target does not answer: this is what it said last. */
  readonly isSilent?: boolean;
}

/** Opens to say what is missing, without a script. */
function CoverageNote({ coverage, toS, nowS, isSilent = false }: CoverageProps): VNode {
  const { expected, present, missing, seconds, secondsCovered } = coverage;
  const ageS = Math.max(0, nowS - toS), isOld = ageS >= OLD_SECONDS;
  const isNothing = present === 0 || (seconds > 0 && secondsCovered === 0) || toS === 0;
  const level = isNothing || isSilent || isMuchMissing(coverage)
    ? "bad"
    : present < expected || isOld
    ? "partial"
    : "good";
  return (
    <details class={`coverage ${level}`}>
      <summary>
        <b>
          {present === expected ? counted(present, "source") : `${grouped(present)} of ${counted(expected, "source")}`}
        </b>
        {toS === 0 ? " · no data yet" : (
          <>
            {" · data to "}
            <time dateTime={`${utcDateTime(toS)}Z`}>{utcTime(toS)} UTC</time>
            {`, ${spanText(ageS)} old`}
          </>
        )}
      </summary>
      <div>
        {seconds > 0 && (
          <p>
            {secondsCovered < seconds
              ? `Known: ${spanText(secondsCovered)} of the ${
                spanText(seconds)
              } asked for. The rest are gaps, not zeros.`
              : `All ${spanText(seconds)} asked for are known from at least one source.`}
          </p>
        )}
        {isSilent && <p>The target does not answer. This is what it said last.</p>}
        {isOld && !isSilent && toS > 0 && (
          <p>
            The newest data is {spanText(ageS)} old. It should be at most 15 s: see that the target's clock is right.
          </p>
        )}
        {missing.length === 0 ? <p>No source is missing.</p> : (
          <>
            <p>Not delivering, or not all of the time, so requests of theirs are missing here:</p>
            <ul>
              {missing.slice(0, MISSING_SHOWN_MAX).map((name) => (
                <li>
                  <Label text={name} charsMax={80} />
                </li>
              ))}
            </ul>
            {missing.length > MISSING_SHOWN_MAX && <p>and {grouped(missing.length - MISSING_SHOWN_MAX)} more.</p>}
          </>
        )}
      </div>
    </details>
  );
}
