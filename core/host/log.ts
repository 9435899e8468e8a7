/**
 * What an operator reads on stderr: one line per event, safe to print on a terminal whatever the traffic contained.
 *
 * `2026-11-21T04:52:56Z info collector: following a log path=/var/log/nginx/access.log from=end`
 */
import { LOG_LINE_CHARS_MAX, RATE_KEYS_MAX, SAMPLE_BYTES_MAX } from "@/core/bounds.ts";
import { type PRIORITIES, withPriority } from "./journal.ts";
import { jsonLine } from "./json_text.ts";

/** Named values of one event; the order is kept. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

export interface Log {
  info(text: string, facts?: Facts): void;
  warn(text: string, facts?: Facts): void;
  error(text: string, facts?: Facts): void;
}

/** How an event is written. */
export interface LogStyle {
  readonly format: "text" | "json";
  /** Whether the journal reads it: a line then begins with its priority, as sd-daemon(3) has it. */
  readonly toJournal: boolean;
}

const PLAIN: LogStyle = { format: "text", toJournal: false };

/** A role's log on stderr, in another style than the usual one. */
export function openStyledLog(role: string, style?: LogStyle, write?: (line: string) => void, now?: () => number): Log {
  return openLog(role, write, now, style);
}

/**
 * A log for one role.
 *
 * @param role shown after the level, such as `collector`.
 * @param write takes one line without its newline; stderr when absent. It must not throw.
 * @param now milliseconds since 1970; the wall clock when absent, since a log is compared with other logs.
 */
export function openLog(
  role: string,
  write: (line: string) => void = writeStderr,
  now: () => number = Date.now,
  { format, toJournal }: LogStyle = PLAIN,
): Log {
  const lineOf = format === "json" ? jsonLogLine : formatLogLine;
  const at = (level: keyof typeof PRIORITIES) => (text: string, facts?: Facts): void => {
    const line = lineOf(now(), level, role, text, facts);
    write(toJournal ? withPriority(level, line) : line);
  };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

/** One line without its newline. Never throws; control and invisible characters are shown as escapes. */
export function formatLogLine(nowMs: number, level: string, role: string, text: string, facts: Facts = {}): string {
  let line = `${utcSecond(nowMs)} ${level} ${role}: ${escapeText(text)}`;
  for (const [key, value] of Object.entries(facts)) line += ` ${escapeText(key)}=${factText(value)}`;
  return line.length > LOG_LINE_CHARS_MAX ? line.slice(0, LOG_LINE_CHARS_MAX - 1) + "…" : line;
}

/**
 * The same as one JSON object: `time`, `level`, `role`, `message`, then the facts. Texts that make it longer than a line may be
 * are cut, longest first.
 */
export function jsonLogLine(nowMs: number, level: string, role: string, text: string, facts: Facts = {}): string {
  const own = { time: utcSecond(nowMs), level, role };
  for (let charsMax = LOG_LINE_CHARS_MAX; charsMax >= 1; charsMax = Math.floor(charsMax / 2)) {
    const cut = (value: Facts[string]): Facts[string] =>
      typeof value === "string" && value.length > charsMax ? `${value.slice(0, charsMax)}…` : value;
    const shown = Object.entries(facts).map((
      [key, value],
    ) => [key in own || key === "message" ? `_${key}` : key, cut(value)]);
    const line = jsonLine({ ...own, message: cut(text), ...Object.fromEntries(shown) }).trimEnd();
    if (line.length <= LOG_LINE_CHARS_MAX) return line;
  }
  return jsonLine({ ...own, message: "an event of too many facts" }).trimEnd();
}

/**
 * Text of hostile bytes for a log line: at most `SAMPLE_BYTES_MAX` of `bytes[start…end)`, invalid UTF-8 replaced.
 * Allocates: call it only once a limiter has let the sample through.
 */
export function sampleText(bytes: Uint8Array, start: number, end: number): string {
  const shown = Math.min(end, start + SAMPLE_BYTES_MAX);
  const text = new TextDecoder().decode(bytes.subarray(start, shown));
  return shown < end ? text + "…" : text;
}

/**
 * Logs bad traffic at most once a minute per key, with a sample, and says how many events it kept quiet about.
 *
 * The ledger, not the log, is where every event is counted: what was suppressed after the last line of a burst is
 * told with the next burst, or never.
 */
export class OncePerMinute {
  readonly #keys = new Map<string, { openAtS: number; suppressed: number }>();

  /** @param periodS seconds between two lines of one key. */
  constructor(readonly log: Log, readonly periodS = 60) {}

  /**
   * @param key what is limited, best from a closed list: a ledger reason, not a value from the traffic.
   * @param nowS the steady clock, seconds.
   * @param facts called only when the line is written, so that a flood costs no string.
   */
  warn(key: string, nowS: number, text: string, facts: () => Facts): void {
    const known = this.#keys.has(key) || this.#keys.size < RATE_KEYS_MAX ? key : "(other)";
    const state = this.#keys.get(known);
    if (state === undefined) {
      this.#keys.set(known, { openAtS: nowS + this.periodS, suppressed: 0 });
      this.log.warn(text, facts());
    } else if (nowS < state.openAtS && nowS >= state.openAtS - 2 * this.periodS) { // else the clock has gone back
      state.suppressed++;
    } else {
      this.log.warn(text, state.suppressed > 0 ? { ...facts(), suppressed: state.suppressed } : facts());
      state.openAtS = nowS + this.periodS;
      state.suppressed = 0;
    }
  }
}

/** `2026-11-21T04:52:56Z`; a time no calendar holds is shown as the epoch, since a log must never throw. */
function utcSecond(ms: number): string {
  const date = new Date(ms);
  return `${(Number.isNaN(date.getTime()) ? new Date(0) : date).toISOString().slice(0, 19)}Z`;
}

/** A bare word as it is; anything that would make `key=value` ambiguous in double quotes. */
function factText(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  if (/^[^\s"=\\]+$/u.test(value)) return escapeText(value);
  return `"${escapeText(value.replace(/["\\]/g, "\\$&"))}"`;
}

/**
 * Escapes what a terminal obeys or hides: control characters (ESC, C1), line and paragraph separators, format
 * characters (bidirectional overrides, zero width) and lone surrogates.
 */
function escapeText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

const encoder = new TextEncoder();

/** A closed or full stderr is no reason to stop counting: what cannot be written is given up. */
function writeStderr(line: string): void {
  let rest = encoder.encode(line + "\n");
  try {
    while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch {
    // Nowhere left to say it.
  }
}
