/**
 * DuckDB, loaded when it is asked for. It is not among the imports of deno.json, since whoever starts any role would
 * download its 140 MB; the task that measures names the package and its version.
 */

/** The part of `@duckdb/node-api` that is used here. */
export interface DuckDBConnection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<{ getRows(): unknown[][] }>;
  createAppender(table: string): Promise<{ appendDataChunk(chunk: DataChunk): void; closeSync(): void }>;
}

/** Some rows on their way into a table. */
interface DataChunk {
  setColumns(columns: readonly (readonly Cell[])[]): void;
}

export type Cell = number | bigint | string | null;

interface Package {
  readonly DuckDBInstance: {
    create(path: string, options: Readonly<Record<string, string>>): Promise<{ connect(): Promise<DuckDBConnection> }>;
  };
  readonly DuckDBDataChunk: { create(types: readonly unknown[], rows: number): DataChunk };
  readonly version: () => string;
  readonly INTEGER: unknown;
  readonly UINTEGER: unknown;
  readonly BIGINT: unknown;
  readonly VARCHAR: unknown;
}

/** An empty database in memory that uses one thread. */
export interface DuckDB {
  readonly version: string;
  readonly connection: DuckDBConnection;
  chunk(
    types: readonly ("INTEGER" | "UINTEGER" | "BIGINT" | "VARCHAR")[],
    columns: readonly (readonly Cell[])[],
  ): DataChunk;
}

/** @param specifier of the package, with its version: `npm:@duckdb/node-api@…` */
export async function openDuckDB(specifier: string): Promise<DuckDB> {
  const duckdb: Package = await import(specifier);
  const instance = await duckdb.DuckDBInstance.create(":memory:", { threads: "1" });
  return {
    version: duckdb.version(),
    connection: await instance.connect(),
    chunk: (types, columns) => {
      const chunk = duckdb.DuckDBDataChunk.create(types.map((type) => duckdb[type]), columns[0].length);
      chunk.setColumns(columns);
      return chunk;
    },
  };
}
