/** What histograms cost a line: batches of 200 websites, on a fixed seed. */
import { BATCH_LINES } from "./bounds.ts";
import { DIMENSION_COUNT, TAG, WEBSITE } from "./dimensions.ts";
import { InternTable } from "./intern.ts";
import { BYTES_CELLS, CELLS, LineSpread } from "./line_spread.ts";
import { BYTES, MEASURE_COUNT, TIME_SUM } from "./measures.ts";
import { randomFrom } from "./test_lines.ts";

const LINES = 8 * BATCH_LINES, WEBSITES = 200, ROUNDS = 100;

const dictionaries = Array.from({ length: DIMENSION_COUNT }, () => new InternTable(7)), random = randomFrom(3);
for (let website = 0; website < WEBSITES; website++) {
  const name = new TextEncoder().encode(`site-${website}.example`);
  dictionaries[WEBSITE].intern(name, 0, name.length);
}
dictionaries[TAG].intern(new Uint8Array(0), 0, 0);
const ids = new Int32Array(LINES * DIMENSION_COUNT), values = new Float64Array(LINES * MEASURE_COUNT);
for (let line = 0; line < LINES; line++) {
  ids[line * DIMENSION_COUNT + WEBSITE] = 1 + Math.floor(WEBSITES * random() ** 4);
  ids[line * DIMENSION_COUNT + TAG] = 1;
  values[line * MEASURE_COUNT + BYTES] = Math.floor(100_000 * random());
  values[line * MEASURE_COUNT + TIME_SUM] = Math.floor(2000 * random() ** 4);
}

function add(spread: LineSpread): void {
  for (let from = 0; from < LINES; from += BATCH_LINES) spread.add(dictionaries, ids, values, from, from + BATCH_LINES);
}

const checked = new LineSpread(1);
add(checked);
const counts = checked.take().counts.filter((_, cell) => cell % CELLS < BYTES_CELLS);
const counted = counts.reduce((sum, count) => sum + count, 0);
if (counted !== LINES) throw new Error(`Cannot measure: ${counted} of ${LINES} lines are in histograms`);

Deno.bench(`how bytes and times of ${ROUNDS * LINES} lines are spread`, () => {
  const spread = new LineSpread(1);
  for (let round = 0; round < ROUNDS; round++) add(spread);
});
