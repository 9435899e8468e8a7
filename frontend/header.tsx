/** The top of every page: windows, how complete and how old the data is, pause. */
import type { VNode } from "preact";
import type { Coverage } from "@/core/answer.ts";
import { WINDOWS } from "@/core/slices.ts";
import { Label } from "./label.tsx";
import { counted, grouped, spanText, utcDateTime, utcTime } from "./numbers.ts";
import { type View, viewLink } from "./view.ts";

/** Seconds behind now from which data counts as old: three slices and the time to seal one. */
const OLD_SECONDS = 45;

/** Missing sources that are named. */
const MISSING_SHOWN_MAX = 50;

/** Logo, windows, coverage and the pause switch. */
export function Header({ view }: { readonly view: View }): VNode {
  const { state, defaults } = view;
  return (
    <header>
      <a class="logo" href="./">
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M2 16h3v-6h3v6h3V4h3v12h4" />
        </svg>
        logtail
      </a>
      <nav class="pills" aria-label="Window">
        {WINDOWS.map(({ name }) => (
          <a href={viewLink(view, { window: name })} aria-current={name === state.window ? "page" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <div class="status">
        {view.outcome.kind === "answers" && (
          <CoverageNote
            coverage={view.outcome.answers.topN.coverage}
            toS={view.outcome.answers.topN.toS}
            nowS={view.nowS}
          />
        )}
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

interface CoverageProps {
  readonly coverage: Coverage;
  readonly toS: number;
  readonly nowS: number;
}

/** Opens to say what is missing, without a script. */
function CoverageNote({ coverage, toS, nowS }: CoverageProps): VNode {
  const { expected, present, missing, seconds, secondsCovered } = coverage;
  const ageS = Math.max(0, nowS - toS), isOld = ageS >= OLD_SECONDS;
  const level = present === 0 || secondsCovered === 0 ? "bad" : present < expected || isOld ? "partial" : "good";
  return (
    <details class={`coverage ${level}`}>
      <summary>
        <b>
          {present === expected ? counted(present, "source") : `${grouped(present)} of ${counted(expected, "source")}`}
        </b>
        {" · data to "}
        <time dateTime={`${utcDateTime(toS)}Z`}>{utcTime(toS)} UTC</time>
        {`, ${spanText(ageS)} old`}
      </summary>
      <div>
        <p>
          {secondsCovered < seconds
            ? `Known: ${spanText(secondsCovered)} of the ${spanText(seconds)} asked for. The rest are gaps, not zeros.`
            : `All ${spanText(seconds)} asked for are known from at least one source.`}
        </p>
        {isOld && (
          <p>
            The newest data is {spanText(ageS)} old. It should be at most 15 s: see that the target's clock is right.
          </p>
        )}
        {missing.length === 0 ? <p>No source is missing.</p> : (
          <>
            <p>Not delivering, so their requests are missing here:</p>
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
