/**
 * Numbers, sizes and times as a page writes them. Thin spaces group digits; times are UTC and the caller marks them so.
 *
 * A sum that has reached the largest exact integer can be more, and says so: `≥`.
 */
import { isSaturated } from "@/core/answer.ts";

/** Between groups of three digits, and between a number and its unit: narrow, and never a line break. */
const THIN = "\u202f";

/** `4 812 331`, with thin spaces. */
export function grouped(value: number): string {
  return atLeast(value) + String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** `15k`, `1.5M`: for axes and hints, where room is short. At most three digits that matter. */
export function compact(value: number): string {
  if (value < 1000) return trimmed(value);
  const power = Math.min(Math.floor(Math.log10(value) / 3), 5);
  return `${trimmed(value / 1000 ** power)}${["", "k", "M", "G", "T", "P"][power]}`;
}

/** `1.1 GB`; powers of 1000, as operators bill traffic. */
export function bytesText(bytes: number): string {
  let unit = 0, value = bytes;
  while (value >= 999.5 && unit < 6) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${atLeast(bytes)}${value.toFixed(digits)}${THIN}${["B", "kB", "MB", "GB", "TB", "PB", "EB"][unit]}`;
}

/** A long time, from milliseconds: `212 ms`, `4.1 s`, `12 min`, `3.5 h`, `2.1 d`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}${THIN}ms`;
  const units: readonly (readonly [number, string])[] = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [
    1000,
    "s",
  ]];
  const [length, unit] = units.find(([length]) => ms >= length) ?? [1000, "s"];
  return `${atLeast(ms)}${(ms / length).toFixed(ms / length >= 99.95 ? 0 : 1)}${THIN}${unit}`;
}

/** Milliseconds without their unit: one decimal below ten. `–` when there is nothing to average. */
export function msText(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  return ms > 0 && ms < 9.95 ? ms.toFixed(1) : grouped(ms);
}

/** Something per second: `1 337`, `33.4`, `0.25`, `<0.01`. */
export function rateText(perS: number): string {
  if (perS === 0) return "0";
  if (perS < 0.01) return "<0.01";
  return perS >= 99.95 ? grouped(perS) : perS >= 9.995 ? perS.toFixed(1) : perS.toFixed(2);
}

/** Per cent of a whole without the sign: `61.0`, `<0.1`. */
export function shareText(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0.0";
  const share = 100 * part / whole;
  return share < 0.05 ? "<0.1" : share < 100 && share >= 99.95 ? "99.9" : share.toFixed(share === 100 ? 0 : 1);
}

/** `15:04:50`, UTC. */
export function utcTime(timeS: number): string {
  return isoTime(timeS).slice(11, 19);
}

/** `2026-11-21 15:04:50`, UTC. */
export function utcDateTime(timeS: number): string {
  return isoTime(timeS).slice(0, 19).replace("T", " ");
}

/** `2026-11-21T15:04:50Z`. Whole seconds; a time that no calendar holds is written as 1970. */
export function isoTime(timeS: number): string {
  const ms = Math.floor(timeS) * 1000;
  return `${new Date(Math.abs(ms) <= 8.64e15 ? ms : 0).toISOString().slice(0, -5)}Z`;
}

/** Seconds as people say them: `4 s`, `2 min 10 s`, `3 h 5 min`, `2 d 4 h`. */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const units: readonly (readonly [number, string])[] = [[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const at = units.findIndex(([length]) => whole >= length);
  if (at < 0) return `0${THIN}s`;
  const parts = units.slice(at, at + 2).map(([length, unit], i) => {
    const count = Math.floor(i === 0 ? whole / length : (whole % units[at][0]) / length);
    return count === 0 ? "" : `${count}${THIN}${unit}`;
  });
  return parts.filter((part) => part !== "").join(" ");
}

/** `1 source`, `2 sources`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function atLeast(value: number): string {
  return isSaturated(value) ? `≥${THIN}` : "";
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)));
}
