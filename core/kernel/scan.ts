/**
 * The fast path of the `logtail` format: lines without anything unusual. `format_logtail.ts` says what a line is.
 *
 * Unusual, and left to `parseLogtail`, is what few lines hold: escapes, absent values where there is nearly always one,
 * control characters, a carriage return, bytes beyond ASCII, more than eight digits, addresses other than plain IPv4 and IPv6.
 * So this file may be as narrow as it likes: it has to be right about what it accepts, and nothing else
 * (`format_logtail_test.ts` and `kernel_test.ts` hold it to `parseLogtail`).
 *
 * Two passes over some lines at a time. The first finds the bytes that separate something, wherever they are, sixteen bytes
 * at a time, and writes down their places. The second goes from line to line: where a field begins and ends stands in the
 * list of places, so that it never waits for the end of one field to look at the next, nor asks a question a byte. What is
 * wrong with a line is added up in `wrong` and asked once, at its end. Entries are hashed where they are found.
 */
import {
  BACKSLASHES,
  BATCH_LINES,
  BLANKS,
  CHUNK,
  ENTRY_BYTES_MAX,
  FOLDS,
  LINE_BYTES,
  PLACES,
  QUESTION_MARKS,
  STAGED,
  STARTS,
  STEPS,
  TIMES,
  VALUES,
  VALUES_BYTES,
} from "./layout";
import { hashShort, hashText, prepareHashes, seed } from "./hash";
import { DIGITS, eightDigits, isOutside, lastDigits, notDigits, notDigits8, ZERO_DIGITS } from "./digits";
import { CLIENT_SCRATCH, prepareAddresses, stageClient } from "./addresses";

const TAB: u32 = 9, NEWLINE: u32 = 10, DASH: u32 = 45, DOT: u32 = 46, QUESTION_MARK: u32 = 63, BACKSLASH: u32 = 92;
/** `GET` and a tab as a little-endian word: nine requests in ten. */
const GET_TAB: u32 = 0x09544547;

/** Bytes whose separators are looked for at a time; places that must be known before a line is looked at. */
const BLOCK: usize = 2048;
const LINE_PLACES: usize = 24;
/** Bytes of the places that a line may need behind its query string: of status, bytes, time, Tor flag and ASN, and one over. */
const PLACES_BEHIND_QUERY: usize = 24;

/** Where the entries of a line begin in STAGED: websites first, then prefixes (`addresses.ts`). Each has its hash first, then start and length. */
const URI: usize = 24, STATUS: usize = 36, METHOD: usize = 48, ASN: usize = 60, TOR: usize = 84;

/**
 * Results of `scanLogtail`, besides what it returns: lines staged, bytes of SCRATCH in use, and whether it stopped at a line with
 * a Tor flag or an ASN since the batch has none yet.
 */
export let count: i32 = 0;
export let scratchLength: i32 = 0;
export let sawOptional: bool = false;

/**
 * What has been found in the chunk at hand: the places from `nextPlace` to `placesEnd` are those of its bytes before `foundEnd`, from
 * the line looked at last on. So every byte is looked at once, however many lines are unusual.
 */
let nextPlace: usize = PLACES, placesEnd: usize = PLACES, foundEnd: usize = 0;

/** There are other lines in the chunk than before. */
export function beginChunk(): void {
  nextPlace = placesEnd = PLACES;
  foundEnd = 0;
}

/** Before anything else, and whenever a batch is made. */
export function prepare(
  processSeed: i32,
  head4: i32,
  length4: i32,
  mask4: i32,
  head6: i32,
  length6: i32,
  mask60: i32,
  mask61: i32,
  mask62: i32,
): void {
  prepareHashes(processSeed);
  prepareAddresses(head4, length4, mask4, head6, length6, mask60, mask61, mask62);
  v128.store(BLANKS, i8x16.splat(0x20));
  v128.store(QUESTION_MARKS, i8x16.splat(0x3f));
  v128.store(BACKSLASHES, i8x16.splat(0x5c));
  // Places that were never written are looked at when the last line is broken: they have to be somewhere.
  for (let i: usize = 0; i < 2 * BLOCK; i++) store<u32>(PLACES + (i << 2), u32(CHUNK));
}

/**
 * Stages lines of the chunk from the one that begins at `from` on, until the batch is full, the chunk is at its `end`, or a
 * line is unusual; returns where the next line begins. Sets `count` and `scratchLength`.
 *
 * @param line lines that are staged already
 * @param hasOptional whether the batch stages the Tor flag and the ASN: if not, it stops at a line that has them
 */
export function scanLogtail(from: usize, end: usize, line: i32, scratch: i32, hasOptional: bool): usize {
  const last = CHUNK + end, seeds = i32x4.splat(seed), steps = v128.load(STEPS), folds = v128.load(FOLDS);
  const hashOfGet = hashShort(GET_TAB & 0xffffff, 3, seeds, steps, folds), hashOfNone = hashShort(0, 0, seeds, steps, folds);
  let start = CHUNK + from, place = nextPlace;
  if (foundEnd < start) {
    foundEnd = start;
    place = placesEnd = PLACES;
  } else while (place < placesEnd && placeAt(place, 0) < start) place += 4;
  sawOptional = false;
  // The second read last: its ten digits, and what they say. Lines of one second follow one another.
  let secondA: u64 = 0, secondB: u32 = 0, timeS: f64 = 0;
  while (start < last && line < BATCH_LINES) {
    nextPlace = place;
    if (placesEnd - place < 4 * LINE_PLACES && foundEnd < last) {
      memory.copy(PLACES, place, placesEnd - place);
      const next = min(foundEnd + BLOCK, last);
      placesEnd = findPlaces(foundEnd, next, PLACES + (placesEnd - place));
      place = PLACES;
      foundEnd = next;
      continue;
    }
    const staged = STAGED + usize(line) * LINE_BYTES;
    const hostEnd = placeAt(place, 0), clientEnd = placeAt(place, 1), timeEnd = placeAt(place, 2);
    const methodEnd = placeAt(place, 3), pathEnd = placeAt(place, 4);
    let wrong = (at(hostEnd) ^ TAB) | (at(clientEnd) ^ TAB) | (at(timeEnd) ^ TAB) | (at(methodEnd) ^ TAB);

    const hostLength = i32(hostEnd - start);
    wrong |= isUnusual(start, hostLength);
    stage(staged, start, hostLength, hashText(start, max(hostLength, 0), seeds, steps, folds));

    const client = hostEnd + 1;
    wrong |= stageClient(staged, client, i32(clientEnd - client), scratch, seeds, steps, folds);

    // The time: ten digits, a point, three digits.
    const time = clientEnd + 1, a = load<u64>(time), b = u32(load<u16>(time, 8)), fraction = load<u32>(time, 10);
    wrong |= u32(timeEnd - time) ^ 14 | (fraction & 0xff) ^ DOT | notDigits(fraction) & ~0xff;
    if (a != secondA || b != secondB) {
      if ((notDigits8(a) | u64(notDigits(b | 0x30300000))) != 0) break;
      secondA = a;
      secondB = b;
      timeS = f64(u64(eightDigits(a & DIGITS, 10_000)) * 100 + (b & 15) * 10 + (b >> 8 & 15));
    }

    const method = timeEnd + 1, methodLength = i32(methodEnd - method);
    wrong |= isUnusual(method, methodLength);
    const isGet = load<u32>(method) == GET_TAB;
    stage(staged + METHOD, method, methodLength, isGet ? hashOfGet : hashText(method, max(methodLength, 0), seeds, steps, folds));

    // The path, up to a question mark, and the query string, which is not looked at.
    const path = methodEnd + 1, pathLength = i32(pathEnd - path);
    wrong |= isUnusual(path, pathLength);
    stage(staged + URI, path, pathLength, hashText(path, max(pathLength, 0), seeds, steps, folds));
    let uriEnd = pathEnd, byte = at(pathEnd);
    place += 20;
    if (byte == QUESTION_MARK) {
      do {
        uriEnd = placeAt(place, 0);
        byte = at(uriEnd);
        place += 4;
      } while ((byte == QUESTION_MARK || byte == BACKSLASH) && place + PLACES_BEHIND_QUERY < placesEnd);
    }
    wrong |= byte ^ TAB;

    const status = uriEnd + 1, statusWord = load<u32>(status);
    const statusEnd = placeAt(place, 0), sentEnd = placeAt(place, 1), requestTimeEnd = placeAt(place, 2);
    wrong |= notDigits(statusWord) << 8 | u32(statusEnd - status) ^ 3 | (at(statusEnd) ^ TAB) | (at(sentEnd) ^ TAB);
    stage(staged + STATUS, status, 3, hashShort(statusWord & 0xffffff, 3, seeds, steps, folds));

    const sent = lastDigits(load<u64>(sentEnd - 8), i32(sentEnd - statusEnd) - 1);
    wrong |= isOutside(i32(sentEnd - statusEnd) - 1, 1, 8) | u32(notDigits8(sent ^ ZERO_DIGITS) != 0);

    // Request time: one to three digits, a point, three digits.
    const tail = load<u64>(requestTimeEnd - 8), secondsLength = i32(requestTimeEnd - sentEnd) - 5;
    const seconds = u64(u32(lastDigits(tail << 32, secondsLength) >> 32)), thousandths = (tail ^ ZERO_DIGITS) >> 40 << 40;
    wrong |= isOutside(secondsLength, 1, 3) | (u32(tail >> 32 & 0xff) ^ DOT);
    wrong |= u32(notDigits8((seconds | thousandths) ^ ZERO_DIGITS) != 0);
    const requestMs = eightDigits(seconds | thousandths, 1000);

    place += 12;
    let lineEnd = requestTimeEnd;
    if (at(requestTimeEnd) == TAB) {
      if (!hasOptional) {
        sawOptional = wrong == 0;
        break;
      }
      const torEnd = placeAt(place, 0);
      wrong |= stageTor(staged, requestTimeEnd + 1, torEnd);
      place += 4;
      lineEnd = torEnd;
      let asnEnd = torEnd;
      if (at(torEnd) == TAB) {
        asnEnd = placeAt(place, 0);
        wrong |= stageAsn(staged, torEnd + 1, asnEnd);
        place += 4;
        lineEnd = asnEnd;
      } else stage(staged + ASN, torEnd, 0, hashOfNone);
    } else if (hasOptional) {
      stage(staged + ASN, lineEnd, 0, hashOfNone);
      stage(staged + TOR, lineEnd, 0, hashOfNone);
    }
    wrong |= at(lineEnd) ^ NEWLINE;
    if (wrong != 0) break;

    const values = VALUES + usize(line) * VALUES_BYTES, ms = f64(requestMs);
    store<f64>(values, 1);
    store<f64>(values, f64(eightDigits(sent, 10_000)), 8);
    store<f64>(values, ms, 16);
    store<f64>(values, ms, 24);
    store<f64>(TIMES + (usize(line) << 3), timeS);
    store<i32>(STARTS + (usize(line) << 2), i32(start - CHUNK));
    scratch += CLIENT_SCRATCH;
    line++;
    start = lineEnd + 1;
  }
  count = line;
  scratchLength = scratch;
  return start - CHUNK;
}

/** Writes the places of all separating bytes of the chunk from `from` to `to` behind `places`; returns where they end. */
function findPlaces(from: usize, to: usize, places: usize): usize {
  const blanks = v128.load(BLANKS), marks = v128.load(QUESTION_MARKS), slashes = v128.load(BACKSLASHES);
  for (let p = from; p < to; p += 64) {
    let bits = separators(p, blanks, marks, slashes) | separators(p + 16, blanks, marks, slashes) << 16 |
      separators(p + 32, blanks, marks, slashes) << 32 | separators(p + 48, blanks, marks, slashes) << 48;
    if (p + 64 > to) bits &= (<u64> 1 << u64(to - p)) - 1;
    // Six at a time, however many there are: asking for each would be guessed wrong.
    let next = places, left = i32(popcnt(bits));
    places += usize(left) << 2;
    for (; left > 0; left -= 6, next += 24) {
      for (let i: usize = 0; i < 24; i += 4) {
        store<u32>(next + i, u32(p) + u32(ctz(bits)));
        bits &= bits - 1;
      }
    }
  }
  return places;
}

/** A bit for every byte of sixteen that is a control character, beyond ASCII, a question mark or a backslash. */
@inline
function separators(p: usize, blanks: v128, marks: v128, slashes: v128): u64 {
  const block = v128.load(p), signs = v128.or(i8x16.eq(block, marks), i8x16.eq(block, slashes));
  return u64(u32(i8x16.bitmask(v128.or(signs, i8x16.lt_s(block, blanks)))));
}

@inline
function placeAt(place: usize, n: usize): usize {
  return load<u32>(place + (n << 2));
}

@inline
function at(p: usize): u32 {
  return load<u8>(p);
}

/** Stages an entry of the chunk. */
@inline
function stage(entry: usize, start: usize, length: i32, hash: i32): void {
  store<i32>(entry, hash);
  store<i32>(entry, i32(start - CHUNK), 4);
  store<i32>(entry, length, 8);
}

/** Not 0 for a text that is empty, absent or too long. */
@inline
function isUnusual(start: usize, length: i32): u32 {
  return isOutside(length, 1, ENTRY_BYTES_MAX) | u32(length == 1 && at(start) == DASH);
}

/** `0`, `1`, or `-` for none. Not 0 for anything else. */
function stageTor(staged: usize, start: usize, end: usize): u32 {
  const isAbsent = at(start) == DASH;
  stage(staged + TOR, start, isAbsent ? 0 : 1, hashOfText(start, isAbsent ? 0 : 1));
  return (u32(end - start) ^ 1) | u32(!isAbsent && (at(start) | 1) != 49);
}

/** One to eight digits, or `-` for none. Not 0 for anything else. */
function stageAsn(staged: usize, start: usize, end: usize): u32 {
  const length = i32(end - start);
  if (length == 1 && at(start) == DASH) {
    stage(staged + ASN, start, 0, hashOfText(start, 0));
    return 0;
  }
  stage(staged + ASN, start, length, hashOfText(start, length > 8 || length < 0 ? 0 : length));
  return isOutside(length, 1, 8) | u32(notDigits8(lastDigits(load<u64>(end - 8), length) ^ ZERO_DIGITS) != 0);
}

function hashOfText(start: usize, length: i32): i32 {
  return hashText(start, length, i32x4.splat(seed), v128.load(STEPS), v128.load(FOLDS));
}
