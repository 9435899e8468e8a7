import { DuckDBInstance } from "@duckdb/node-api";
import { deserialize } from "node:v8";
import { fillTable } from "@/cli/compare/duckdb/table.ts";
import { QUESTIONS, REGEXES } from "@/cli/compare/duckdb/questions.ts";
import { SideBySide } from "@/cli/compare/duckdb/side_by_side.ts";
import { linearRegex } from "@/core/host/regex.ts";
const [file, rounds, pick] = Deno.args;
const buckets = deserialize(Deno.readFileSync(file)) as any;
const i = await DuckDBInstance.create(":memory:", { threads: "1" });
const c = await i.connect();
const t0 = performance.now();
await fillTable(c, buckets);
console.log("fill", performance.now() - t0);
const s = new SideBySide(c, buckets, linearRegex, Number(rounds));
const f = (x: number) => x.toFixed(1).padStart(7);
const qs = [...QUESTIONS, ...REGEXES.flatMap((r) => [{ filter: `uri~="${r.replaceAll("\\", "\\\\")}"`, where: `regexp_matches(uri::varchar, '${r}')`, groupBy: "website" as const }])];
console.log("question".padEnd(50), "  first   ours   duck  duckreq | duck/ours req/ours");
for (const q of qs) {
  if (pick && !`${q.filter} by ${q.groupBy}`.includes(pick)) continue;
  const r = await s.ask(q);
  console.log(r.name.padEnd(50), f(r.first), f(r.ours), f(r.theirs), f(r.requestsOnly), "|", (r.theirs / r.ours).toFixed(2), (r.requestsOnly / r.ours).toFixed(2), r.difference ?? "");
}
