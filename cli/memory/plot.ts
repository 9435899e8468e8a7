/** A line plot as SVG, for the documentation: no script, no style sheet, readable on light and on dark pages. */

export interface Curve {
  readonly name: string;
  /** Any CSS colour. */
  readonly colour: string;
  /** Points from left to right. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly curves: readonly Curve[];
}

const WIDTH = 720, HEIGHT = 320, LEFT = 64, RIGHT = 16, TOP = 40, BOTTOM = 48;

/** Axes begin at 0. */
export function plotSvg({ title, xLabel, yLabel, curves }: Plot): string {
  const xs = curves.flatMap(({ points }) => points.map(([x]) => x)),
    ys = curves.flatMap(({ points }) => points.map(([, y]) => y));
  const xStep = roundStep(Math.max(1, ...xs) / 8), yStep = roundStep(Math.max(1, ...ys) / 5);
  const xMax = Math.max(1, ...xs), yMax = yStep * Math.ceil(Math.max(1, ...ys) / yStep);
  const x = (value: number): string => (LEFT + (WIDTH - LEFT - RIGHT) * value / xMax).toFixed(1);
  const y = (value: number): string => (HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / yMax).toFixed(1);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#777">`,
    `<text x="${LEFT}" y="18" font-size="14">${escaped(title)}</text>`,
    ...steps(yMax, yStep).map((value) =>
      `<path d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}" stroke="#777" stroke-opacity="0.25"/>` +
      `<text x="${LEFT - 8}" y="${y(value)}" dy="4" text-anchor="end">${value}</text>`
    ),
    ...steps(xMax, xStep).map((value) =>
      `<text x="${x(value)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${value}</text>`
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escaped(xLabel)}</text>`,
    `<text transform="translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${
      escaped(yLabel)
    }</text>`,
    ...curves.map(({ name, colour, points }, i) => {
      const path = points.map(([px, py], p) => `${p === 0 ? "M" : "L"}${x(px)} ${y(py)}`).join("");
      return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>` +
        `<text x="${LEFT + 8 + 200 * i}" y="36" fill="${colour}">${escaped(name)}</text>`;
    }),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

function steps(max: number, step: number): number[] {
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => i * step);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
