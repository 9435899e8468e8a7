/**
 * What `top` shows and what keys do to it: one state, one function from a key to the next. Nothing here asks or draws.
 */
import type { TopNAnswer } from "@/core/answer.ts";
import { dimensionIndex, type DimensionName, DIMENSIONS } from "@/core/dimensions.ts";
import { filterMistakes, type RegexEngine } from "@/core/filter_match.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import { allOf, type Filter, filterText } from "@/core/filter_tree.ts";
import { MEASURE_COUNT } from "@/core/measures.ts";
import { type WindowName, WINDOWS } from "@/core/slices.ts";
import type { Key } from "./top_keys.ts";

/** What is asked for. */
export interface Place {
  readonly window: WindowName;
  readonly groupBy: DimensionName;
  /** Index into MEASURES. */
  readonly sort: number;
  readonly filter: Filter;
}

export interface TopState extends Place {
  /** Row that the cursor is on, from 0. */
  readonly cursor: number;
  /** Where drilling down came from, the last at the end. */
  readonly trail: readonly { readonly place: Place; readonly cursor: number }[];
  readonly paused: boolean;
  readonly mode: "ranking" | "help" | "filter";
  /** While a filter is typed: its text, and what is wrong with it. */
  readonly typed: string;
  readonly mistake: string;
  /** Which of the targets is asked. */
  readonly target: number;
  /** Counts up when something is to be asked at once. */
  readonly asked: number;
  readonly quit: boolean;
}

/** Steps that "back" can undo. More are forgotten, the oldest first. */
const TRAIL_MAX = 100;

/** Characters of a filter that is typed. */
const TYPED_MAX = 2000;

/** What keys need to know besides the state. */
export interface Seen {
  /** What is on the screen; undefined before the first answer. */
  readonly answer: TopNAnswer | undefined;
  /** Rows of the ranking that fit on the screen. */
  readonly rows: number;
  readonly targets: number;
  readonly regex: RegexEngine;
}

export function firstState(place: Place): TopState {
  return {
    ...place,
    cursor: 0,
    trail: [],
    paused: false,
    mode: "ranking",
    typed: "",
    mistake: "",
    target: 0,
    asked: 0,
    quit: false,
  };
}

/** The state after a key. */
export function press(state: TopState, key: Key, seen: Seen): TopState {
  if (key.name === "interrupt") return { ...state, quit: true };
  if (state.mode === "filter") return typeFilter(state, key, seen.regex);
  if (state.mode === "help") return { ...state, mode: "ranking" };
  return (key.name === "text" ? LETTERS[key.text] : KEYS[key.name])?.(state, seen) ?? state;
}

type Action = (state: TopState, seen: Seen) => TopState;

const KEYS: Readonly<Partial<Record<Key["name"], Action>>> = {
  up: (state, seen) => moved(state, state.cursor - 1, seen),
  down: (state, seen) => moved(state, state.cursor + 1, seen),
  page_up: (state, seen) => moved(state, state.cursor - seen.rows, seen),
  page_down: (state, seen) => moved(state, state.cursor + seen.rows, seen),
  home: (state, seen) => moved(state, 0, seen),
  end: (state, seen) => moved(state, Infinity, seen),
  enter: (state, seen) => drilled(state, seen, "="),
  right: (state, seen) => drilled(state, seen, "="),
  backspace: back,
  left: back,
  escape: back,
  tab: (state) => regrouped(state, 1),
  back_tab: (state) => regrouped(state, -1),
  redraw: (state) => again(state),
};

const LETTERS: Readonly<Record<string, Action>> = {
  q: (state) => ({ ...state, quit: true }),
  "?": (state) => ({ ...state, mode: "help" }),
  h: (state) => ({ ...state, mode: "help" }),
  k: (state, seen) => moved(state, state.cursor - 1, seen),
  j: (state, seen) => moved(state, state.cursor + 1, seen),
  x: (state, seen) => drilled(state, seen, "!="),
  d: (state) => regrouped(state, 1),
  D: (state) => regrouped(state, -1),
  w: (state) => again({ ...state, window: next(WINDOWS.map(({ name }) => name), state.window, 1) }),
  W: (state) => again({ ...state, window: next(WINDOWS.map(({ name }) => name), state.window, -1) }),
  s: (state) => again({ ...state, sort: (state.sort + 1) % MEASURE_COUNT, cursor: 0 }),
  c: (state) => state.filter === undefined ? state : gone(state, { ...state, filter: undefined }),
  p: (state) => again({ ...state, paused: !state.paused }),
  " ": (state) => again({ ...state, paused: !state.paused }),
  r: (state) => again(state),
  t: (state, { targets }) => again({ ...state, target: (state.target + 1) % targets, cursor: 0 }),
  "/": (state) => ({
    ...state,
    mode: "filter",
    typed: state.filter === undefined ? "" : filterText(state.filter),
    mistake: "",
  }),
};

function again(state: TopState): TopState {
  return { ...state, asked: state.asked + 1 };
}

function moved(state: TopState, to: number, { answer }: Seen): TopState {
  const last = Math.max(0, (answer?.entries.length ?? 0) - 1);
  return { ...state, cursor: Math.max(0, Math.min(to, last)) };
}

/** Only what is on the screen can be drilled into: the answer may be to an earlier question. */
function drilled(state: TopState, { answer }: Seen, operator: "=" | "!="): TopState {
  if (answer === undefined || answer.groupBy !== state.groupBy) return state;
  const entry = answer.entries[state.cursor];
  if (entry === undefined) return state;
  const filter = allOf(state.filter, { kind: "compare", dimension: state.groupBy, operator, value: entry.label });
  return gone(state, { ...state, filter, groupBy: operator === "=" ? drillTo(state.groupBy) : state.groupBy });
}

function drillTo(groupBy: DimensionName): DimensionName {
  return DIMENSIONS[dimensionIndex(groupBy)].drillTo;
}

function regrouped(state: TopState, by: number): TopState {
  return again({ ...state, groupBy: next(DIMENSIONS.map(({ name }) => name), state.groupBy, by), cursor: 0 });
}

/** Goes to another place, from which "back" leads here. */
function gone(state: TopState, to: TopState): TopState {
  const { window, groupBy, sort, filter, cursor } = state;
  const trail = [...state.trail, { place: { window, groupBy, sort, filter }, cursor }].slice(-TRAIL_MAX);
  return again({ ...to, trail, cursor: 0 });
}

function back(state: TopState): TopState {
  const last = state.trail.at(-1);
  return last === undefined
    ? state
    : again({ ...state, ...last.place, cursor: last.cursor, trail: state.trail.slice(0, -1) });
}

function typeFilter(state: TopState, key: Key, regex: RegexEngine): TopState {
  switch (key.name) {
    case "text":
      return { ...state, typed: (state.typed + key.text).slice(0, TYPED_MAX), mistake: "" };
    case "backspace":
      return { ...state, typed: [...state.typed].slice(0, -1).join(""), mistake: "" };
    case "escape":
      return { ...state, mode: "ranking" };
    case "enter":
      return entered(state, regex);
    default:
      return state;
  }
}

function entered(state: TopState, regex: RegexEngine): TopState {
  if (state.typed.trim() === "") return gone(state, { ...state, mode: "ranking", filter: undefined });
  const parsed = parseFilter(state.typed);
  if ("mistake" in parsed) {
    return { ...state, mistake: `column ${parsed.mistake.column}: ${parsed.mistake.message}` };
  }
  const mistake = parsed.filter && filterMistakes(parsed.filter, regex)[0];
  return mistake === undefined
    ? gone(state, { ...state, mode: "ranking", filter: parsed.filter })
    : { ...state, mistake };
}

function next<Item>(items: readonly Item[], item: Item, by: number): Item {
  return items[(items.indexOf(item) + by + items.length) % items.length];
}
