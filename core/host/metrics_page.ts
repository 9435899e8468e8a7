/**
 * A page of metrics in the text format of Prometheus, version 0.0.4. Each role has a table of what it shows (`Metric`):
 * names, types, help and labels stand there and nowhere else, and the guide's tables are held to them.
 *
 * What is not known is left out, never told as 0.
 */
import type { Histogram } from "@/core/histogram.ts";

/** A family of series. */
export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence. */
  readonly help: string;
  readonly labels: readonly string[];
}

/** What a histogram shows: `Histogram`, or what is kept otherwise. */
export type HistogramState = Pick<Histogram, "bounds" | "counts" | "sum">;

/** Media type of the page. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function counter(name: string, help: string, ...labels: readonly string[]): Metric {
  return { name, type: "counter", help, labels };
}

export function gauge(name: string, help: string, ...labels: readonly string[]): Metric {
  return { name, type: "gauge", help, labels };
}

export function histogram(name: string, help: string, ...labels: readonly string[]): Metric {
  return { name, type: "histogram", help, labels };
}

/** Families in the order in which they are first named; below each all of its series. */
export class MetricsPage {
  readonly #families = new Map<Metric, string[]>();

  /** @param texts of the metric's labels, in their order. */
  add(metric: Metric, value: number, ...texts: readonly string[]): void {
    this.#lines(metric).push(`${metric.name}${labelled(metric.labels, texts)} ${value}`);
  }

  /** One histogram: its buckets, which add up, then sum and count. */
  addHistogram(metric: Metric, { bounds, counts, sum }: HistogramState, ...texts: readonly string[]): void {
    const lines = this.#lines(metric), { name } = metric, own = labelsText(metric.labels, texts);
    const open = `${name}_bucket{${own}${own === "" ? "" : ","}le="`;
    let below = 0;
    for (let at = 0; at < bounds.length; at++) lines.push(`${open}${bounds[at]}"} ${below += counts[at]}`);
    below += counts[bounds.length];
    const shown = own === "" ? "" : `{${own}}`;
    lines.push(`${open}+Inf"} ${below}`, `${name}_sum${shown} ${sum}`, `${name}_count${shown} ${below}`);
  }

  text(): string {
    return [...this.#families.values()].map((lines) => lines.join("\n") + "\n").join("");
  }

  #lines(metric: Metric): string[] {
    let lines = this.#families.get(metric);
    if (lines === undefined) {
      lines = [`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.type}`];
      this.#families.set(metric, lines);
    }
    return lines;
  }
}

function labelled(labels: readonly string[], texts: readonly string[]): string {
  return labels.length === 0 ? "" : `{${labelsText(labels, texts)}}`;
}

function labelsText(labels: readonly string[], texts: readonly string[]): string {
  return labels.map((label, at) => `${label}="${escaped(texts[at])}"`).join(",");
}

function escaped(text: string): string {
  return /[\\"\n]/.test(text) ? text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n") : text;
}
