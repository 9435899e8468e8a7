/**
 * What merging a fleet costs, without network and processes: every collector's slices are decoded and put into a slot as an
 * aggregator does, six slices make a minute, and questions look in between. Prints processor time a row for each step, the
 * longest single step, and how exact the first twenty of questions with one filter are, against the buckets that came.
 *
 *   deno run --allow-read=. cli/e2e/load/merge_cost.ts [collectors=200] [rows=5000] [slices=6] [flood=0 or 1] [looks=15]
 *
 * The first slice learns what is heavy; those after it know from the one before.
 */
import { cpuUsage } from "node:process";
import { type Bucket, type Delta } from "@/core/bucket.ts";
import { bucketChecksum, bucketProblem } from "@/core/bucket_check.ts";
import { DIMENSIONS, PREFIX, STATUS, URI, WEBSITE } from "@/core/dimensions.ts";
import { compileFilter } from "@/core/filter_match.ts";
import { parseFilter } from "@/core/filter_parse.ts";
import { REQUESTS } from "@/core/measures.ts";
import { OpenMerges, Slot } from "@/core/ring.ts";
import { FINEST_S } from "@/core/slices.ts";
import { type Ranking, topN } from "@/core/top_n.ts";
import { deltaMessage, readDelta } from "@/proto/bucket_message.ts";
import { STREAM_BUCKETS } from "@/proto/schema.ts";
import { makeWeb } from "@/cli/compare/made_up_web.ts";
import { Random } from "@/cli/compare/random.ts";
import { FLOOD_FRESH, makePattern, ORDINARY_FRESH, played } from "./made_up_slices.ts";

const START_S = 1_699_999_800, SEED = 77;

/** Processor time of one kind of step. */
class Step {
  #ms = 0;
  #worst = 0;

  constructor(readonly name: string) {}

  run<Result>(body: () => Result): Result {
    const before = cpuUsage(), result = body(), { user, system } = cpuUsage(before), ms = (user + system) / 1000;
    this.#ms += ms;
    this.#worst = Math.max(this.#worst, ms);
    return result;
  }

  text(rows: number): string {
    return `${this.name}: ${Math.round(1e6 * this.#ms / rows)} ns a row, worst ${Math.round(this.#worst)} ms`;
  }
}

class Fleet {
  readonly #steps = {
    decode: new Step("decode and check"),
    learn: new Step("merge, first slice"),
    merge: new Step("merge, other slices"),
    look: new Step("look"),
    end: new Step("end a slice"),
    minute: new Step("make a minute"),
  };
  readonly #patterns;
  readonly #open = new OpenMerges(2);
  readonly #slots: Slot[] = [];
  #rows = 0;

  constructor(readonly collectors: number, rows: number, isFlood: boolean, readonly looks: number) {
    const random = new Random(SEED), web = makeWeb({ sites: 1000, networks: 60_000, pages: 12_000 }, random);
    const shape = { rows, freshShare: isFlood ? FLOOD_FRESH : ORDINARY_FRESH };
    this.#patterns = Array.from(
      { length: Math.min(collectors, isFlood ? 12 : 256) },
      () => makePattern(web, shape, random),
    );
  }

  /** Merges one slice of all collectors. Returns what came, and what became of it. */
  slice(number: number): { readonly came: readonly Bucket[]; readonly merged: Bucket } {
    const { decode, learn, merge, look, end } = this.#steps, startS = START_S + FINEST_S * number;
    const slot = new Slot(startS, 0, SEED, this.#open),
      came: Bucket[] = [],
      apart = Math.ceil(this.collectors / this.looks);
    for (let c = 0; c < this.collectors; c++) {
      const bucket = played(this.#patterns[(c + 37 * number) % this.#patterns.length], c, startS),
        sent = encoded(bucket, number);
      came.push(bucket);
      const { bucket: arrived } = decode.run(() => decoded(sent));
      (number === 0 ? learn : merge).run(() => slot.put(arrived));
      if (c % apart === apart - 1) look.run(() => slot.bucketNow());
      this.#rows += arrived.rows;
    }
    this.#slots.push(slot);
    return { came, merged: end.run(() => slot.bucket()) };
  }

  minute(): { readonly came: readonly Bucket[]; readonly merged: Bucket } {
    const minute = new Slot(START_S, 1, SEED, this.#open), came = this.#slots.map((slot) => slot.bucket());
    const merged = this.#steps.minute.run(() => {
      for (const slot of this.#slots) minute.putSlot(slot);
      return minute.bucket();
    });
    return { came, merged };
  }

  texts(): string[] {
    const { learn, merge, look, end, ...others } = this.#steps, slices = this.#slots.length, each = this.#rows / slices;
    const texts = [
      learn.text(each),
      merge.text(Math.max(1, this.#rows - each)),
      look.text(this.#rows),
      end.text(this.#rows),
    ];
    return [...texts, ...Object.values(others).map((step) => step.text(this.#rows))];
  }
}

function encoded(bucket: Bucket, sequence: number): Uint8Array {
  const identity = {
    source: "host",
    instance: "0123456789abcdef",
    sequence: sequence + 1,
    checksum: bucketChecksum(bucket),
  };
  return STREAM_BUCKETS.responseSerialize({ delta: deltaMessage({ identity, bucket }) });
}

function decoded(sent: Uint8Array): Delta {
  const { delta } = STREAM_BUCKETS.responseDeserialize(
    sent as Parameters<typeof STREAM_BUCKETS.responseDeserialize>[0],
  );
  const reading = delta ? readDelta(delta) : { problem: "nothing was sent" };
  if ("problem" in reading) throw new Error(`Cannot measure: ${reading.problem}`);
  return reading.delta;
}

/** Values of one dimension, within one of another: of the busiest, and of some that are not. */
function questions(came: readonly Bucket[]): (readonly [group: number, filter: string])[] {
  const within = [[WEBSITE, [0, 3, 20]], [STATUS, [1, 3, 5]], [PREFIX, [0, 10, 24]], [URI, [0, 5, 24]]] as const;
  return within.flatMap(([d, places]) => {
    const first = ask(came, d, "", 25).entries;
    return places.filter((place) => place < first.length).flatMap((place) =>
      [WEBSITE, PREFIX, URI, STATUS].filter((group) => group !== d).map((group) =>
        [group, `${DIMENSIONS[d].name}="${first[place].label}"`] as const
      )
    );
  });
}

function ask(buckets: readonly Bucket[], group: number, filter: string, n: number): Ranking {
  const parsed = parseFilter(filter);
  if ("mistake" in parsed) throw new Error(`Cannot measure: ${parsed.mistake.message}`);
  const compiled = filter === "" ? undefined : compileFilter(parsed.filter!, (pattern) => new RegExp(pattern));
  return topN(buckets, { window: "60m", groupBy: DIMENSIONS[group].name, n, sort: REQUESTS, filter: compiled }, SEED);
}

/** Share that the first twenty have lost, on average and at worst, and how many are outside of their bounds: must be 0. */
function accuracy(came: readonly Bucket[], merged: Bucket): string {
  if (bucketProblem(merged) !== undefined) throw new Error(`Cannot measure: ${bucketProblem(merged)}`);
  let lost = 0, worst = 0, values = 0, outside = 0;
  for (const [group, filter] of questions(came)) {
    const truth = ask(came, group, filter, 20), answer = ask([merged], group, filter, 1_000_000);
    const entries = new Map(answer.entries.map((entry) => [entry.label, entry]));
    for (const { label, values: { [REQUESTS]: count } } of truth.entries) {
      const entry = entries.get(label), least = entry?.values[REQUESTS] ?? 0;
      if (count < least || count > (entry?.countMax ?? answer.unlistedMax)) outside++;
      lost += (count - least) / count;
      worst = Math.max(worst, (count - least) / count);
      values++;
    }
  }
  const percent = (share: number): string => `${(100 * share).toFixed(3)} %`;
  return `first 20 under one filter: ${percent(lost / values)} lost, at worst ${
    percent(worst)
  }, ${outside} outside of bounds`;
}

if (import.meta.main) {
  const [collectors = 200, rows = 5000, slices = 6, flood = 0, looks = 15] = Deno.args.map(Number);
  // deno-lint-ignore no-console -- what it prints is what it is run for
  const print = console.log, fleet = new Fleet(collectors, rows, flood !== 0, looks);
  for (let number = 0; number < slices; number++) {
    const { came, merged } = fleet.slice(number);
    if (number === 0 || number === slices - 1) print(`slice ${number}, ${accuracy(came, merged)}`);
  }
  const { came, merged } = fleet.minute();
  print(`minute, ${accuracy(came, merged)}`);
  for (const text of fleet.texts()) print(text);
}
