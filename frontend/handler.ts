/**
 * The dashboard as a function from request to response. It reads nothing but its arguments: clock, clients and log are
 * given, so that tests hold every response still.
 */
import { jsonLine } from "@/core/host/json_text.ts";
import type { Clock } from "@/core/host/clock.ts";
import type { Log } from "@/core/host/log.ts";
import type { RegexEngine } from "@/core/filter_match.ts";
import type { Client } from "@/proto/client.ts";
import { askBoth, type Problem } from "./answers.ts";
import { csvOf } from "@/core/host/answer_csv.ts";
import { jsonOf } from "./json.ts";
import { URL_CHARS_MAX } from "./links.ts";
import { isoTime } from "./numbers.ts";
import { renderPage } from "./page.tsx";
import { type Defaults, type Mistake, type PageRequest, readRequest } from "./request.ts";
import css from "./style.css" with { type: "text" };
import { chooseTarget } from "./target.ts";
import type { Outcome, View } from "./view.ts";

/** Requests being answered at once. One more gets 503: a crowd must not become a queue of questions to the target. */
export const REQUESTS_MAX = 64;

/** What the dashboard needs from outside. */
export interface Site extends Defaults {
  readonly targetAllow: readonly string[];
  readonly clientFor: (address: string) => Client;
  readonly regex: RegexEngine;
  readonly clock: Clock;
  readonly log: Log;
}

/** Makes the handler of a site. It always resolves. */
export function createHandler(site: Site): (request: Request) => Promise<Response> {
  let waiting = 0;
  return async (request) => {
    if (waiting >= REQUESTS_MAX) {
      return secured(
        request,
        plain(503, "Cannot answer: too many requests at once; try again", { "retry-after": "2" }),
      );
    }
    waiting++;
    try {
      return secured(request, await respond(site, request));
    } catch (error) {
      site.log.error("cannot answer a request: a bug of ours", {
        error: String(error instanceof Error ? error.stack : error),
      });
      return secured(request, plain(500, "Cannot answer: a bug of ours; the log of the frontend has the details"));
    } finally {
      waiting--;
    }
  };
}

async function respond(site: Site, request: Request): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return plain(405, `Cannot ${request.method}: the dashboard only reads; use GET or HEAD`, { allow: "GET, HEAD" });
  }
  if (request.url.length > URL_CHARS_MAX) {
    return plain(414, `Cannot read this address: it is longer than ${URL_CHARS_MAX} characters; shorten the filters`);
  }
  const url = URL.parse(request.url);
  switch (url?.pathname) {
    case undefined:
      return plain(400, "Cannot read this address: it is no URL");
    case "/":
      return await respondWithAnswers(site, url?.searchParams ?? new URLSearchParams());
    case "/style.css":
      return fixed(css, "text/css; charset=utf-8");
    case "/favicon.svg":
      return fixed(FAVICON, "image/svg+xml");
    case "/healthz":
      return plain(200, "ok");
    default:
      return plain(404, "Cannot find this page: the dashboard is at /");
  }
}

async function respondWithAnswers(site: Site, search: URLSearchParams): Promise<Response> {
  const asked = readRequest(search, site, site.regex);
  const startMs = site.clock.monotonicMs();
  const outcome = await outcomeOf(site, asked);
  const { state } = asked;
  if (outcome.kind === "answers" && state.format === "json") {
    return written(200, jsonOf(outcome.answers, state.target || site.target), "application/json; charset=utf-8");
  }
  if (outcome.kind === "answers" && state.format === "csv") {
    const { groupBy, window, toS } = outcome.answers.topN;
    const name = `logtail-${groupBy}-${window}-${isoTime(toS).replace(/[-:]/g, "")}.csv`;
    const disposition = { "content-disposition": `attachment; filename="${name}"` };
    return written(200, csvOf(outcome.answers.topN), "text/csv; charset=utf-8", disposition);
  }
  const status = outcome.kind === "mistakes" ? 400 : outcome.kind === "problem" ? outcome.problem.status : 200;
  if (outcome.kind !== "answers" && state.format !== "page") {
    const error = outcome.kind === "mistakes" ? mistakesText(outcome.mistakes) : problemText(outcome.problem);
    return state.format === "csv"
      ? plain(status, error)
      : written(status, jsonLine({ error }), "application/json; charset=utf-8");
  }
  const typedQ = search.get("q") ?? "", tookMs = site.clock.monotonicMs() - startMs;
  const view: View = { state, defaults: site, typedQ, nowS: site.clock.nowS(), tookMs, outcome };
  return written(status, renderPage(view, STYLE_URL), "text/html; charset=utf-8");
}

async function outcomeOf(site: Site, { state, filter, mistakes }: PageRequest): Promise<Outcome> {
  if (mistakes.length > 0) return { kind: "mistakes", mistakes };
  const chosen = await chooseTarget(state.target, filter, site);
  if ("problem" in chosen) return { kind: "problem", problem: chosen.problem };
  const answers = await askBoth(chosen.client, chosen.address, state, chosen.filter);
  return "problem" in answers ? { kind: "problem", problem: answers.problem } : { kind: "answers", answers };
}

function mistakesText(mistakes: readonly Mistake[]): string {
  return mistakes.map(({ parameter, value, message }) => `${parameter}=${value}: ${message}`).join("; ");
}

function problemText({ reason, advice }: Problem): string {
  return [reason, ...advice].join(" ");
}

/** Nothing runs, nothing is loaded from elsewhere, nobody frames us, nobody learns our addresses. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** The response with the headers that all of them carry, and without a body when only the head was asked for. */
function secured(request: Request, response: Response): Response {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value);
  return request.method === "HEAD" ? new Response(null, response) : response;
}

function written(status: number, body: string, type: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(body, { status, headers: { "content-type": type, "cache-control": "no-store", ...headers } });
}

function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return written(status, `${text}\n`, "text/plain; charset=utf-8", headers);
}

/** Something that only changes with the program: its address carries a hash of it, so it may be kept for a year. */
function fixed(body: string, type: string): Response {
  return written(200, body, type, { "cache-control": "public, max-age=31536000, immutable" });
}

/** The style sheet's address changes with its content. FNV-1a: this tells versions apart, nothing more. */
const STYLE_URL = `./style.css?v=${fnv1a(css)}`;

function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

const FAVICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><rect width="20" height="20" rx="4" fill="#1f5fa8"/>' +
  '<path d="M3 15h3v-5h3v5h3V5h3v10h2" fill="none" stroke="#fff" stroke-width="2" stroke-linejoin="round"/></svg>\n';
