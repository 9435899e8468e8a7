/** A collector's page of metrics, read as a scraper does. */

/** Values by name, and labels as they are written: `logtail_collector_input_up{input="udp://:9514"}`. */
export async function readMetrics(port: number): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const at = line.lastIndexOf(" ");
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}

/** Lines counted of an input that is no file, named as the flag has it. */
export function countedOf(metrics: ReadonlyMap<string, number>, input: string): number | undefined {
  return metrics.get(`logtail_collector_input_lines_counted_total{input="${input}"}`);
}
