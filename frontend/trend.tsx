/**
 * The trend as SVG, without a script: the curve stretches with the page while letters and lines keep their size, since
 * only the innermost drawing is scaled and everything else is placed in per cent.
 */
// deno-lint-ignore-file jsx-key -- keys guide updates; a page is drawn once and never updated
import type { VNode } from "preact";
import { REQUESTS } from "@/core/measures.ts";
import type { WindowName } from "@/core/slices.ts";
import type { Answers } from "./answers.ts";
import { compact, counted, grouped, rateText, spanText, utcDateTime, utcTime } from "./numbers.ts";
import { BANDS, newest, type Step, type TrendShape, trendShape } from "./trend_shape.ts";
import { type View, viewLink } from "./view.ts";

/** Parts of the chart's height: above the plot, the plot, and down to the foot of the letters below it. */
const PLOT_TOP = 0.03, PLOT_HEIGHT = 0.87, PLOT_FOOT = PLOT_TOP + PLOT_HEIGHT, AXIS = 0.99;

/** Units of the scaled drawing: one is less than a pixel of the largest screen. */
const UNITS = 4000;

/** How people call the time of the window before. */
const AGO: Readonly<Record<WindowName, string>> = {
  "1m": "a minute ago",
  "5m": "5 minutes ago",
  "15m": "15 minutes ago",
  "60m": "an hour ago",
  "6h": "6 hours ago",
  "24h": "a day ago",
};

/** Headline, chart and, when asked for, the same as a table. */
export function Trend({ view, answers }: { readonly view: View; readonly answers: Answers }): VNode {
  const shape = trendShape(answers.trend);
  return (
    <section class="card trend" aria-label="Trend">
      <Headline answers={answers} shape={shape} />
      <div class="chart">
        <svg class="rates" aria-hidden="true">
          {shape.rates.map((rate) => (
            <text x="86%" y={height(rate, shape)} dy="0.35em" text-anchor="end">{`${compact(rate)} `}</text>
          ))}
        </svg>
        <Plot shape={shape} />
      </div>
      <div class="below">
        <Legend shape={shape} window={answers.trend.window} />
        <a href={viewLink(view, { table: !view.state.table })}>
          {view.state.table ? "hide the table" : "as a table"}
        </a>
      </div>
      {view.state.table && <Table shape={shape} />}
    </section>
  );
}

function Headline(
  { answers: { topN, trend }, shape }: { readonly answers: Answers; readonly shape: TrendShape },
): VNode {
  const { step: now, beforeRate } = newest(shape);
  const peak = shape.steps.filter(({ count, incomplete }) => count !== null && !incomplete).reduce(
    (best: Step | undefined, step) => best === undefined || step.rate > best.rate ? step : best,
    undefined,
  );
  const total = topN.total[REQUESTS], seconds = topN.coverage.secondsCovered;
  return (
    <div class="headline">
      <h2>
        <b>{now === undefined ? "–" : rateText(now.rate)}</b> requests/s{" "}
        <span>
          now{beforeRate !== undefined && ` · ${rateText(beforeRate)}/s ${AGO[trend.window]}`}
        </span>
      </h2>
      <dl>
        <div>
          <dt>total</dt>
          <dd>{grouped(total)}</dd>
        </div>
        <div>
          <dt>mean</dt>
          <dd>
            {seconds > 0 ? `${rateText(total / seconds)}/s` : "–"}
            {seconds > 0 && seconds < topN.coverage.seconds && <small>over the {spanText(seconds)} known</small>}
          </dd>
        </div>
        <div>
          <dt>peak</dt>
          <dd>
            {peak === undefined || peak.rate === 0
              ? "–"
              : `${rateText(peak.rate)}/s at ${axisTime(peak.startS, trend.stepS)} UTC`}
          </dd>
        </div>
      </dl>
    </div>
  );
}

/** What the colours mean: the bands there are, and gap and hatching only where there are any. */
function Legend({ shape, window }: { readonly shape: TrendShape; readonly window: WindowName }): VNode {
  const { bands, before, gaps, steps } = shape;
  return (
    <ul class="legend" aria-label="Legend">
      {bands.map((band) => <Key name={BANDS[band]} swatch={`b${band}`} />)}
      {before.length > 0 && <Key name={`${window} before`} swatch="before" />}
      {gaps.length > 0 && <Key name="not known" swatch="gap" />}
      {steps.some(({ incomplete, count }) => incomplete && count !== null) && (
        <Key
          name="incomplete"
          swatch="hatched"
        />
      )}
    </ul>
  );
}

function Key({ name, swatch }: { readonly name: string; readonly swatch: string }): VNode {
  return (
    <li>
      <svg class="swatch" aria-hidden="true">
        {swatch === "before"
          ? <line class="before" x1="0" x2="100%" y1="50%" y2="50%" />
          : <rect class={swatch === "hatched" ? "b3" : swatch} width="100%" height="100%" />}
        {swatch === "hatched" && <rect class="hatched" width="100%" height="100%" fill="url(#hatch)" />}
      </svg>
      {name}
    </li>
  );
}

function Plot({ shape }: { readonly shape: TrendShape }): VNode {
  const { steps, rates, times, runs, gaps, before } = shape;
  const stepS = steps.length === 0 ? 60 : steps[0].endS - steps[0].startS;
  return (
    <svg class="plot" role="img" aria-label={summary(shape)}>
      <defs>
        <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect class="hatch" width="2.5" height="6" />
        </pattern>
      </defs>
      {gaps.map((gap) => (
        <rect
          class="gap"
          x={percent(gap[0].x0)}
          y={percent(PLOT_TOP)}
          width={percent(gap[gap.length - 1].x1 - gap[0].x0)}
          height={percent(PLOT_HEIGHT)}
        />
      ))}
      {rates.map((rate) => <line class="grid" x1="0" x2="100%" y1={height(rate, shape)} y2={height(rate, shape)} />)}
      <svg
        x="0"
        y={percent(PLOT_TOP)}
        width="100%"
        height={percent(PLOT_HEIGHT)}
        viewBox={`0 0 ${UNITS} ${UNITS}`}
        preserveAspectRatio="none"
      >
        <Areas shape={shape} />
        {before.map((run) => (
          <path
            class="before"
            d={outline(run, shape.top, ({ rate }) => rate)}
            vector-effect="non-scaling-stroke"
          />
        ))}
        {runs.map((run) => (
          <path
            class="curve"
            d={outline(run, shape.top, ({ rate }) => rate)}
            vector-effect="non-scaling-stroke"
          />
        ))}
      </svg>
      <line class="base" x1="0" x2="100%" y1={percent(PLOT_FOOT)} y2={percent(PLOT_FOOT)} />
      {steps.map((step) => step.incomplete && step.count !== null && <Incomplete step={step} />)}
      {times.map(({ timeS, x }) => (
        <>
          <line
            class="tick"
            x1={percent(x)}
            x2={percent(x)}
            y1={percent(PLOT_FOOT)}
            y2={percent(PLOT_FOOT + 0.02)}
          />
          <text x={percent(x)} y={percent(AXIS)} text-anchor={x < 0.04 ? "start" : x > 0.96 ? "end" : "middle"}>
            {`${axisTime(timeS, stepS)} `}
          </text>
        </>
      ))}
      <svg
        class="hover"
        y={percent(PLOT_TOP)}
        width="100%"
        height={percent(PLOT_HEIGHT)}
        viewBox={`0 0 ${Math.max(1, steps.length)} 1`}
        preserveAspectRatio="none"
      >
        {steps.map((step, i) => (
          <rect x={i} width="1" height="1">
            <title>{stepTitle(step)}</title>
          </rect>
        ))}
      </svg>
    </svg>
  );
}

/** Each band from its top down to the foot, the highest first: those below are painted over it. */
function Areas({ shape: { runs, bands, top } }: { readonly shape: TrendShape }): VNode {
  if (bands.length === 0) return <>{runs.map((run) => <path class="area" d={area(run, top, ({ rate }) => rate)} />)}</>;
  return (
    <>
      {bands.toReversed().flatMap((band) =>
        runs.map((run) => <path class={`b${band}`} d={area(run, top, (step) => step.rate * shareUpTo(step, band))} />)
      )}
    </>
  );
}

/** Share of a step's requests that are in this band or one below it. */
function shareUpTo({ bands, count }: Step, band: number): number {
  if (bands === undefined || count === null || count <= 0) return 0;
  let sum = 0;
  for (let b = 0; b <= band; b++) sum += bands[b];
  return Math.min(1, sum / count);
}

/** The newest step while its span has not passed, and those of which only a part is known: hatched. */
function Incomplete({ step }: { readonly step: Step }): VNode {
  return (
    <rect
      class="hatched"
      x={percent(step.x0)}
      y={percent(PLOT_TOP)}
      width={percent(step.x1 - step.x0)}
      height={percent(PLOT_HEIGHT)}
      fill="url(#hatch)"
    />
  );
}

/** The top of a run of steps, from its left to its right end, as an SVG path. */
function outline<Part extends { readonly x0: number; readonly x1: number }>(
  run: readonly Part[],
  top: number,
  rateOf: (part: Part) => number,
): string {
  let lastY = unit(1 - rateOf(run[0]) / top), lastX = unit(run[0].x0), path = `M${lastX} ${lastY}`;
  for (const part of run) {
    const x = unit(part.x1), y = unit(1 - rateOf(part) / top);
    if (y !== lastY) path += `H${lastX}V${y}`;
    [lastX, lastY] = [x, y];
  }
  return `${path}H${lastX}`;
}

function area(run: readonly Step[], top: number, rateOf: (step: Step) => number): string {
  return `${outline(run, top, rateOf)}V${UNITS}H${unit(run[0].x0)}Z`;
}

/** The trend for those who read it: newest first, as an operator would. */
function Table({ shape: { steps, bands } }: { readonly shape: TrendShape }): VNode {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Trend as a table">
      <table class="points">
        <thead>
          <tr>
            <th scope="col">from, UTC</th>
            <th scope="col">requests</th>
            <th scope="col">per second</th>
            {bands.map((band) => <th scope="col">{BANDS[band]}</th>)}
            <th scope="col">known</th>
          </tr>
        </thead>
        <tbody>
          {steps.toReversed().map((step) => (
            <tr>
              <th scope="row">{utcDateTime(step.startS)}</th>
              <td>{step.count === null ? "–" : grouped(step.count)}</td>
              <td>{step.count === null ? "–" : rateText(step.rate)}</td>
              {bands.map((band) => <td>{step.bands === undefined ? "–" : grouped(step.bands[band])}</td>)}
              <td>{step.count === null ? "no" : step.incomplete ? "in part" : "yes"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function stepTitle({ startS, endS, count, rate, bands, incomplete }: Step): string {
  const span = `${utcDateTime(startS)} to ${utcTime(endS)} UTC`;
  if (count === null) return `${span}: not known`;
  const classes = bands?.map((of, band) => of > 0 ? ` · ${BANDS[band]} ${grouped(of)}` : "").join("") ?? "";
  return `${span}: ${counted(count, "request")}, ${rateText(rate)}/s${incomplete ? ", incomplete" : ""}${classes}`;
}

/** For those who hear the chart. */
function summary({ steps }: TrendShape): string {
  const rates = steps.filter(({ count, incomplete }) => count !== null && !incomplete).map(({ rate }) => rate);
  if (rates.length === 0) return "Requests per second: nothing is known in this window";
  return `Requests per second: from ${rateText(Math.min(...rates))} to ${rateText(Math.max(...rates))}, newest ${
    rateText(rates[rates.length - 1])
  }`;
}

function axisTime(timeS: number, stepS: number): string {
  return stepS < 60 ? utcTime(timeS) : utcTime(timeS).slice(0, 5);
}

/** Where a rate is drawn, from the top. */
function height(rate: number, { top }: TrendShape): string {
  return percent(PLOT_TOP + PLOT_HEIGHT * (1 - rate / top));
}

function percent(part: number): string {
  return `${Math.round(part * 1e5) / 1e3}%`;
}

function unit(part: number): number {
  return Math.round(part * UNITS);
}
