/** The small drawings of a row: its trend, and how its requests went. Plain SVG; what they show is in their titles. */
// deno-lint-ignore-file jsx-key -- keys guide updates; a page is drawn once and never updated
import type { VNode } from "preact";
import type { SeriesFrame } from "@/core/answer.ts";
import { rateText, shareText } from "./numbers.ts";
import { BANDS, bandsOf } from "./trend_shape.ts";

/** Units of the drawings. */
const SPARK_WIDTH = 100, SPARK_HEIGHT = 20, MIX_WIDTH = 100;

/** Where the curve ends above and below, so that its line is not cut. */
const SPARK_TOP = 2, SPARK_FOOT = 18;

/** Requests per second over the window, from nothing to the most of this row. Points that are not known are holes. */
export function Spark(
  { counts, frame }: { readonly counts: ArrayLike<number>; readonly frame: SeriesFrame },
): VNode {
  const { path, most, last } = sparkPath(counts, frame);
  return (
    <svg class="spark" viewBox={`0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`} preserveAspectRatio="none" role="img">
      <title>{`at most ${rateText(most)}/s, at the end ${rateText(last)}/s`}</title>
      <path d={path} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

function sparkPath(
  counts: ArrayLike<number>,
  { secondsKnown }: SeriesFrame,
): { readonly path: string; readonly most: number; readonly last: number } {
  let most = 0, last = 0;
  const { length } = secondsKnown,
    rates = secondsKnown.map((seconds, i) => seconds > 0 ? (counts[i] ?? 0) / seconds : -1);
  for (const rate of rates) {
    if (rate > most) most = rate;
    if (rate >= 0) last = rate;
  }
  let path = "", isOpen = false, lastX = 0, lastY = 0;
  rates.forEach((rate, i) => {
    if (rate < 0) {
      isOpen = false;
      return;
    }
    const x = length < 2 ? 0 : Math.round(SPARK_WIDTH * i / (length - 1));
    const y = Math.round(most > 0 ? SPARK_FOOT - (SPARK_FOOT - SPARK_TOP) * rate / most : SPARK_FOOT);
    path += isOpen ? `l${x - lastX} ${y - lastY}` : `M${x} ${y}h0`;
    [isOpen, lastX, lastY] = [true, x, y];
  });
  return { path, most, last };
}

/** How the requests divide among classes of status, as one bar; what has no class is a gap in it. */
export function Mix({ count, byStatus }: { readonly count: number; readonly byStatus: ArrayLike<number> }): VNode {
  const bands = bandsOf(count, byStatus), sum = bands.reduce((all, band) => all + band, 0);
  if (sum <= 0) return <svg class="mix" aria-hidden="true" />;
  const named = bands.flatMap((part, band) => part > 0 ? `${BANDS[band]} ${shareText(part, sum)} %` : []).join(", ");
  let end = 0;
  return (
    <svg class="mix" viewBox={`0 0 ${MIX_WIDTH} 1`} preserveAspectRatio="none" role="img">
      <title>{named}</title>
      {bands.map((part, band) => {
        const x = end, width = Math.round(1000 * part / sum) / 10;
        end = Math.round(10 * (end + width)) / 10;
        return width > 0 && <rect class={`b${band}`} x={x} width={Math.min(width, MIX_WIDTH - x)} height="1" />;
      })}
    </svg>
  );
}
