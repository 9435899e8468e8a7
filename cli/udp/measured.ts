/** Reading what was measured. */

/** A collector's page of metrics; undefined while it does not answer. */
export async function scrape(port: number): Promise<string | undefined> {
  try {
    return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  } catch {
    return undefined;
  }
}

/** A counter without labels; NaN when it is not on the page. */
export function counter(page: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(page)?.[1] ?? NaN);
}

/** The value below which this share of all lies: 0.5 is the median, 1 the largest. NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
