/**
 * The questions that both are asked: a filter in our language and the same in SQL.
 */
import type { DimensionName } from "@/core/dimensions.ts";

export interface Question {
  readonly filter: string;
  readonly where: string;
  readonly groupBy: DimensionName;
}

const GROUPED: readonly DimensionName[] = ["website", "prefix", "uri", "status", "method", "asn"];

const FILTERS: readonly { readonly filter: string; readonly where: string }[] = [
  { filter: "", where: "" },
  { filter: "website=www.customer-3.example", where: "website = 'www.customer-3.example'" },
  { filter: "status>=400", where: "status_number >= 400" },
  { filter: "method=GET", where: "method = 'GET'" },
  { filter: "prefix=40.0.0.0/8", where: "address BETWEEN 671088640 AND 687865855" },
  { filter: "status>=400 AND method=GET", where: "status_number >= 400 AND method = 'GET'" },
  {
    filter: "status=429 OR website=www.customer-3.example",
    where: "status = '429' OR website = 'www.customer-3.example'",
  },
];

export const QUESTIONS: readonly Question[] = FILTERS.flatMap((filter) =>
  GROUPED.map((groupBy) => ({ ...filter, groupBy }))
);

const REGEXES: readonly string[] = ["^/api/", "item.*[0-9]5\\.html$", "orders/abc|wp-login", "\\.(jpg|html)$"];

/** Regular expressions on URIs; the same syntax (RE2) on both sides. */
export const REGEX_QUESTIONS: readonly Question[] = REGEXES.flatMap((regex) => {
  const filter = `uri~="${regex.replaceAll("\\", "\\\\")}"`, where = `regexp_matches(uri::VARCHAR, '${regex}')`;
  return [{ filter, where, groupBy: "website" }, { filter, where, groupBy: "uri" }];
});

/** The question in SQL, with requests alone or with every measure that our answer carries. */
export function sqlOf({ where, groupBy }: Pick<Question, "where" | "groupBy">, n: number, all: boolean): string {
  const measures = all ? ", sum(bytes), sum(time_sum), max(time_max)" : "";
  return `SELECT ${groupBy}, sum(requests) AS most${measures} FROM requests_of ${
    where === "" ? "" : `WHERE ${where}`
  } GROUP BY ${groupBy} ORDER BY most DESC, ${groupBy} LIMIT ${n + 1}`;
}
