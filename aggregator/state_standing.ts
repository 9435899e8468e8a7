/** Where an aggregator stands, record after record; and how its state is kept (`core/host/state_saver.ts`). */
import type { Identity } from "@/core/bucket.ts";
import { type IdentityRanges, IdentitySet } from "@/core/identity_set.ts";
import type { Keeping } from "@/core/host/state_saver.ts";
import { KnownDeltas } from "./known_deltas.ts";
import { beginRecord, type BeginText, type Standing, type Taken, takenRecord } from "./state_record.ts";

/** Additions after which what is known is put together: that takes as long as there are instances. */
const SINCE_MAX = 256;

/** Before anything has come. */
export function firstStanding(source: string): Standing {
  return { source, endS: 0, nowS: 0, known: [], since: [], sources: new Map(), apart: [] };
}

/** The same where a segment begins. */
export function standingAt({ source, endS, nowS, known, sources, apart }: BeginText): Standing {
  return { source, endS, nowS, known, since: [], sources: new Map(Object.entries(sources)), apart };
}

/** Where things stand after a record. @param identities of its deltas and slots */
export function standingAfter(before: Standing, text: Change, identities: readonly IdentityRanges[]): Standing {
  const { endS, nowS, knows, back } = text, added = [...identities, ...knows];
  const all = back === undefined
    ? { known: before.known, since: added.length === 0 ? before.since : [...before.since, added] }
    : { known: back.known, since: [added] };
  const { apart = before.apart } = text;
  const after: Standing = {
    source: before.source,
    ...all,
    endS: back === undefined ? Math.max(before.endS, endS) : endS,
    nowS: back === undefined ? Math.max(before.nowS, nowS) : nowS,
    sources: newerOf(before.sources, text.sources),
    apart: apart.length > before.apart.length ? apart : before.apart,
  };
  return after.since.length < SINCE_MAX ? after : { ...after, known: knownIn(after), since: [] };
}

type Change = Pick<Taken, "endS" | "nowS" | "knows" | "back" | "sources" | "apart">;
type Sources = Standing["sources"];

/** Of each source what was heard last: changes that could not wait are written late. */
function newerOf(before: Sources, changed: Sources): Sources {
  const sources = new Map(before);
  for (const [address, text] of changed) {
    if (text.heardS >= (before.get(address)?.heardS ?? -Infinity)) sources.set(address, text);
  }
  return sources;
}

/** All that is known. */
export function knownIn({ known, since }: Standing): readonly IdentityRanges[] {
  if (since.length === 0) return known;
  const all = new KnownDeltas();
  for (const ranges of [known, ...since]) all.add(ranges);
  return all.ranges();
}

export function rangesOf(identities: readonly Omit<Identity, "checksum">[]): IdentityRanges[] {
  const set = new IdentitySet();
  for (const identity of identities) set.add(identity);
  return set.ranges();
}

/** Bytes of a change while it waits, for each of what it consists of. */
const CHANGE_BYTES = 500, DELTA_BYTES = 300, SOURCE_BYTES = 500;

/** @param isFollowed which addresses are followed: what is known of others is forgotten with the next segment */
export function keepingOf(isFollowed: (address: string) => boolean): Keeping<Standing, Taken> {
  return {
    begin: (standing, started) => {
      const sources = new Map([...standing.sources].filter(([address]) => isFollowed(address)));
      return beginRecord({ ...standing, sources }, knownIn(standing), started);
    },
    record: (standing, taken) => {
      const identities = identitiesIn(taken);
      return { record: takenRecord(taken), after: () => standingAfter(standing, taken, identities) };
    },
    fold: (before, taken) => {
      const set = new IdentitySet();
      const { back } = taken;
      // What the clock made forgotten is not in what was known after it.
      if (back === undefined && before !== undefined) set.addRanges(before.knows);
      for (const ranges of [taken.knows, identitiesIn(taken)]) set.addRanges(ranges);
      return {
        ...before,
        ...taken,
        deltas: [],
        by: [],
        slots: [],
        knows: set.ranges(),
        sources: newerOf(before?.sources ?? new Map(), taken.sources),
        ...(back === undefined ? {} : { back: { ...back, endS: Math.min(back.endS, before?.back?.endS ?? Infinity) } }),
        folded: true,
      };
    },
    bytesOf: ({ deltas, slots, sources }) =>
      CHANGE_BYTES + DELTA_BYTES * (deltas.length + slots.length) + SOURCE_BYTES * sources.size,
    inOrder: ({ back }) => back !== undefined,
  };
}

function identitiesIn({ deltas, slots }: Taken): IdentityRanges[] {
  return [...rangesOf(deltas.map(({ identity }) => identity)), ...slots.flatMap(({ identities }) => identities)];
}
