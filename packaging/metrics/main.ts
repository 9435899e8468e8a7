/** Writes docs/metrics.md from the tables of all roles: `deno task metrics`. */
import { fromFileUrl } from "@std/path";
import { metricPage } from "./metric_page.ts";

if (import.meta.main) {
  Deno.writeTextFileSync(fromFileUrl(new URL("../../docs/metrics.md", import.meta.url)), metricPage());
}
