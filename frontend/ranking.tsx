/** The ranking: dimensions as tabs, one row a value, "(other)" and the total below. A click on a row drills down. */
// deno-lint-ignore-file jsx-key -- keys guide updates; a page is drawn once and never updated
import type { VNode } from "preact";
import { isExact, type TopNAnswer, type TopNEntry } from "@/core/answer.ts";
import { dimensionIndex, DIMENSIONS, OTHER_LABEL } from "@/core/dimensions.ts";
import { meanMs } from "@/core/answer_json.ts";
import { BYTES, MEASURES, REQUESTS, TIME_MAX, TIME_SUM, type Values } from "@/core/measures.ts";
import { Label } from "./label.tsx";
import { drillDown, shortLinkTo } from "./links.ts";
import { bytesText, compact, durationText, grouped, msText, rateText, shareText } from "./numbers.ts";
import { type View, viewLink } from "./view.ts";
import { LABEL_CHARS_MAX, visibleText } from "./visible.ts";

/** Characters of the text that shows when the pointer rests on a label that had to be cut. */
const TITLE_CHARS_MAX = 2048;

/** A column of numbers. On narrow screens its heading stands beside each number. */
interface Column {
  readonly heading: string;
  readonly help: string;
  /** Measure that a click on the heading sorts by. */
  readonly sort?: number;
}

const COUNT: Column = { heading: "requests", help: "requests that certainly match", sort: REQUESTS };
const RATE: Column = { heading: "rate", help: "requests per second, on average over what is known of the window" };
const BYTES_SENT: Column = { heading: "bytes", help: "bytes sent", sort: BYTES };
const TIME: Column = { heading: "time", help: "request time, added up over all requests", sort: TIME_SUM };
const MEAN: Column = { heading: "mean", help: "request time, mean" };
const MAX: Column = { heading: "max", help: "request time, longest", sort: TIME_MAX };

/** Tabs, and the answers as a table. */
export function Ranking({ view, topN }: { readonly view: View; readonly topN: TopNAnswer }): VNode {
  const { title } = DIMENSIONS[dimensionIndex(topN.groupBy)];
  const columns: readonly Column[] = [COUNT, shareColumn(view.state.sort), RATE, BYTES_SENT, TIME, MEAN, MAX];
  const scale = Math.max(0, ...topN.entries.map(({ values }) => values[view.state.sort]));
  return (
    <table class="ranking">
      <caption class="hidden">Requests by {title}</caption>
      <thead>
        <tr>
          <th class="rank" scope="col">#</th>
          <th class="label" scope="col">{title}</th>
          {columns.map((column) => <Heading view={view} column={column} />)}
        </tr>
      </thead>
      <tbody>
        {topN.entries.map((entry, i) => (
          <Row view={view} topN={topN} columns={columns} entry={entry} rank={i + 1} scale={scale} />
        ))}
      </tbody>
      <tfoot>
        <Sum kind="other" label={OTHER_LABEL} values={topN.other} view={view} topN={topN} columns={columns} />
        <Sum kind="total" label="total" values={topN.total} view={view} topN={topN} columns={columns} />
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

/** One tab a dimension, and the same answer for machines. */
export function Tabs({ view }: { readonly view: View }): VNode {
  return (
    <div class="tabs">
      <nav class="pills" aria-label="Group by">
        {DIMENSIONS.map(({ name, help }) => (
          <a
            href={viewLink(view, { by: name })}
            title={help}
            aria-current={name === view.state.by ? "page" : undefined}
          >
            {name}
          </a>
        ))}
      </nav>
      <nav class="formats" aria-label="Other formats">
        <a href={viewLink(view, { format: "json" })}>JSON</a>
        <a href={viewLink(view, { format: "csv" })}>CSV</a>
      </nav>
    </div>
  );
}

/** Shares are of what the table is sorted by; a longest time has no share, then of requests. */
function shareColumn(sort: number): Column {
  const of = MEASURES[sort].merge === "sum" ? sort : REQUESTS;
  const what = of === BYTES ? "bytes" : of === TIME_SUM ? "time" : "requests";
  return { heading: "share", help: `share of all ${what} that match` };
}

function Heading({ view, column: { heading, help, sort } }: { readonly view: View; readonly column: Column }): VNode {
  if (sort === undefined) return <th scope="col" title={help}>{heading}</th>;
  const isSorted = sort === view.state.sort;
  return (
    <th scope="col" aria-sort={isSorted ? "descending" : undefined}>
      <a href={viewLink(view, { sort })} title={`${help}; sort by it`}>{heading}{isSorted && " ↓"}</a>
    </th>
  );
}

interface RowProps {
  readonly view: View;
  readonly topN: TopNAnswer;
  readonly columns: readonly Column[];
}

function Row(
  { view, topN, columns, entry, rank, scale }: RowProps & {
    readonly entry: TopNEntry;
    readonly rank: number;
    readonly scale: number;
  },
): VNode {
  const { label, values, countMax } = entry;
  const href = shortLinkTo(view.state, view.defaults, drillDown(view.state, label));
  const part = scale > 0 ? Math.max(0, Math.min(1, values[view.state.sort] / scale)) : 0;
  const title = label.length > LABEL_CHARS_MAX ? visibleText(label, TITLE_CHARS_MAX) : undefined;
  return (
    <tr>
      <td class="rank">{rank}</td>
      <th class="label" scope="row">
        <svg class="bar" width="100%" height="100%" aria-hidden="true">
          <rect width={`${Math.round(part * 1000) / 10}%`} height="100%" rx="3" />
        </svg>
        {href === undefined
          ? <span title="too long for an address: use a regular expression">{<Label text={label} />}</span>
          : (
            <a href={href} title={title}>
              {topN.groupBy === "status" && <Dot status={label} />}
              <Label text={label} />
            </a>
          )}
      </th>
      <Numbers
        values={values}
        more={countMax - values[REQUESTS]}
        view={view}
        topN={topN}
        columns={columns}
      />
    </tr>
  );
}

function Sum({ kind, label, values, ...rest }: RowProps & {
  readonly kind: "other" | "total";
  readonly label: string;
  readonly values: Values;
}): VNode {
  return (
    <tr class={kind}>
      <td class="rank" />
      <th class="label" scope="row">{label}</th>
      <Numbers values={values} more={0} {...rest} />
    </tr>
  );
}

/** The cells of a row after its label, in the order of the columns. */
function Numbers(
  { values, more, view, topN, columns }: RowProps & { readonly values: Values; readonly more: number },
): VNode {
  const { sort } = view.state, { total, coverage, fromS, toS } = topN;
  const of = MEASURES[sort].merge === "sum" ? sort : REQUESTS;
  const seconds = Math.max(1, coverage.secondsCovered > 0 ? coverage.secondsCovered : toS - fromS);
  const cells = [
    <>
      {more > 0 && <small title={`at most ${grouped(values[REQUESTS] + more)}`}>≤ +{compact(more)}</small>}
      <b>{grouped(values[REQUESTS])}</b>
    </>,
    <>
      {shareText(values[of], total[of])}
      <small>%</small>
    </>,
    <>
      {rateText(values[REQUESTS] / seconds)}
      <small>/s</small>
    </>,
    bytesText(values[BYTES]),
    durationText(values[TIME_SUM]),
    <Milliseconds value={meanMs(values) ?? NaN} />,
    <Milliseconds value={values[REQUESTS] > 0 ? values[TIME_MAX] : NaN} />,
  ];
  return <>{cells.map((cell, i) => <td data-name={columns[i].heading}>{cell}</td>)}</>;
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
