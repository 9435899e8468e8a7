/** Stand-ins for the world around the commands, for tests. */
import { COUNTED, emptyLedger, MALFORMED_FIELDS, READ, reportKernelDrops, TOO_OLD } from "@/core/ledger.ts";
import type { Snapshot, TargetInfo, TopNAnswer, TopNQuestion, TrendAnswer, TrendQuestion } from "@/core/answer.ts";
import { type FileTrouble, isTrouble } from "@/core/host/file_trouble.ts";
import { MachineRefusal } from "@/core/host/endings.ts";
import type { Inputs } from "@/core/host/input_file.ts";
import { BYTES, REQUESTS, TIME_MAX, TIME_SUM, type Values, zeroValues } from "@/core/measures.ts";
import type { Client } from "@/proto/client.ts";
import type { Shell } from "./shell.ts";

/** What the commands printed and did. */
export interface FakeShell extends Shell {
  readonly printed: string[];
  readonly problems: string[];
  readonly helps: string[];
  readonly pauses: number[];
  /** Targets whose client was closed. */
  readonly closed: string[];
  readonly stopped: AbortController;
  readonly givenUp: string[];
}

/** Files that hold these bytes; a trouble is what opening gives. `-` is standard input, which comes in small pieces. */
export function fakeInputs(contents: Readonly<Record<string, Uint8Array | FileTrouble>>): Inputs {
  function find(name: string): Uint8Array | FileTrouble {
    return contents[name] ?? { trouble: "missing", reason: "it does not exist" };
  }
  return {
    stat: (name) => {
      const there = find(name);
      if (isTrouble(there)) return there.trouble === "missing" ? there : { kind: "file", size: 1 };
      return name === "-" ? { kind: "stream", size: 0 } : { kind: "file", size: there.length };
    },
    open: (name) => {
      const there = find(name);
      if (isTrouble(there)) return there;
      let at = 0;
      return {
        seek: (offset) => void (at = offset),
        read: (into) => {
          const piece = there.subarray(at, at + Math.min(into.length, name === "-" ? 7 : into.length));
          into.set(piece);
          at += piece.length;
          return piece.length;
        },
        close: () => {},
      };
    },
  };
}

/** A shell whose clients do what `clients` says; any other target cannot be reached. */
export function fakeShell(clients: Readonly<Record<string, Partial<Client>>>): FakeShell {
  const stopped = new AbortController();
  const shell: FakeShell = {
    printed: [],
    problems: [],
    helps: [],
    pauses: [],
    closed: [],
    stopped,
    secure: () => Promise.resolve(),
    connect: (target) => Promise.resolve(fakeClient(clients[target] ?? {}, target, () => shell.closed.push(target))),
    out: (text) => void shell.printed.push(text),
    problem: (line) => void shell.problems.push(line),
    help: (text) => void shell.helps.push(text),
    styled: false,
    columns: () => undefined,
    offsetMinutes: () => 60,
    pause: (ms) => Promise.resolve(void shell.pauses.push(ms)),
    untilStopped: () => stopped.signal,
    givenUp: [],
    giveUp: (permission) => void shell.givenUp.push(permission),
    inputs: fakeInputs({}),
    terminal: undefined,
    openScreen: () => {
      throw new MachineRefusal("Cannot show a screen: no terminal here");
    },
    nowMs: () => 1000,
    startThread: () => Promise.reject(new Error("no threads here")),
  };
  return shell;
}

function fakeClient(behaviour: Partial<Client>, target: string, close: () => void): Client {
  function refuse(): Promise<never> {
    return Promise.reject(new Error(`Cannot reach ${target}: connection refused; is a collector running there?`));
  }
  function refuseStream(): AsyncIterable<never> {
    return { [Symbol.asyncIterator]: () => ({ next: refuse }) };
  }
  return {
    topN: refuse,
    trend: refuse,
    targets: refuse,
    snapshots: refuseStream,
    deltas: refuseStream,
    close,
    ...behaviour,
  };
}

export function values(requests: number, bytes = 0, timeMs = 0, timeMaxMs = 0): Values {
  const values = zeroValues();
  values[REQUESTS] = requests;
  values[BYTES] = bytes;
  values[TIME_SUM] = timeMs;
  values[TIME_MAX] = timeMaxMs;
  return values;
}

/** Characters that a terminal would obey, for property tests to mix into text. */
export const OBEYED = ["\x1b", "\x9b", "\r", "\n", "\u202e", "\u2028", "\u200b", "\ufff9"] as const;

/** 2026-11-21T04:50:00Z. */
export const NOW_S = Date.UTC(2026, 10, 21, 4, 50) / 1000;

const COVERAGE = { expected: 1, present: 1, missing: [], secondsCovered: 300, seconds: 300 };

/** 12 345 requests for example.com, 678 for a hostile label, 90 for others. */
export function topNAnswer(changes: Partial<TopNAnswer> = {}): TopNAnswer {
  return {
    source: "col-1",
    window: "5m",
    groupBy: "website",
    fromS: NOW_S - 300,
    toS: NOW_S,
    total: values(13_113),
    other: values(90, 900),
    coverage: COVERAGE,
    entries: [
      { label: "example.com", values: values(12_345, 1_234_500, 24_690, 900), countMax: 12_345 },
      { label: "a\x1b[2J\u202eb\n", values: values(678), countMax: 678 },
    ],
    totalMax: 13_113,
    unlistedMax: 0,
    ...changes,
  };
}

/** Four points ten seconds apart: 8, a gap, 0 and 2 so far. */
export function trendAnswer(changes: Partial<TrendAnswer> = {}): TrendAnswer {
  const counts = [8, null, 0, 2];
  return {
    source: "col-1",
    window: "1m",
    fromS: NOW_S - 40,
    toS: NOW_S,
    stepS: 10,
    coverage: COVERAGE,
    points: counts.map((count, index) => ({
      startS: NOW_S - 40 + 10 * index,
      count,
      incomplete: index === counts.length - 1,
    })),
    ...changes,
  };
}

export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  const entries = [{ label: "b", count: 3 }, { label: "example.com", count: 1200 }];
  return { source: "col-1", startS: NOW_S - 60, coarse: false, entries, ...changes };
}

const LEDGER = emptyLedger();
LEDGER[READ] = 1234;
LEDGER[COUNTED] = 1200;
LEDGER[MALFORMED_FIELDS] = 30;
LEDGER[TOO_OLD] = 4;
reportKernelDrops(LEDGER, 0);

export const TARGET_INFOS: readonly TargetInfo[] = [
  {
    name: "col-1",
    address: "nginx1:9090",
    state: "connected",
    newestS: NOW_S,
    problem: "",
    ledger: LEDGER,
    skewMs: -400,
    linesPerS: 120.4,
  },
  {
    name: "",
    address: "nginx2:9090",
    state: "connecting",
    newestS: 0,
    problem: "connection\nrefused",
    ledger: emptyLedger(),
  },
];

/** A client that remembers what it was asked. */
export function askedClient(answers: {
  readonly topN?: TopNAnswer;
  readonly trend?: TrendAnswer;
}): Partial<Client> & { readonly questions: (TopNQuestion | TrendQuestion)[]; readonly timeouts: number[] } {
  const questions: (TopNQuestion | TrendQuestion)[] = [];
  const timeouts: number[] = [];
  return {
    questions,
    timeouts,
    topN: (question, timeoutMs) => {
      questions.push(question);
      timeouts.push(timeoutMs);
      return Promise.resolve(answers.topN ?? topNAnswer());
    },
    trend: (question, timeoutMs) => {
      questions.push(question);
      timeouts.push(timeoutMs);
      return Promise.resolve(answers.trend ?? trendAnswer());
    },
  };
}
