/**
 * The ranking: dimensions as tabs, one row a value, "(other)" and the total below. A click on a row drills down; the links
 * beside it keep the dimension (from there to any other), or leave the value out.
 */
// deno-lint-ignore-file jsx-key -- keys guide updates; a page is drawn once and never updated
import type { VNode } from "preact";
import { type EntryDetail, isExact, type TopNAnswer, type TopNEntry, type TrendAnswer } from "@/core/answer.ts";
import { dimensionIndex, type DimensionName, DIMENSIONS, OTHER_LABEL } from "@/core/dimensions.ts";
import { meanMs } from "@/core/answer_json.ts";
import { BYTES, MEASURES, REQUESTS, TIME_MAX, TIME_SUM, type Values } from "@/core/measures.ts";
import { Label } from "./label.tsx";
import { isPinned, type RowLinks, rowLinks } from "./links.ts";
import { bytesText, compact, durationText, grouped, msText, rateText, shareText } from "./numbers.ts";
import { PAGE_ROWS_MAX } from "./request.ts";
import { spaced } from "./spaced.tsx";
import { otherDetail, totalDetail } from "./row_details.ts";
import { Mix, Spark } from "./row_marks.tsx";
import { pageLink, type View } from "./view.ts";
import { LABEL_CHARS_MAX, visibleText } from "./visible.ts";

/** Characters of the text that shows when the pointer rests on a label that had to be cut. */
const TITLE_CHARS_MAX = 2048;

/** Rows that a page offers. */
const ROWS_OFFERED = [10, 25, 50, 100, PAGE_ROWS_MAX];

/** A column behind the label. On narrow screens its name stands beside each value (`style.css`, by class). */
interface Column {
  readonly name: string;
  readonly heading: string;
  readonly help: string;
  /** Measure that a click on the heading sorts by. */
  readonly sort?: number;
}

const SPARK: Column = { name: "trend", heading: "trend", help: "requests per second over the window" };
const MIX: Column = { name: "status", heading: "status", help: "requests by class of status: 2xx, 3xx, 4xx, 5xx" };
const COLUMNS: readonly Column[] = [
  { name: "count", heading: "requests", help: "requests that certainly match", sort: REQUESTS },
  { name: "share", heading: "share", help: "" },
  { name: "rate", heading: "rate", help: "requests per second, on average over what is known of the window" },
  SPARK,
  MIX,
  { name: "bytes", heading: "bytes", help: "bytes sent", sort: BYTES },
  { name: "time", heading: "time", help: "request time, added up over all requests", sort: TIME_SUM },
  { name: "mean", heading: "mean", help: "request time, mean" },
  { name: "max", heading: "max", help: "request time, longest", sort: TIME_MAX },
];

/** What all rows need. */
interface Frame {
  readonly view: View;
  readonly topN: TopNAnswer;
  /** Measure that shares are of. */
  readonly shareOf: number;
  /** Seconds that rates are over. */
  readonly seconds: number;
  /** Most of the measure that is sorted by. */
  readonly scale: number;
  readonly links: (label: string) => RowLinks;
}

/** The answers as a table. */
export function Ranking(
  { view, topN, trend }: { readonly view: View; readonly topN: TopNAnswer; readonly trend: TrendAnswer },
): VNode {
  const { sort } = view.state, { entries, coverage, fromS, toS } = topN;
  const { title } = DIMENSIONS[dimensionIndex(topN.groupBy)];
  const frame: Frame = {
    view,
    topN,
    shareOf: MEASURES[sort].merge === "sum" ? sort : REQUESTS,
    seconds: Math.max(1, coverage.secondsCovered > 0 ? coverage.secondsCovered : toS - fromS),
    scale: Math.max(0, ...entries.map(({ values }) => values[sort])),
    links: rowLinks({ ...view.state, by: topN.groupBy }, view.defaults),
  };
  const total = totalDetail(topN, trend);
  return (
    <table class="ranking">
      <caption class="hidden">Requests by {title}</caption>
      <thead>
        <tr>
          <th class="rank" scope="col">#</th>
          <th class="label" scope="col">{title}</th>
          {COLUMNS.map((column) => <Heading frame={frame} column={column} />)}
        </tr>
      </thead>
      <tbody>{entries.map((entry, i) => <Row frame={frame} entry={entry} rank={i + 1} />)}</tbody>
      <tfoot>
        <Sum
          kind="other"
          label={OTHER_LABEL}
          values={topN.other}
          max={topN.other[REQUESTS]}
          detail={otherDetail(topN, total)}
          frame={frame}
        />
        <Sum kind="total" label="total" values={topN.total} max={topN.totalMax} detail={total} frame={frame} />
      </tfoot>
    </table>
  );
}

/** What a value that is not listed can have, below an answer that is not exact; nothing below others. */
export function Unlisted({ view, topN }: { readonly view: View; readonly topN: TopNAnswer }): VNode | null {
  if (isExact(topN, view.state.sort)) return null;
  const { title } = DIMENSIONS[dimensionIndex(topN.groupBy)];
  return <p class="unlisted">No {title} that is not listed has more than {grouped(topN.unlistedMax)} requests.</p>;
}

/** One tab a dimension; how many rows; and the same answer for machines. */
export function Tabs({ view }: { readonly view: View }): VNode {
  const { state } = view;
  return (
    <div class="tabs">
      <nav class="pills" aria-label="Group by">
        {spaced(DIMENSIONS.map(({ name, help }) => (
          <a
            href={pageLink(view, "traffic", { by: name })}
            title={help}
            aria-current={name === state.by ? "page" : undefined}
          >
            {name}
          </a>
        )))}
      </nav>{" "}
      <nav class="rows" aria-label="Rows">
        <span>rows</span> {spaced(
          [...new Set([...ROWS_OFFERED, state.n])].sort((a, b) => a - b).map((n) => (
            <a href={pageLink(view, "traffic", { n })} aria-current={n === state.n ? "true" : undefined}>{n}</a>
          )),
        )}
      </nav>{" "}
      <nav class="formats" aria-label="Other formats">
        <a href={pageLink(view, "traffic", { format: "json" })}>JSON</a>{" "}
        <a href={pageLink(view, "traffic", { format: "csv" })}>CSV</a>
      </nav>
    </div>
  );
}

/** Where one value fills the whole table, the ways on. */
export function BreakDown({ view }: { readonly view: View }): VNode | null {
  const { state } = view;
  const pinned = (name: DimensionName): boolean => isPinned(state.filters, name);
  if (!pinned(state.by)) return null;
  return (
    <p class="onward">
      Break it down by {spaced(
        DIMENSIONS.filter(({ name }) => !pinned(name)).map(({ name, title }) => (
          <a href={pageLink(view, "traffic", { by: name })}>{title}</a>
        )),
      )}
    </p>
  );
}

function Heading({ frame: { view, shareOf }, column }: { readonly frame: Frame; readonly column: Column }): VNode {
  const { name, heading, help, sort } = column;
  if (sort === undefined) {
    return <th class={name} scope="col" title={name === "share" ? shareHelp(shareOf) : help}>{heading}</th>;
  }
  const isSorted = sort === view.state.sort;
  return (
    <th class={name} scope="col" aria-sort={isSorted ? "descending" : undefined}>
      <a href={pageLink(view, "traffic", { sort })} title={`${help}; sort by it`}>{heading}{isSorted && " ↓"}</a>
    </th>
  );
}

/** Shares are of what the table is sorted by; a longest time has no share, then of requests. */
function shareHelp(of: number): string {
  return `share of all ${of === BYTES ? "bytes" : of === TIME_SUM ? "time" : "requests"} that match`;
}

function Row(
  { frame, entry, rank }: { readonly frame: Frame; readonly entry: TopNEntry; readonly rank: number },
): VNode {
  const { label, values, countMax, detail } = entry, { scale, view: { state }, topN } = frame;
  const links = frame.links(label);
  const part = scale > 0 ? Math.max(0, Math.min(1, values[state.sort] / scale)) : 0;
  const title = label.length > LABEL_CHARS_MAX ? visibleText(label, TITLE_CHARS_MAX) : undefined;
  return (
    <tr>
      <td class="rank">{rank}</td>
      <th class="label" scope="row">
        <svg class="bar" width="100%" height="100%" aria-hidden="true">
          <rect width={`${Math.round(part * 1000) / 10}%`} height="100%" rx="2" />
        </svg>
        {links.drill === undefined
          ? (
            <span class="value" title="too long for an address: use a regular expression">
              {<Label text={label} />}
            </span>
          )
          : (
            <a class="value" href={links.drill} title={title}>
              {topN.groupBy === "status" && <Dot status={label} />}
              <Label text={label} />
            </a>
          )}{" "}
        {links.only !== undefined && (
          <a class="act" href={links.only} title="only this value" aria-label="only this value">=</a>
        )}{" "}
        {links.without !== undefined && (
          <a class="act" href={links.without} title="without this value" aria-label="without this value">≠</a>
        )}
      </th>
      <Cells frame={frame} values={values} more={countMax - values[REQUESTS]} detail={detail} />
    </tr>
  );
}

function Sum({ kind, label, values, max, detail, frame }: {
  readonly kind: "other" | "total";
  readonly label: string;
  readonly values: Values;
  /** Requests, at most. */
  readonly max: number;
  readonly detail: EntryDetail | undefined;
  readonly frame: Frame;
}): VNode {
  return (
    <tr class={kind}>
      <td class="rank" />
      <th class="label" scope="row">{label}</th>
      <Cells frame={frame} values={values} more={max - values[REQUESTS]} detail={detail} />
    </tr>
  );
}

/** The cells of a row after its label, in the order of the columns. */
function Cells({ frame, values, more, detail }: {
  readonly frame: Frame;
  readonly values: Values;
  /** Requests that there can be beyond those that are certain. */
  readonly more: number;
  readonly detail: EntryDetail | undefined;
}): VNode {
  const { topN: { total, series }, shareOf, seconds } = frame, requests = values[REQUESTS];
  return (
    <>
      <td class="count">
        {more > 0 && <small title={`at most ${grouped(requests + more)}`}>≤ +{compact(more)}</small>}
        <b>{grouped(requests)}</b>
      </td>
      <td class="share">
        {shareText(values[shareOf], total[shareOf])}
        <small>%</small>
      </td>
      <td class="rate">
        {rateText(requests / seconds)}
        <small>/s</small>
      </td>
      <td class="trend">
        {detail !== undefined && series !== undefined && <Spark counts={detail.counts} frame={series} />}
      </td>
      <td class="status">{detail !== undefined && <Mix count={requests} byStatus={detail.byStatus} />}</td>
      <td class="bytes">{bytesText(values[BYTES])}</td>
      <td class="time">{durationText(values[TIME_SUM])}</td>
      <td class="mean">
        <Milliseconds value={meanMs(values) ?? NaN} />
      </td>
      <td class="max">
        <Milliseconds value={requests > 0 ? values[TIME_MAX] : NaN} />
      </td>
    </>
  );
}

/** A time that nothing was measured for (NaN) has no unit either. */
function Milliseconds({ value }: { readonly value: number }): VNode {
  return <>{msText(value)}{Number.isFinite(value) && <small>ms</small>}</>;
}

/** The class of a status as a colour, beside its number. */
function Dot({ status }: { readonly status: string }): VNode {
  return (
    <svg class={`dot s${/^[2345]\d\d$/.test(status) ? status[0] : "x"}`} viewBox="0 0 10 10" aria-hidden="true">
      <circle cx="5" cy="5" r="5" />
    </svg>
  );
}
