/**
 * The trend as SVG, without a script: the curve stretches with the page while letters and lines keep their size, since
 * only the innermost drawing is scaled and everything else is placed in per cent.
 */
// deno-lint-ignore-file jsx-key -- keys guide updates; a page is drawn once and never updated
import type { VNode } from "preact";
import { REQUESTS } from "@/core/measures.ts";
import type { Answers } from "./answers.ts";
import { compact, counted, grouped, rateText, spanText, utcDateTime, utcTime } from "./numbers.ts";
import { type Step, type TrendShape, trendShape } from "./trend_shape.ts";

/** Parts of the chart's height: above the plot, the plot, and down to the foot of the letters below it. */
const PLOT_TOP = 0.04, PLOT_HEIGHT = 0.84, PLOT_FOOT = PLOT_TOP + PLOT_HEIGHT, AXIS = 0.985;

/** Units of the scaled drawing. */
const UNITS = 1000;

/** Headline and chart. */
export function Trend({ answers }: { readonly answers: Answers }): VNode {
  const shape = trendShape(answers.trend);
  return (
    <section class="card trend" aria-label="Trend">
      <Headline answers={answers} shape={shape} />
      <div class="chart">
        <svg class="rates" aria-hidden="true">
          {shape.rates.map((rate) => (
            <text x="84%" y={height(rate, shape)} dy="0.35em" text-anchor="end">{compact(rate)}</text>
          ))}
        </svg>
        <Plot shape={shape} />
      </div>
    </section>
  );
}

function Headline(
  { answers: { topN, trend }, shape }: { readonly answers: Answers; readonly shape: TrendShape },
): VNode {
  const known = shape.steps.filter(({ count, incomplete }) => count !== null && !incomplete);
  const now = known.at(-1);
  const peak = known.reduce(
    (best: Step | undefined, step) => best === undefined || step.rate > best.rate ? step : best,
    undefined,
  );
  const total = topN.total[REQUESTS], seconds = topN.coverage.secondsCovered;
  return (
    <div class="headline">
      <h2>
        <b>{now === undefined ? "–" : rateText(now.rate)}</b> requests/s <span>now</span>
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
      <ul class="legend">
        <li>
          <svg aria-hidden="true">
            <rect class="gap" width="100%" height="100%" />
          </svg>not known
        </li>
        <li>
          <svg aria-hidden="true">
            <rect class="hatched" width="100%" height="100%" fill="url(#hatch)" />
          </svg>incomplete
        </li>
      </ul>
    </div>
  );
}

function Plot({ shape }: { readonly shape: TrendShape }): VNode {
  const { steps, rates, times, runs, gaps } = shape;
  const stepS = steps.length === 0 ? 60 : steps[0].endS - steps[0].startS;
  return (
    <svg class="plot" role="img" aria-label={summary(shape)}>
      <defs>
        <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect class="hatch" width="2" height="5" />
        </pattern>
      </defs>
      {gaps.map((gap) => {
        const x0 = gap[0].x0, x1 = gap[gap.length - 1].x1;
        return (
          <rect
            class="gap"
            x={percent(x0)}
            y={percent(PLOT_TOP)}
            width={percent(x1 - x0)}
            height={percent(PLOT_HEIGHT)}
          />
        );
      })}
      {rates.map((rate) => <line class="grid" x1="0" x2="100%" y1={height(rate, shape)} y2={height(rate, shape)} />)}
      <svg
        x="0"
        y={percent(PLOT_TOP)}
        width="100%"
        height={percent(PLOT_HEIGHT)}
        viewBox={`0 0 ${UNITS} ${UNITS}`}
        preserveAspectRatio="none"
      >
        {runs.map((run) => <path class="area" d={`${outline(run, shape)}V${UNITS}H${unit(run[0].x0)}Z`} />)}
        {runs.map((run) => <path class="curve" d={outline(run, shape)} vector-effect="non-scaling-stroke" />)}
      </svg>
      <line class="base" x1="0" x2="100%" y1={percent(PLOT_FOOT)} y2={percent(PLOT_FOOT)} />
      {steps.map((step) => step.incomplete && step.count !== null && <Incomplete step={step} shape={shape} />)}
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
            {axisTime(timeS, stepS)}
          </text>
        </>
      ))}
      {steps.map((step) => (
        <rect
          class="hover"
          x={percent(step.x0)}
          y={percent(PLOT_TOP)}
          width={percent(step.x1 - step.x0)}
          height={percent(PLOT_HEIGHT)}
        >
          <title>{stepTitle(step)}</title>
        </rect>
      ))}
    </svg>
  );
}

/** The newest step while its span has not passed: hatched, its rate that of the part that has. */
function Incomplete({ step, shape }: { readonly step: Step; readonly shape: TrendShape }): VNode {
  const y = height(step.rate, shape);
  return (
    <>
      <rect
        class="hatched"
        x={percent(step.x0)}
        y={y}
        width={percent(step.x1 - step.x0)}
        height={percent(PLOT_HEIGHT * step.rate / shape.top)}
        fill="url(#hatch)"
      />
      <line class="unfinished" x1={percent(step.x0)} x2={percent(step.x1)} y1={y} y2={y} />
    </>
  );
}

/** The top of a run of steps, from its left to its right end, as an SVG path. */
function outline(run: readonly Step[], { top }: TrendShape): string {
  let path = `M${unit(run[0].x0)} ${unit(1 - run[0].rate / top)}`;
  for (const { x1, rate } of run) path += `V${unit(1 - rate / top)}H${unit(x1)}`;
  return path;
}

function stepTitle({ startS, endS, count, rate, incomplete }: Step): string {
  const span = `${utcDateTime(startS)} to ${utcTime(endS)} UTC`;
  if (count === null) return `${span}: not known`;
  return `${span}: ${counted(count, "request")}, ${rateText(rate)}/s${incomplete ? ", incomplete" : ""}`;
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
  return Math.round(part * UNITS * 100) / 100;
}
