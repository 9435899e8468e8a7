/**
 * A log format made of a field plan: any `log_format` that can be read without doubt.
 *
 * The steps of the plan are numbers in one array, so that reading a line allocates nothing:
 *
 *   ops[4 * step …]    what to do, the role of the field, and two more words: see each operation
 *   literals           the bytes of all literals, one behind the other
 *   tables             256 bytes a field whose end is told by what it can hold
 *
 * `parse` is what the format means; `scan_plan.ts` is the fast path beside it.
 */
import { MALFORMED_FIELDS } from "./ledger.ts";
import type { BackStep, FieldPlan, PlanField, PlanStep } from "./field_plan.ts";
import { fieldEnds, fieldStarts, forgetFields, NONE, stageFields, TIME } from "./log_fields.ts";
import type { LineBatch, LineFormat } from "./line_batch.ts";
import { scanPlan } from "./scan_plan.ts";
import { compileScan, type ScanProgram } from "./scan_program.ts";

const CARRIAGE_RETURN = 13, SPACE = 32, STAR = 42, COMMA = 44, DASH = 45, SLASH = 47, COLON = 58, BACKSLASH = 92;

const OP_WORDS = 4;
/** Operations, with their two words. LIST is UNTIL for a list of values; the `BACK_` ones read from the end. */
const LITERAL = 0, // offset and length in `literals`
  UNTIL = 1, // the byte
  LIST = 2, // the same
  FIXED = 3, // length
  HELD = 4, // offset in `tables`
  AROUND = 5, // the byte, or -1; number of BACK operations behind it; the role is that of the middle
  BACK_LITERAL = 6,
  BACK_UNTIL = 7,
  BACK_FIXED = 8,
  REST = 9; // the least byte

/** A format from a plan. @param expects what a line of it holds, for messages: its text. */
export class PlanFormat implements LineFormat {
  readonly isUntimed: boolean;
  readonly #ops: Int32Array;
  readonly #literals: Uint8Array;
  readonly #tables: Uint8Array;
  readonly #escapes: boolean;
  /** Undefined when no line is worth a fast path: all are left to `parse`. */
  readonly #program: ScanProgram | undefined;

  constructor(readonly name: string, readonly expects: string, readonly plan: FieldPlan) {
    const code = new Code();
    for (const step of plan.steps) code.add(step);
    this.#ops = Int32Array.from(code.ops);
    this.#literals = Uint8Array.from(code.literals);
    this.#tables = Uint8Array.from(code.tables);
    this.#escapes = plan.escape !== "none";
    this.isUntimed = !plan.roles.includes(TIME);
    this.#program = compileScan(plan);
  }

  parse(bytes: Uint8Array, start: number, newline: number, batch: LineBatch): number {
    const end = newline > start && bytes[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline;
    forgetFields();
    if (!this.#split(bytes, start, end)) return MALFORMED_FIELDS;
    return stageFields(bytes, batch, this.plan.escape, end);
  }

  scan(bytes: Uint8Array, view: DataView, start: number, end: number, batch: LineBatch): number {
    return this.#program === undefined ? start : scanPlan(this.#program, bytes, view, start, end, batch);
  }

  /** Notes where each field is; false when the line is not of this format. */
  #split(bytes: Uint8Array, start: number, end: number): boolean {
    const ops = this.#ops;
    let p = start;
    for (let op = 0; op < ops.length; op += OP_WORDS) {
      const role = ops[op + 1], a = ops[op + 2], b = ops[op + 3], from = p;
      switch (ops[op]) {
        case LITERAL:
          if (!this.#isLiteral(bytes, p, end, a, b)) return false;
          p += b;
          continue;
        case UNTIL:
          p = this.#find(bytes, p, end, a);
          break;
        case REST:
          while (p < end && bytes[p] >= a) p++;
          break;
        case LIST:
          p = this.#find(bytes, p, end, a);
          while (p < end && isBetweenValues(bytes, p, from, end)) p = this.#find(bytes, p + 1, end, a);
          break;
        case FIXED:
          p += a;
          break;
        case HELD:
          while (p < end && this.#tables[a + bytes[p]] === 1) p += bytes[p] === BACKSLASH && this.#escapes ? 2 : 1;
          if (p > end) return false;
          // A path that is absent, or `*`, is one that the host before it could hold.
          if (bytes[p] !== SLASH && bytes[p] !== STAR && p > from && (bytes[p - 1] === DASH || bytes[p - 1] === STAR)) {
            p--;
          }
          break;
        case AROUND:
          p = a < 0 ? end : this.#find(bytes, p, end, a);
          if (p > end || !this.#splitBack(bytes, from, p, op, b)) return false;
          op += b * OP_WORDS;
          continue;
      }
      if (p > end) return false;
      fieldStarts[role] = from;
      fieldEnds[role] = p;
    }
    return p === end;
  }

  /** Reads back from `to`, as far as `count` operations say; the rest is the middle. */
  #splitBack(bytes: Uint8Array, start: number, to: number, around: number, count: number): boolean {
    const ops = this.#ops;
    let p = to;
    for (let op = around + OP_WORDS, last = op + count * OP_WORDS; op < last; op += OP_WORDS) {
      const role = ops[op + 1], a = ops[op + 2], b = ops[op + 3], end = p;
      switch (ops[op]) {
        case BACK_LITERAL:
          p -= b;
          if (p < start || !this.#isLiteral(bytes, p, to, a, b)) return false;
          continue;
        case BACK_UNTIL:
          while (p > start && bytes[p - 1] !== a) p--;
          break;
        case BACK_FIXED:
          p -= a;
          break;
      }
      if (p < start) return false;
      fieldStarts[role] = p;
      fieldEnds[role] = end;
    }
    fieldStarts[ops[around + 1]] = start;
    fieldEnds[ops[around + 1]] = p;
    return true;
  }

  #isLiteral(bytes: Uint8Array, p: number, end: number, offset: number, length: number): boolean {
    if (p + length > end) return false;
    for (let i = 0; i < length; i++) if (bytes[p + i] !== this.#literals[offset + i]) return false;
    return true;
  }

  /** Where a byte is that is not escaped; behind the end when there is none. */
  #find(bytes: Uint8Array, p: number, end: number, byte: number): number {
    for (; p < end; p++) {
      if (bytes[p] === byte) return p;
      if (bytes[p] === BACKSLASH && this.#escapes) p++;
    }
    return end + 1;
  }
}

/** Whether the blank at `p` stands between two values of a list, as in `0.1, 0.2 : 0.3`. */
function isBetweenValues(bytes: Uint8Array, p: number, start: number, end: number): boolean {
  if (bytes[p] !== SPACE) return false;
  if (p > start && bytes[p - 1] === COMMA) return true;
  if (p + 2 < end && bytes[p + 1] === COLON && bytes[p + 2] === SPACE) return true;
  return p > start + 1 && bytes[p - 1] === COLON && bytes[p - 2] === SPACE;
}

/** Writes steps as operations. */
class Code {
  readonly ops: number[] = [];
  readonly literals: number[] = [];
  readonly tables: number[] = [];

  add(step: PlanStep): void {
    switch (step.kind) {
      case "literal":
        return this.#literal(LITERAL, step.bytes);
      case "until":
        return this.#op(step.field.shape.isList ? LIST : UNTIL, step.field, step.byte);
      case "rest":
        return this.#op(REST, step.field, step.floor);
      case "fixed":
        return this.#op(FIXED, step.field, step.length);
      case "held":
        this.#op(HELD, step.field, this.tables.length);
        this.tables.push(...step.field.held);
        return;
      case "around":
        this.#op(AROUND, step.middle, step.byte, step.back.length);
        for (const back of step.back) this.#addBack(back);
    }
  }

  #addBack(step: BackStep): void {
    switch (step.kind) {
      case "literal":
        return this.#literal(BACK_LITERAL, step.bytes);
      case "until":
        return this.#op(BACK_UNTIL, step.field, step.byte);
      case "fixed":
        return this.#op(BACK_FIXED, step.field, step.length);
    }
  }

  #literal(code: number, bytes: Uint8Array): void {
    this.ops.push(code, NONE, this.literals.length, bytes.length);
    this.literals.push(...bytes);
  }

  #op(code: number, field: PlanField | undefined, a: number, b = 0): void {
    this.ops.push(code, field?.role ?? NONE, a, b);
  }
}
