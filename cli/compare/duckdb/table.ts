/**
 * The rows of buckets as one table of DuckDB, in the form that suits it best: text as ENUM, which is a dictionary over the
 * whole table and lets it group by small integers; the status and the first address of an IPv4 prefix as numbers as well,
 * so that orders and containment are comparisons of integers; sums in the narrowest type. What was rolled up is NULL.
 */
import type { Bucket, Dictionary } from "@/core/bucket.ts";
import { DIMENSION_COUNT, DIMENSIONS, OTHER, PREFIX } from "@/core/dimensions.ts";
import { entryLabel } from "@/core/label.ts";
import { BYTES, MEASURE_COUNT, MEASURES } from "@/core/measures.ts";
import type { Cell, DuckDB } from "./duckdb.ts";

/** Rows of one chunk: DuckDB's own vector size. */
const CHUNK_ROWS = 2048;

/** Fills the table `requests_of`: a column a dimension and a measure, `status_number` and `address`. */
export async function fillTable(duckdb: DuckDB, buckets: readonly Bucket[]): Promise<void> {
  const { connection, chunk } = duckdb, codes = DIMENSIONS.map(() => new Map<string, number>());
  await connection.run(
    `CREATE TABLE codes_of (${DIMENSIONS.map(({ name }) => `${name} INTEGER`)}, address UINTEGER, ${
      MEASURES.map(({ name }) => `${name} BIGINT`)
    })`,
  );
  const types = [
    ...DIMENSIONS.map(() => "INTEGER" as const),
    "UINTEGER" as const,
    ...MEASURES.map(() => "BIGINT" as const),
  ];
  const appender = await connection.createAppender("codes_of");
  for (const bucket of buckets) {
    const columns = columnsOf(bucket, codes);
    for (let from = 0; from < bucket.rows; from += CHUNK_ROWS) {
      const to = Math.min(from + CHUNK_ROWS, bucket.rows);
      appender.appendDataChunk(chunk(types, columns.map((column) => column.slice(from, to))));
    }
  }
  appender.closeSync();
  for (let d = 0; d < DIMENSION_COUNT; d++) {
    await makeEnum(duckdb, DIMENSIONS[d].name, [...codes[d].keys()]);
  }
  await connection.run(`CREATE TABLE requests_of AS SELECT ${[
    ...DIMENSIONS.map(({ name }) => `${name}_texts.text::${name}_enum AS ${name}`),
    `TRY_CAST(status_texts.text AS USMALLINT) AS status_number`,
    "address",
    ...MEASURES.map(({ name }, m) => `${name}::${m === BYTES ? "UBIGINT" : "UINTEGER"} AS ${name}`),
  ]} FROM codes_of ${
    DIMENSIONS.map(({ name }) => `LEFT JOIN ${name}_texts ON codes_of.${name} = ${name}_texts.code`).join(" ")
  }`);
  await connection.run("DROP TABLE codes_of");
}

/** One list a column of the table, in its order; null for what was rolled up. */
function columnsOf(
  { rows, dictionaries, indexes, measures }: Bucket,
  codes: readonly Map<string, number>[],
): Cell[][] {
  const numbered = dictionaries.map((dictionary, d) => codesOf(dictionary, d, codes[d]));
  const addresses = addressesOf(dictionaries[PREFIX]);
  const each = <Value>(value: (row: number) => Value): Value[] => Array.from({ length: rows }, (_, row) => value(row));
  return [
    ...numbered.map((numbers, d) => each((row) => indexes[d][row] === OTHER ? null : numbers[indexes[d][row]])),
    each((row) => addresses[indexes[PREFIX][row]]),
    ...Array.from({ length: MEASURE_COUNT }, (_, m) => each((row) => BigInt(measures[m][row]))),
  ];
}

/** The number of each entry's label in the whole table. */
function codesOf(dictionary: Dictionary, d: number, codes: Map<string, number>): number[] {
  return Array.from({ length: dictionary.size }, (_, e) => {
    if (e === OTHER) return -1;
    const label = entryLabel(DIMENSIONS[d], entryOf(dictionary, e));
    const code = codes.get(label) ?? codes.size;
    codes.set(label, code);
    return code;
  });
}

/** The first address of each IPv4 prefix; null for others. */
function addressesOf(dictionary: Dictionary): (number | null)[] {
  return Array.from({ length: dictionary.size }, (_, e) => {
    const entry = entryOf(dictionary, e);
    if (entry[0] !== 4) return null;
    return [0, 1, 2, 3].reduce((address, i) => address * 256 + (entry[2 + i] ?? 0), 0);
  });
}

function entryOf({ bytes, offsets }: Dictionary, e: number): Uint8Array {
  return bytes.subarray(offsets[e], offsets[e + 1]);
}

async function makeEnum({ connection, chunk }: DuckDB, name: string, texts: readonly string[]): Promise<void> {
  await connection.run(`CREATE TABLE ${name}_texts (code INTEGER, text VARCHAR)`);
  const appender = await connection.createAppender(`${name}_texts`);
  for (let from = 0; from < texts.length; from += CHUNK_ROWS) {
    const some = texts.slice(from, from + CHUNK_ROWS);
    appender.appendDataChunk(chunk(["INTEGER", "VARCHAR"], [some.map((_, i) => from + i), some]));
  }
  appender.closeSync();
  await connection.run(`CREATE TYPE ${name}_enum AS ENUM (SELECT text FROM ${name}_texts ORDER BY code)`);
}
