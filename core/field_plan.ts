/**
 * From the tokens of a log format to a *field plan*: how to find every field of a line, in one pass and without doubt.
 *
 * A field ends where the literal behind it begins, if the field cannot hold that literal's first byte: read on to it. Where
 * it can (a user name may hold ` [`, and that stands behind it in `combined`), the plan goes to the next byte that no field
 * in between can hold, and from there backwards: what is left over in the middle is that field. Two fields that are left
 * over together cannot be told apart: if one of them is needed, the format is refused, since whoever sends a request could
 * forge the other fields of its line.
 */
import { NONE } from "./log_fields.ts";
import { type FormatMistake, type FormatToken, literalText, type VariableToken } from "./log_format.ts";
import { bytesHeld, rolesOf, type Shape, shapeOf } from "./log_variables.ts";
import type { Escape } from "./escapes.ts";

/** A field: of which role, and what it looks like. */
export interface PlanField {
  readonly role: number;
  readonly shape: Shape;
  /** Per byte, 1 when the field can hold it. */
  readonly held: Uint8Array;
}

/** What to do next. `forward` steps move the front of a line on; `back` steps, between two `ends`, its back. */
export type PlanStep =
  /** These bytes stand here. */
  | { readonly kind: "literal"; readonly bytes: Uint8Array }
  /** A field up to this byte. */
  | { readonly kind: "until"; readonly field: PlanField; readonly byte: number }
  /** A field up to the end of the line, without a byte below this one: what follows a tab or a blank is one more field. */
  | { readonly kind: "rest"; readonly field: PlanField; readonly floor: number }
  /** A field of so many bytes. */
  | { readonly kind: "fixed"; readonly field: PlanField; readonly length: number }
  /** A field of whatever bytes it can hold: what follows begins with one that it cannot. */
  | { readonly kind: "held"; readonly field: PlanField }
  /**
   * Fields up to this byte, or with -1 to the end of the line: `back` steps from there, and the rest is `middle`; more
   * than one field, none of them needed, when that is undefined.
   */
  | {
    readonly kind: "around";
    readonly byte: number;
    readonly back: readonly BackStep[];
    readonly middle: PlanField | undefined;
  };

/** What stands before the place reached so far. `until` reads back to behind this byte: not of a list, since nothing tells
 * where the first of its values begins. */
export type BackStep =
  | { readonly kind: "literal"; readonly bytes: Uint8Array }
  | { readonly kind: "until"; readonly field: PlanField; readonly byte: number }
  | { readonly kind: "fixed"; readonly field: PlanField; readonly length: number };

export interface FieldPlan {
  readonly escape: Escape;
  readonly steps: readonly PlanStep[];
  /** Roles that lines of this format have. */
  readonly roles: readonly number[];
}

/** What a format is compiled with. */
export interface PlanOptions {
  readonly escape: Escape;
  /** The variable that holds the client's address; undefined for the best there is. */
  readonly client?: string;
}

/** A token with what is known of it. */
type Piece =
  | { readonly kind: "literal"; readonly bytes: Uint8Array; readonly column: number }
  | { readonly kind: "field"; readonly field: PlanField; readonly name: string; readonly column: number };

const END_OF_LINE = -1;
const SPACE = 32;

/** The plan of one format; where and why it has none. */
export function planFields(tokens: readonly FormatToken[], options: PlanOptions): FieldPlan | FormatMistake {
  const variables = tokens.filter((token): token is VariableToken => token.kind === "variable");
  const roles = rolesOf({ names: variables.map(({ name }) => name), client: options.client });
  if (typeof roles === "string") return { column: 1, message: roles };
  const backslash = tokens.find((token) => token.kind === "literal" && token.bytes.includes(BACKSLASH));
  if (backslash !== undefined && options.escape !== "none") {
    return { column: backslash.column, message: "a backslash in the log begins an escape; write another character" };
  }
  const pieces = tokens.map((token): Piece => {
    if (token.kind === "literal") return token;
    const { name, column } = token, shape = shapeOf(name), role = roles[variables.indexOf(token)];
    return { kind: "field", name, column, field: { role, shape, held: bytesHeld(shape, options.escape) } };
  });
  const steps = stepsOf(pieces, options.escape);
  return "message" in steps ? steps : { escape: options.escape, steps, roles: roles.filter((role) => role !== NONE) };
}

function stepsOf(pieces: readonly Piece[], escape: Escape): readonly PlanStep[] | FormatMistake {
  const steps: PlanStep[] = [];
  for (let at = 0; at < pieces.length;) {
    const piece = pieces[at];
    const step = piece.kind === "literal" ? piece : forward(piece.field, pieces.slice(at + 1, at + 3), escape);
    if (step !== undefined) {
      steps.push(step);
      at++;
      continue;
    }
    const around = stepAround(pieces, at, escape);
    if ("message" in around) return around;
    steps.push(around.step);
    if (around.rest !== undefined) steps.push(around.rest);
    at = around.next;
  }
  return steps;
}

/** How to read a field from its start; undefined when nothing there tells where it ends. */
function forward(field: PlanField, [next, second]: readonly Piece[], escape: Escape): PlanStep | undefined {
  const { shape, held } = field;
  if (shape.length !== undefined) return { kind: "fixed", field, length: shape.length };
  if (next === undefined) return { kind: "rest", field, floor: floorOf(shape, escape) };
  if (next.kind === "literal") {
    const separates = held[next.bytes[0]] === 0 || shape.isList === true && endsList(next.bytes, second);
    return separates ? { kind: "until", field, byte: next.bytes[0] } : undefined;
  }
  const { begins } = next.field.shape;
  const isTold = begins !== undefined && [...begins].every((first) => held[first.charCodeAt(0)] === 0);
  return isTold ? { kind: "held", field } : undefined;
}

function floorOf({ isFree, isList }: Shape, escape: Escape): number {
  if (isFree || isList) return escape === "none" ? 0 : SPACE;
  return SPACE + 1;
}

/** How to read a field from its end, what stands before it being known; undefined when nothing tells where it begins. */
function backward(field: PlanField, before: Piece): BackStep | undefined {
  const { shape, held } = field;
  if (shape.length !== undefined) return { kind: "fixed", field, length: shape.length };
  if (before.kind !== "literal") return undefined;
  const byte = before.bytes[before.bytes.length - 1];
  return held[byte] === 0 ? { kind: "until", field, byte } : undefined;
}

/** Whether what follows a list begins with a blank that cannot be one between its values (`, ` and ` : `). */
function endsList(bytes: Uint8Array, next: Piece | undefined): boolean {
  if (bytes[0] !== SPACE) return false;
  if (bytes.length > 1) return bytes[1] !== COLON;
  return next?.kind !== "field" || !(next.field.shape.isFree || next.field.shape.isList);
}

const COLON = 58, BACKSLASH = 92;

interface Around {
  readonly step: PlanStep;
  /** What is left of the literal in which it ends. */
  readonly rest: PlanStep | undefined;
  readonly next: number;
}

/** The fields from `from` on, up to a byte that none of them can hold. */
function stepAround(pieces: readonly Piece[], from: number, escape: Escape): Around | FormatMistake {
  const { at, offset, byte } = firm(pieces, from);
  const inside: Piece[] = [...pieces.slice(from, at)];
  const last = pieces[at];
  if (last?.kind === "literal" && offset > 0) inside.push({ ...last, bytes: last.bytes.subarray(0, offset) });
  const back: BackStep[] = [];
  let end = inside.length;
  for (; end > 1; end--) {
    const piece = inside[end - 1], step = piece.kind === "literal" ? piece : backward(piece.field, inside[end - 2]);
    if (step === undefined) break;
    back.push(step);
  }
  const middle = inside.slice(0, end).filter((piece) => piece.kind === "field");
  if (middle.length > 1 && middle.some(({ field }) => field.role !== NONE)) {
    return mistake(middle[0].name, middle[0].column, pieces[from + 1], escape);
  }
  const step: PlanStep = { kind: "around", byte, back, middle: middle.length === 1 ? middle[0].field : undefined };
  const rest: PlanStep | undefined = last?.kind === "literal"
    ? { kind: "literal", bytes: last.bytes.subarray(offset) }
    : undefined;
  return { step, rest, next: at + 1 };
}

/** The first byte of a literal that no field between `from` and it can hold; or the end of the line. */
function firm(pieces: readonly Piece[], from: number): { at: number; offset: number; byte: number } {
  const held = new Uint8Array(256);
  for (let at = from; at < pieces.length; at++) {
    const piece = pieces[at];
    if (piece.kind === "field") { for (let byte = 0; byte < 256; byte++) held[byte] |= piece.field.held[byte]; }
    else {
      const offset = piece.bytes.findIndex((byte) => held[byte] === 0);
      if (offset >= 0) return { at, offset, byte: piece.bytes[offset] };
    }
  }
  return { at: pieces.length, offset: 0, byte: END_OF_LINE };
}

function mistake(name: string, column: number, next: Piece, escape: Escape): FormatMistake {
  if (next.kind === "field") {
    const told = `nothing tells where $${name} ends and $${next.name} begins`;
    return { column, message: `${told}; put a tab between them, or leave one out` };
  }
  const remedy = escape === "none"
    ? "leave escape=none out, and put it in double quotes"
    : "put it in double quotes, or a tab behind it";
  return {
    column,
    message: `$${name} can hold "${literalText(next.bytes)}", so nothing tells where it ends; ${remedy}`,
  };
}
