/**
 * The times that logs hold, told apart by their shape:
 *
 *   1700000000.123              $msec: seconds since 1970; 13 digits are milliseconds
 *   2023-11-14T22:13:20+00:00   $time_iso8601; also with a fraction, `Z`, or a blank for the T
 *   14/Nov/2023:22:13:20 +0000  $time_local
 *
 * A time without its offset from UTC is none: nobody could say when that was.
 */

const COLON = 58, DASH = 45, DOT = 46, PLUS = 43, SLASH = 47, SPACE = 32, ZERO = 48, LETTER_T = 84, LETTER_Z = 90;

/** Digits of a time in seconds, and in milliseconds, from 2001 to 2286. */
const SECOND_DIGITS_MAX = 11, MILLISECOND_DIGITS = 13;

/** Bytes of the longest time: an ISO time with nanoseconds and its offset. */
const TIME_BYTES_MAX = 40;

/** Whole seconds since 1970 of the time that is all of `bytes[start … end)`; -1 when it is none. Allocates nothing. */
export function parseLogTime(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > TIME_BYTES_MAX) return -1;
  if (end - start >= 20 && bytes[start + 4] === DASH) return isoTime(bytes, start, end);
  if (end - start === 26 && bytes[start + 2] === SLASH) return localTime(bytes, start);
  return secondsTime(bytes, start, end);
}

function secondsTime(bytes: Uint8Array, start: number, end: number): number {
  let dot = start;
  while (dot < end && bytes[dot] !== DOT) dot++;
  for (let p = dot + 1; p < end; p++) if (number(bytes, p, 1) < 0) return -1;
  if (dot - start === MILLISECOND_DIGITS) {
    const ms = number(bytes, start, MILLISECOND_DIGITS);
    return ms < 0 ? -1 : Math.floor(ms / 1000);
  }
  return dot === start || dot - start > SECOND_DIGITS_MAX || end - dot > 10 ? -1 : number(bytes, start, dot - start);
}

function isoTime(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start + 7] !== DASH || (bytes[start + 10] !== LETTER_T && bytes[start + 10] !== SPACE)) return -1;
  let p = start + 19;
  if (bytes[p] === DOT) {
    p++;
    while (p < end && number(bytes, p, 1) >= 0) p++;
    if (p === start + 20) return -1;
  }
  const offsetS = offset(bytes, p, end);
  const day = days(number(bytes, start, 4), number(bytes, start + 5, 2), number(bytes, start + 8, 2));
  return at(day, clock(bytes, start + 11), offsetS);
}

function localTime(bytes: Uint8Array, start: number): number {
  if (bytes[start + 6] !== SLASH || bytes[start + 11] !== COLON || bytes[start + 20] !== SPACE) return -1;
  const month = MONTHS.indexOf(bytes[start + 3] << 16 | bytes[start + 4] << 8 | bytes[start + 5]) + 1;
  const day = days(number(bytes, start + 7, 4), month, number(bytes, start, 2));
  return at(day, clock(bytes, start + 12), offset(bytes, start + 21, start + 26));
}

const MONTHS = Int32Array.from(
  ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
  (name) => name.charCodeAt(0) << 16 | name.charCodeAt(1) << 8 | name.charCodeAt(2),
);

/** What an offset is not. */
const NO_OFFSET = 1e9;

/** Seconds that local time is ahead of UTC, of `Z`, `+0100` or `+01:00`. */
function offset(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 1 && bytes[start] === LETTER_Z) return 0;
  const colon = length === 6 && bytes[start + 3] === COLON ? 1 : 0;
  if (length !== 5 + colon || (bytes[start] !== PLUS && bytes[start] !== DASH)) return NO_OFFSET;
  const hours = number(bytes, start + 1, 2), minutes = number(bytes, start + 3 + colon, 2);
  if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59) return NO_OFFSET;
  return (bytes[start] === DASH ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** Seconds of the day of `22:13:20`, or -1. A leap second is the second before it. */
function clock(bytes: Uint8Array, start: number): number {
  const hours = number(bytes, start, 2), minutes = number(bytes, start + 3, 2), seconds = number(bytes, start + 6, 2);
  if (bytes[start + 2] !== COLON || bytes[start + 5] !== COLON) return -1;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60) return -1;
  return hours * 3600 + minutes * 60 + Math.min(seconds, 59);
}

function at(day: number, clockS: number, offsetS: number): number {
  return day < 0 || clockS < 0 || offsetS === NO_OFFSET ? -1 : Math.max(-1, day * 86_400 + clockS - offsetS);
}

/** Days since 1970 of a date of the Gregorian calendar, or -1 (Hinnant, `days_from_civil`). */
function days(year: number, month: number, day: number): number {
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return -1;
  const y = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}

/** `count` decimal digits, or -1. */
function number(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let p = start; p < start + count; p++) {
    const digit = bytes[p] - ZERO;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}
