/**
 * A field plan as a program of the fast path (`scan_plan.ts`): operations, one a field or literal in the order of the line.
 *
 * The program reads forward only. Where the plan reads back from a later byte (`around`), that gives the same fields as
 * long as none holds a byte that ends one: each field stops at those as well, and what it stops at has to be what follows.
 */
import { ASN, METHOD, PREFIX, STATUS, TAG, TOR, URI, WEBSITE } from "./dimensions.ts";
import type { BackStep, FieldPlan, PlanField, PlanStep } from "./field_plan.ts";
import {
  ASN_ROLE,
  CLIENT,
  DURATION,
  HOST,
  HOST_PORT,
  METHOD_ROLE,
  NONE,
  PATH,
  REQUEST,
  SENT,
  STATUS_ROLE,
  TAG_ROLE,
  TIME,
  TOR_ROLE,
} from "./log_fields.ts";

/**
 * Operations, of eight words: code, role or dimension, and
 *
 *   2  floor      bytes below end a text: control characters (0x20…), or blanks as well (0x21…)
 *   3  a, 4  b    two more bytes that end it, four times each
 *   5  rest       what ends what follows a byte from which on a text does not count (its query string, its port)
 *   6  byte       the byte behind the field: it has to be that one
 *   7  behind     bytes of what follows that need no look: of a literal, its length; of a field, 1 when `byte` is all
 */
const SCAN_LITERAL = 0, // word and mask, in 2 and 3
  SCAN_SKIP = 1,
  SCAN_SKIP_LIST = 2,
  SCAN_SKIP_BYTES = 3, // length in 6
  SCAN_TEXT = 4,
  SCAN_ADDRESS = 5,
  SCAN_SECONDS = 6,
  SCAN_TIME_TEXT = 7, // length in 6
  SCAN_REQUEST_LINE = 8,
  SCAN_STATUS_DIGITS = 9,
  SCAN_INTEGER = 10,
  SCAN_MILLISECONDS = 11,
  SCAN_OPTIONAL = 12,
  SCAN_TAG_TEXT = 13;
const SCAN_OP_WORDS = 8;

/** Operations that look at the byte behind their field. */
const ENDED: ReadonlySet<number> = new Set([
  ...[SCAN_SKIP, SCAN_SKIP_LIST, SCAN_TEXT, SCAN_ADDRESS, SCAN_REQUEST_LINE, SCAN_STATUS_DIGITS, SCAN_INTEGER],
  ...[SCAN_MILLISECONDS, SCAN_OPTIONAL, SCAN_TAG_TEXT],
]);

/** A word of four times this byte. */
export function fourTimes(byte: number): number {
  return Math.imul(byte, 0x01010101);
}

/** A plan, translated. */
export interface ScanProgram {
  readonly ops: Int32Array;
  /** Dimensions that lines of this format do not have, ASN, TOR and TAG apart. */
  readonly absent: Int32Array;
  readonly hasOptional: boolean;
  readonly hasTag: boolean;
}

/** Floors: control characters; blanks as well. */
const CONTROL_FLOOR = fourTimes(0x20);
const BLANK_FLOOR = fourTimes(0x21);

const BACKSLASHES = fourTimes(92);

const NEWLINE = 10, SPACE = 32, DASH = 45, DOT = 46, ZERO = 48, NINE = 57, COLON = 58, QUESTION_MARK = 63;
const BACKSLASH = 92;
const END_OF_LINE = -1;

/** Translates a plan; undefined when reading forward could give other fields than it, or has nothing to gain. */
export function compileScan(plan: FieldPlan): ScanProgram | undefined {
  const { roles } = plan;
  if (roles.includes(REQUEST) && (roles.includes(METHOD_ROLE) || roles.includes(PATH))) return undefined;
  const ops: number[] = [];
  if (!plan.steps.every((step) => addStep(ops, step))) return undefined;
  const has = new Set(roles.map((role) => DIMENSION_OF[role]));
  if (roles.includes(REQUEST)) has.add(METHOD).add(URI);
  return {
    ops: Int32Array.from(ops),
    absent: Int32Array.from([WEBSITE, PREFIX, URI, STATUS, METHOD].filter((d) => !has.has(d))),
    hasOptional: roles.includes(TOR_ROLE) || roles.includes(ASN_ROLE),
    hasTag: roles.includes(TAG_ROLE),
  };
}

/** The dimension that a role stages; undefined for measures. */
const DIMENSION_OF: Readonly<Record<number, number>> = {
  [HOST]: WEBSITE,
  [HOST_PORT]: WEBSITE,
  [CLIENT]: PREFIX,
  [PATH]: URI,
  [STATUS_ROLE]: STATUS,
  [METHOD_ROLE]: METHOD,
  [TOR_ROLE]: TOR,
  [ASN_ROLE]: ASN,
  [TAG_ROLE]: TAG,
};

function addStep(ops: number[], step: PlanStep): boolean {
  switch (step.kind) {
    case "literal":
      addLiteral(ops, step.bytes);
      return true;
    case "fixed":
      return addFixed(ops, step.field, step.length, END_OF_LINE);
    case "until":
      return addField(ops, step.field, step.byte, END_OF_LINE);
    case "rest":
      return addField(ops, step.field, END_OF_LINE, END_OF_LINE, step.floor > SPACE);
    case "held":
      return false;
    case "around":
      return addAround(ops, step);
  }
}

/** The steps of `around` forward: the middle, and from the last to the first what the plan reads back. */
function addAround(ops: number[], step: PlanStep & { kind: "around" }): boolean {
  const { byte, back, middle } = step, steps = back.toReversed();
  if (middle === undefined && back.length > 0) return false;
  const field: PlanField = middle ?? SKIPPED;
  const first = steps.at(0);
  if (first === undefined) return addField(ops, field, byte, byte);
  if (first.kind !== "literal" || !addField(ops, field, first.bytes[0], byte)) return false;
  return steps.every((each, at) => addBack(ops, each, steps[at - 1], steps[at + 1], byte));
}

const SKIPPED: PlanField = { role: NONE, shape: { holds: "" }, held: new Uint8Array(256) };

function addBack(
  ops: number[],
  step: BackStep,
  before: BackStep | undefined,
  next: BackStep | undefined,
  byte: number,
): boolean {
  if (step.kind === "literal") {
    addLiteral(ops, step.bytes);
    return true;
  }
  if (step.kind === "fixed") return addFixed(ops, step.field, step.length, byte);
  if (before?.kind !== "literal" || (next !== undefined && next.kind !== "literal")) return false;
  const ends = next === undefined ? byte : next.bytes[0];
  // Read back, it begins behind this byte: so it may not hold it, and must not be read beyond it.
  if (step.byte !== ends && step.byte !== byte && step.byte !== SPACE) return false;
  return addField(ops, step.field, ends, byte, step.byte === SPACE);
}

/** A literal, four bytes at a time; a single byte that the field before it has looked at is only passed. */
function addLiteral(ops: number[], bytes: Uint8Array): void {
  const before = ops.length - SCAN_OP_WORDS;
  const isSeen = before >= 0 && ENDED.has(ops[before]) && ops[before + 6] === bytes[0] && ops[before + 7] === 0;
  if (bytes.length === 1 && isSeen) {
    ops[before + 7] = 1;
    return;
  }
  for (let at = 0; at < bytes.length; at += 4) {
    const piece = bytes.subarray(at, at + 4);
    let word = 0, mask = 0;
    for (let i = 0; i < piece.length; i++) {
      word |= piece[i] << 8 * i;
      mask |= 0xff << 8 * i;
    }
    ops.push(SCAN_LITERAL, NONE, word, mask, 0, 0, 0, piece.length);
  }
}

function addFixed(ops: number[], field: PlanField, length: number, firm: number): boolean {
  if (field.role === TIME) ops.push(SCAN_TIME_TEXT, TIME, 0, 0, 0, 0, length, 0);
  else if (field.role === NONE) {
    const a = firm < SPACE ? BACKSLASHES : fourTimes(firm);
    ops.push(SCAN_SKIP_BYTES, NONE, CONTROL_FLOOR, a, BACKSLASHES, 0, length, 0);
  } else return false;
  return true;
}

/**
 * A field up to `byte`.
 *
 * @param firm another byte that must not be passed; -1 for none
 * @param noBlank a blank must not be passed either
 */
function addField(ops: number[], { role, shape }: PlanField, byte: number, firm: number, noBlank = false): boolean {
  const ends = byte === END_OF_LINE ? NEWLINE : byte;
  // What may follow a number must not look like more of it.
  if (ends >= ZERO && ends <= NINE || ends === DOT || ends === DASH || ends === BACKSLASH || ends >= 0x80) return false;
  const floor = ends === SPACE || firm === SPACE || noBlank ? BLANK_FLOOR : CONTROL_FLOOR;
  // What ends it beside control characters and backslashes, four times each; and beyond a cut.
  const stops = [ends, firm].filter((stop) => stop > SPACE).map(fourTimes);
  const push = (code: number, d: number, cut?: number): boolean => {
    const [a = BACKSLASHES, b = BACKSLASHES, ...more] = cut === undefined ? stops : [...stops, fourTimes(cut)];
    ops.push(code, d, floor, a, b, stops[0] ?? BACKSLASHES, ends, 0);
    return more.length === 0;
  };
  switch (role) {
    case HOST:
      return push(SCAN_TEXT, WEBSITE);
    case HOST_PORT:
      return push(SCAN_TEXT, WEBSITE, COLON);
    case CLIENT:
      return push(SCAN_ADDRESS, PREFIX);
    case TIME:
      return push(SCAN_SECONDS, TIME);
    case METHOD_ROLE:
      return push(SCAN_TEXT, METHOD);
    case PATH:
      return push(SCAN_TEXT, URI, QUESTION_MARK);
    case REQUEST:
      return ends > SPACE && push(SCAN_REQUEST_LINE, URI, QUESTION_MARK);
    case STATUS_ROLE:
      return push(SCAN_STATUS_DIGITS, STATUS);
    case SENT:
      return push(SCAN_INTEGER, SENT);
    case DURATION:
      return push(SCAN_MILLISECONDS, DURATION);
    case TOR_ROLE:
      return push(SCAN_OPTIONAL, TOR);
    case ASN_ROLE:
      return push(SCAN_OPTIONAL, ASN);
    case TAG_ROLE:
      return push(SCAN_TAG_TEXT, TAG);
    default:
      return push(shape.isList === true ? SCAN_SKIP_LIST : SCAN_SKIP, NONE);
  }
}
