/** Counts per dimension and value: what was sent, what a log says, what an answer says, and how they differ. */

/** Dimensions the tests compare, by the names of flags, URLs and JSON. */
export const TALLIED = ["website", "prefix", "uri", "status", "method", "asn", "tor"] as const;

export type Tallied = typeof TALLIED[number];

/** What is counted of one request: a label for each dimension, as answers show it. */
export type Labels = Readonly<Record<Tallied, string>>;

/** Requests by label. */
export type Counts = Map<string, number>;

/** Requests by dimension and label. */
export class Tally {
  total = 0;
  readonly by: Readonly<Record<Tallied, Counts>> = {
    website: new Map(),
    prefix: new Map(),
    uri: new Map(),
    status: new Map(),
    method: new Map(),
    asn: new Map(),
    tor: new Map(),
  };
  /** Every request, so that filtered answers can be checked too. */
  readonly requests: Labels[] = [];

  add(labels: Labels): void {
    this.total++;
    this.requests.push(labels);
    for (const dimension of TALLIED) increment(this.by[dimension], labels[dimension]);
  }

  addAll(requests: Iterable<Labels>): void {
    for (const labels of requests) this.add(labels);
  }

  /** The tally of those requests that have all these labels. */
  where(filter: Partial<Labels>): Tally {
    const matching = new Tally();
    for (const labels of this.requests) {
      if (TALLIED.every((dimension) => filter[dimension] === undefined || labels[dimension] === filter[dimension])) {
        matching.add(labels);
      }
    }
    return matching;
  }
}

/** Lines that say where two counts differ; empty when they are equal. */
export function differences(expected: Counts, actual: Counts, linesMax = 8): readonly string[] {
  const lines: string[] = [];
  for (const label of new Set([...expected.keys(), ...actual.keys()])) {
    const want = expected.get(label) ?? 0;
    const got = actual.get(label) ?? 0;
    if (want !== got) lines.push(`${JSON.stringify(label.slice(0, 100))}: expected ${want}, got ${got}`);
  }
  return lines.length > linesMax ? [...lines.slice(0, linesMax), `and ${lines.length - linesMax} more`] : lines;
}

/** The same for two tallies, over every dimension. */
export function tallyDifferences(expected: Tally, actual: Tally): readonly string[] {
  const lines = expected.total === actual.total ? [] : [`total: expected ${expected.total}, got ${actual.total}`];
  for (const dimension of TALLIED) {
    for (const line of differences(expected.by[dimension], actual.by[dimension])) lines.push(`${dimension} ${line}`);
  }
  return lines;
}

export function increment(counts: Counts, label: string, by = 1): void {
  counts.set(label, (counts.get(label) ?? 0) + by);
}
