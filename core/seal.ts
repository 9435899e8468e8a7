/**
 * Sealing: a table becomes an immutable bucket, cut to its caps, sorted, with columns as narrow as they fit.
 */
import { MEASURE_COUNT, REQUESTS, type Values } from "./measures.ts";
import { DIMENSION_COUNT, OTHER } from "./dimensions.ts";
import type { Ledger } from "./ledger.ts";
import type { Caps } from "./slices.ts";
import { type CounterTable, perDimension } from "./counter_table.ts";
import { fold, rollUp } from "./roll_up.ts";
import { type Bucket, type Dictionary, indexColumn, numberColumn } from "./bucket.ts";

/** Cuts the table to `caps` and makes a bucket of it. The table is used up: clear or drop it. */
export function seal(table: CounterTable, startS: number, lengthS: number, ledger: Ledger, caps: Caps): Bucket {
  for (let d = 0; d < DIMENSION_COUNT; d++) fold(table, d, caps.entriesMax, caps.entryBytesMax);
  rollUp(table, caps.rowsMax);
  const orders = perDimension((d) => entriesByRequests(table, d));
  const order = rowsByRequests(table);
  return {
    startS,
    lengthS,
    rows: order.length,
    dictionaries: orders.map((entries, d) => sealDictionary(table, d, entries)),
    indexes: orders.map((entries, d) => {
      const places = new Uint32Array(entries.length);
      entries.forEach((id, place) => places[id] = place);
      const column = indexColumn(order.length, entries.length);
      for (let r = 0; r < order.length; r++) column[r] = places[table.keys[order[r] * DIMENSION_COUNT + d]];
      return column;
    }),
    measures: measureColumns(table.values, order),
    totals: table.totals.slice() as Values,
    ledger,
  };
}

/** Ids in the order they get in the bucket: OTHER, then by requests. */
function entriesByRequests(table: CounterTable, d: number): Uint32Array {
  const marginals = table.marginals[d];
  const ids = Uint32Array.from({ length: table.dictionaries[d].size }, (_, id) => id);
  ids.subarray(OTHER + 1).sort((a, b) =>
    marginals[b * MEASURE_COUNT + REQUESTS] - marginals[a * MEASURE_COUNT + REQUESTS] || a - b
  );
  return ids;
}

function rowsByRequests(table: CounterTable): Uint32Array {
  const values = table.values;
  return Uint32Array.from({ length: table.rows }, (_, row) => row).sort((a, b) =>
    values[b * MEASURE_COUNT + REQUESTS] - values[a * MEASURE_COUNT + REQUESTS] || a - b
  );
}

function sealDictionary(table: CounterTable, d: number, entries: Uint32Array): Dictionary {
  const from = table.dictionaries[d];
  const offsets = new Uint32Array(entries.length + 1);
  for (let place = 1; place < entries.length; place++) {
    offsets[place + 1] = offsets[place] + from.entryLength(entries[place]);
  }
  const bytes = new Uint8Array(offsets[entries.length]);
  for (let place = 1; place < entries.length; place++) bytes.set(from.entry(entries[place]), offsets[place]);
  return {
    size: entries.length,
    offsets,
    bytes,
    marginals: measureColumns(table.marginals[d], entries),
    lostMax: table.lostMax[d].slice() as Values,
    foldedMax: table.foldedMax[d].slice() as Values,
  };
}

/** Per measure the column of `values[id * MEASURE_COUNT + m]` in the given order. */
function measureColumns(values: Float64Array, order: Uint32Array): Bucket["measures"] {
  const column = new Float64Array(order.length);
  return Array.from({ length: MEASURE_COUNT }, (_, m) => {
    for (let i = 0; i < order.length; i++) column[i] = values[order[i] * MEASURE_COUNT + m];
    return numberColumn(column);
  });
}
