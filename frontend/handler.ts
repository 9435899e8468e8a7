/**
 * The dashboard as a function from request to response. It reads nothing but its arguments: clock, clients and log are
 * given, so that tests hold every response still.
 */
import { csvOf } from "@/core/host/answer_csv.ts";
import { jsonLine } from "@/core/host/json_text.ts";
import type { Clock } from "@/core/host/clock.ts";
import type { Log } from "@/core/host/log.ts";
import type { RegexEngine } from "@/core/filter_match.ts";
import type { Client } from "@/proto/client.ts";
import { askBoth, askFleet, type Problem } from "./answers.ts";
import { ClientRate } from "./client_rate.ts";
import { fleetJson, jsonOf } from "./json.ts";
import { LastGood } from "./last_good.ts";
import { isCanonical, linkTo, type PageName, URL_CHARS_MAX } from "./links.ts";
import { isoTime } from "./numbers.ts";
import { renderPage } from "./page.tsx";
import type { PasswordGate } from "./password_gate.ts";
import { RecentAnswers } from "./recent_answers.ts";
import { RecentPages } from "./recent_pages.ts";
import { type Defaults, type Mistake, type PageRequest, type PageState, readRequest } from "./request.ts";
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
  /** Requests a second that one client may make, on average; 0 for any number. */
  readonly clientRate: number;
  /** Who may see anything; undefined lets everybody. */
  readonly passwords?: PasswordGate;
}

/** Answers one request; `client` is the address that it came from. Always resolves. */
export type Handler = (request: Request, client: string) => Promise<Response>;

/** What a site remembers between requests: a bounded number of answers, all of which can be asked again. */
interface Memory {
  readonly recent: RecentAnswers;
  readonly lastGood: LastGood;
  readonly pages: RecentPages;
}

export function createHandler(site: Site): Handler {
  const nowMs = (): number => site.clock.monotonicMs();
  const memory: Memory = { recent: new RecentAnswers(nowMs), lastGood: new LastGood(), pages: new RecentPages() };
  const rate = new ClientRate(site.clientRate, nowMs);
  let waiting = 0;
  return async (request, client) => {
    if (!rate.allows(client)) {
      return secured(request, plain(429, "Cannot answer: you ask too often; wait a second", { "retry-after": "1" }));
    }
    if (waiting >= REQUESTS_MAX) {
      return secured(
        request,
        plain(503, "Cannot answer: too many requests at once; try again", { "retry-after": "2" }),
      );
    }
    waiting++;
    try {
      const refused = await site.passwords?.refusal(request.headers.get("authorization"), client);
      return secured(request, refused === undefined ? await respond(site, memory, request) : refusal(refused));
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

function refusal(why: "unknown" | "too often"): Response {
  return why === "unknown"
    ? plain(401, "Cannot answer: name and password are needed", {
      "www-authenticate": 'Basic realm="nginx-logtail", charset="UTF-8"',
    })
    : plain(429, "Cannot answer: too many wrong passwords; wait ten seconds", { "retry-after": "10" });
}

async function respond(site: Site, memory: Memory, request: Request): Promise<Response> {
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
      return await respondWithPage(site, memory, "traffic", url?.searchParams ?? new URLSearchParams());
    case "/targets":
      return await respondWithPage(site, memory, "fleet", url?.searchParams ?? new URLSearchParams());
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

async function respondWithPage(site: Site, memory: Memory, page: PageName, search: URLSearchParams): Promise<Response> {
  const asked = readRequest(search, site, site.regex), { state } = asked;
  if (asked.mistakes.length === 0 && state.format === "page" && !isCanonical(search, state, site)) {
    return plain(303, "See the address that this one stands for", { location: linkTo(state, site, {}, page) });
  }
  const startMs = site.clock.monotonicMs();
  const outcome = await outcomeOf(site, memory, page, asked);
  if (state.format !== "page") return writtenAs(site, state, outcome);
  const tookMs = site.clock.monotonicMs() - startMs;
  const nowS = site.clock.nowS(), { typed } = asked;
  const view: View = { page, state, defaults: site, typed, nowS, tookMs, outcome };
  const draw = (): string => renderPage(view, STYLE_URL);
  const html = outcome.kind === "answers"
    ? memory.pages.page(linkTo(state, site, {}, page), outcome.answers, nowS, draw)
    : draw();
  return written(statusOf(outcome), html, "text/html; charset=utf-8");
}

function statusOf(outcome: Outcome): number {
  return outcome.kind === "mistakes" ? 400 : outcome.kind === "problem" ? outcome.problem.status : 200;
}

/** The answer as JSON or CSV. */
function writtenAs(site: Site, state: PageState, outcome: Outcome): Response {
  const status = statusOf(outcome), isCsv = state.format === "csv";
  if (outcome.kind === "mistakes" || outcome.kind === "problem") {
    const error = outcome.kind === "mistakes" ? mistakesText(outcome.mistakes) : problemText(outcome.problem);
    return isCsv ? plain(status, error) : written(status, jsonLine({ error }), JSON_TYPE);
  }
  if (outcome.kind === "fleet") {
    if (isCsv) return plain(400, "Cannot write the fleet as CSV; use raw=1");
    return written(200, fleetJson(outcome.fleet, state.target || site.target), JSON_TYPE);
  }
  if (!isCsv) return written(200, jsonOf(outcome.answers, state.target || site.target), JSON_TYPE);
  const { groupBy, window, toS } = outcome.answers.topN;
  const name = `logtail-${groupBy}-${window}-${isoTime(toS).replace(/[-:]/g, "")}.csv`;
  const disposition = { "content-disposition": `attachment; filename="${name}"` };
  return written(200, csvOf(outcome.answers.topN), "text/csv; charset=utf-8", disposition);
}

const JSON_TYPE = "application/json; charset=utf-8";

async function outcomeOf(
  site: Site,
  { recent, lastGood }: Memory,
  page: PageName,
  { state, filter, mistakes }: PageRequest,
): Promise<Outcome> {
  if (mistakes.length > 0) return { kind: "mistakes", mistakes };
  // The fleet is that of whoever answers: of one source through its target, it is the target's.
  const chosen = await chooseTarget(state.target, filter, site);
  const name = linkTo({ ...state, refreshS: site.refreshS, table: false }, site, {}, page);
  if ("problem" in chosen) return silent(site, lastGood, site.target, name, chosen.problem);
  const { client, address } = chosen;
  if (page === "fleet") {
    const fleet = await askFleet(recent, client, address);
    return "problem" in fleet ? silent(site, lastGood, address, name, fleet.problem) : { kind: "fleet", fleet };
  }
  const answers = await askBoth(recent, client, address, state, chosen.filter);
  if ("problem" in answers) return silent(site, lastGood, address, name, answers.problem);
  lastGood.answered(address, name, answers);
  return { kind: "answers", answers };
}

/** A problem that may pass, with what is known of the time before it. */
function silent(site: Site, lastGood: LastGood, address: string, name: string, problem: Problem): Outcome {
  if (!problem.passing) return { kind: "problem", problem };
  return { kind: "problem", problem: { ...problem, silence: lastGood.silent(address, name, site.clock.nowS()) } };
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
