/**
 * The fleet: every source with its health, how far it is behind, what it counts and what became of its lines. What nobody
 * reports is a dash, and never a zero.
 */
// deno-lint-ignore-file jsx-key -- keys guide updates; a page is drawn once and never updated
import type { VNode } from "preact";
import type { TargetInfo, TopNAnswer, TopNEntry } from "@/core/answer.ts";
import { COUNTED, kernelDrops, type Ledger, LEDGER_REASONS, LINE_REASON_COUNT, READ } from "@/core/ledger.ts";
import { REQUESTS } from "@/core/measures.ts";
import { FLEET_ROWS_MAX, type FleetAnswers } from "./answers.ts";
import { Label } from "./label.tsx";
import { bytesText, compact, counted, grouped, rateText, shareText, spanText, utcDateTime } from "./numbers.ts";
import { Mix, Spark } from "./row_marks.tsx";
import { pageLink, type View } from "./view.ts";
import { visibleText } from "./visible.ts";

/** Seconds behind now from which a source counts as late: two slices and the time to seal one. */
const LATE_SECONDS = 30;

/** Milliseconds from which a clock that is off is marked: beyond, its newest lines are held back. */
const SKEW_MS_MAX = 2000;

type Health = "good" | "partial" | "bad";

interface Source {
  readonly target: TargetInfo;
  readonly health: Health;
  /** Its state in a word or two. */
  readonly word: string;
  /** What it has counted in the last five minutes, when the target says. */
  readonly entry: TopNEntry | undefined;
}

/** The table of sources, those in trouble first. */
export function Fleet({ view, fleet }: { readonly view: View; readonly fleet: FleetAnswers }): VNode {
  const { bySource } = fleet;
  const sources = fleet.targets.map((target) => sourceOf(target, bySource, view.nowS, fleet.targets.length));
  const rank: Readonly<Record<Health, number>> = { bad: 0, partial: 1, good: 2 };
  const sorted = sources.toSorted((a, b) => rank[a.health] - rank[b.health]).slice(0, FLEET_ROWS_MAX);
  const seconds = bySource?.coverage.secondsCovered ?? 0;
  if (sources.length === 0) return <NoSources />;
  return (
    <>
      <FleetSummary sources={sources} />
      <table class="fleet">
        <caption class="hidden">Sources</caption>
        <thead>
          <tr>
            <th class="source" scope="col">source</th>
            <th class="state" scope="col">state</th>
            <th class="num" scope="col" title="how far the end of its newest data is behind now">lag</th>
            <th class="num" scope="col" title="how far its clock is ahead">skew</th>
            <th class="num" scope="col" title="lines it counts a second, of late">lines/s</th>
            <th class="trend" scope="col" title="requests per second over the last five minutes">trend</th>
            <th class="status" scope="col" title="requests by class of status over the last five minutes">status</th>
            <th class="num" scope="col" title="lines read, as far as the target has heard">read</th>
            <th class="num lost" scope="col" title="lines read and not counted">not counted</th>
            <th class="num" scope="col" title="datagrams that the kernel dropped before they were read">drops</th>
            <th class="num" scope="col" title="memory that its process takes">memory</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((source) => <SourceRow view={view} source={source} bySource={bySource} seconds={seconds} />)}
        </tbody>
        <tfoot>
          <TotalRow sources={sources} seconds={seconds} />
        </tfoot>
      </table>
      {sources.length > sorted.length && <p class="unlisted">and {grouped(sources.length - sorted.length)} more.</p>}
    </>
  );
}

function sourceOf(target: TargetInfo, bySource: TopNAnswer | undefined, nowS: number, targets: number): Source {
  const { state, newestS, problem, name } = target;
  // A collector that lists itself has counted everything it answers for, whatever its source is called there.
  const entries = bySource?.entries ?? [];
  const entry = entries.find(({ label }) => label === name && name !== "") ??
    (targets === 1 && entries.length === 1 ? entries[0] : undefined);
  if (state === "gone") return { target, entry, health: "bad", word: "gone" };
  if (state === "degraded") return { target, entry, health: "bad", word: "down" };
  if (state === "connecting") return { target, entry, health: "bad", word: "connecting" };
  if (newestS === 0) return { target, entry, health: "partial", word: "no data yet" };
  if (state === "lagging" || nowS - newestS > LATE_SECONDS) return { target, entry, health: "partial", word: "late" };
  return {
    target,
    entry,
    health: problem === "" ? "good" : "partial",
    word: problem === "" ? "delivers" : "incomplete",
  };
}

/** Lines a second as its follower says or, where nobody does, those counted in the last minutes; undefined when unknown. */
function linesOf({ target, entry }: Pick<Source, "target" | "entry">, seconds: number): number | undefined {
  return target.linesPerS ?? (entry !== undefined && seconds > 0 ? entry.values[REQUESTS] / seconds : undefined);
}

function FleetSummary({ sources }: { readonly sources: readonly Source[] }): VNode {
  const of = (health: Health): number => sources.filter((source) => source.health === health).length;
  const [bad, partial] = [of("bad"), of("partial")];
  const text = bad === 0 && partial === 0
    ? sources.length === 1 ? "The one source delivers" : `All ${grouped(sources.length)} sources deliver`
    : [bad > 0 ? `${grouped(bad)} down` : "", partial > 0 ? `${grouped(partial)} with a problem` : ""]
      .filter((part) => part !== "").join(", ") + ` of ${counted(sources.length, "source")}`;
  return (
    <h2 class="fleet-headline">
      <State health={bad > 0 ? "bad" : partial > 0 ? "partial" : "good"} word={text} />
    </h2>
  );
}

interface RowProps {
  readonly bySource: TopNAnswer | undefined;
  /** Seconds that requests are of; 0 when unknown. */
  readonly seconds: number;
}

function SourceRow(
  { view, source: { target, health, word, entry }, bySource, seconds }: RowProps & {
    readonly view: View;
    readonly source: Source;
  },
): VNode {
  const { name, address, newestS, problem, ledger, skewMs, memoryBytes, sinceS } = target;
  const lagS = view.nowS - newestS, wanted = name || address;
  const linesPerS = linesOf({ target, entry }, seconds);
  return (
    <>
      <tr class={health}>
        <th class="source" scope="row">
          <a href={pageLink(view, "traffic", { target: wanted })} title="its traffic alone">
            <Label text={wanted} charsMax={80} />
          </a>
          {name !== "" && (
            <small>
              <Label text={address} charsMax={80} />
            </small>
          )}
        </th>
        <td class="state">
          <State health={health} word={word} />
          {sinceS !== undefined && health !== "good" && <small>for {spanText(view.nowS - sinceS)}</small>}
        </td>
        <td
          class={newestS === 0 || lagS > LATE_SECONDS ? "num lag off" : "num lag"}
          title={newestS === 0 ? undefined : `data to ${utcDateTime(newestS)} UTC`}
        >
          {newestS === 0 ? <Unknown /> : spanText(lagS)}
        </td>
        <td class={skewMs !== undefined && Math.abs(skewMs) > SKEW_MS_MAX ? "num skew off" : "num skew"}>
          {skewMs === undefined ? <Unknown /> : skewText(skewMs)}
        </td>
        <td class="num lines">
          {linesPerS === undefined ? <Unknown /> : (
            <>
              {rateText(linesPerS)}
              <small>/s</small>
            </>
          )}
        </td>
        <td class="trend">
          {entry?.detail !== undefined && bySource?.series !== undefined && (
            <Spark counts={entry.detail.counts} frame={bySource.series} />
          )}
        </td>
        <td class="status">
          {entry?.detail !== undefined && <Mix count={entry.values[REQUESTS]} byStatus={entry.detail.byStatus} />}
        </td>
        <LedgerCells ledger={ledger} />
        <td class="num memory">{memoryBytes === undefined ? <Unknown /> : bytesText(memoryBytes)}</td>
      </tr>
      {problem !== "" && (
        <tr class="problem">
          <td colSpan={11}>
            <bdi>{visibleText(problem, 600)}</bdi>
          </td>
        </tr>
      )}
    </>
  );
}

/** What became of its lines. */
function LedgerCells({ ledger }: { readonly ledger: Ledger }): VNode {
  const lost = ledger[READ] - ledger[COUNTED], drops = kernelDrops(ledger);
  return (
    <>
      <td class="num read" title={`${grouped(ledger[READ])} lines`}>{compact(ledger[READ])}</td>
      <td class={lost > 0 ? "num lost off" : "num lost"} title={lost > 0 ? reasons(ledger) : undefined}>
        {lost > 0
          ? (
            <>
              {compact(lost)} <small>{shareText(lost, ledger[READ])} %</small>
            </>
          )
          : "0"}
      </td>
      <td class={drops !== null && drops > 0 ? "num drops off" : "num drops"}>
        {drops === null ? <Unknown /> : compact(drops)}
      </td>
    </>
  );
}

/** `12 malformed time, 3 too long`. */
function reasons(ledger: Ledger): string {
  return LEDGER_REASONS.slice(COUNTED + 1, LINE_REASON_COUNT).flatMap((reason, i) => {
    const lines = ledger[COUNTED + 1 + i];
    return lines > 0 ? `${grouped(lines)} ${reason.replaceAll("_", " ")}` : [];
  }).join(", ");
}

function TotalRow({ sources, seconds }: { readonly sources: readonly Source[]; readonly seconds: number }): VNode {
  const ledger = new Float64Array(LEDGER_REASONS.length);
  for (const { target } of sources) target.ledger.forEach((lines, reason) => ledger[reason] += lines);
  const told = sources.map((source) => linesOf(source, seconds)).filter((lines) => lines !== undefined);
  return (
    <tr class="total">
      <th class="source" scope="row">total</th>
      <td />
      <td />
      <td />
      <td class="num lines">
        {told.length === 0 ? <Unknown /> : (
          <>
            {rateText(told.reduce((sum, lines) => sum + lines, 0))}
            <small>/s</small>
          </>
        )}
      </td>
      <td />
      <td />
      <LedgerCells ledger={ledger} />
      <td />
    </tr>
  );
}

function State({ health, word }: { readonly health: Health; readonly word: string }): VNode {
  return (
    <span class={`state ${health}`}>
      <svg class="mark" viewBox="0 0 10 10" aria-hidden="true">
        {health === "good"
          ? <circle cx="5" cy="5" r="4.5" />
          : health === "partial"
          ? <path d="M5 .5l4.8 9H.2z" />
          : <path d="M.8.8h8.4v8.4H.8z" />}
      </svg>
      {word}
    </span>
  );
}

function Unknown(): VNode {
  return <span class="unknown" title="nobody reports it">–</span>;
}

function skewText(ms: number): string {
  const sign = ms > 0 ? "+" : ms < 0 ? "−" : "";
  return Math.abs(ms) < 1000 ? `${sign}${Math.abs(ms)} ms` : `${sign}${(Math.abs(ms) / 1000).toFixed(1)} s`;
}

function NoSources(): VNode {
  return (
    <section class="card trouble">
      <h2>No sources</h2>
      <p>The target answers, but follows nobody.</p>
      <ul>
        <li>
          An aggregator follows what <code>--collectors</code> names; a collector lists itself.
        </li>
      </ul>
    </section>
  );
}
