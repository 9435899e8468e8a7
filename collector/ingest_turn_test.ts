import { assertEquals } from "@std/assert";
import { IngestTurns } from "./ingest_turn.ts";
import type { Scanned } from "./thread_message.ts";

interface Fixture {
  readonly turns: IngestTurns;
  readonly did: string[];
  readonly posted: Scanned[];
  readonly room: { left: boolean };
  /** Milliseconds: now, and what a look at names takes. */
  readonly time: { nowMs: number; scanMs: number };
}

/** @param reads how often there is more to read than one turn takes. */
function fixture(reads = 0): Fixture {
  const did: string[] = [], posted: Scanned[] = [], room = { left: true }, time = { nowMs: 1000, scanMs: 0 };
  let patterns: readonly string[] = ["/a.log"];
  const turns = new IngestTurns({
    tail: {
      follow: (others) => void (patterns = others),
      rescan: () => {
        did.push("rescan");
        time.nowMs += time.scanMs;
      },
      readSome: () => {
        did.push("read");
        return reads-- > 0;
      },
      positions: () => [],
      scanned: () => patterns,
    },
    ingest: { tick: () => void did.push("tick") },
    mayCount: () => room.left,
    onRescan: () => void did.push("watch"),
    post: (scanned) => void posted.push(scanned),
    monotonicMs: () => time.nowMs,
  });
  return { turns, did, posted, room, time };
}

Deno.test("a write to a log makes it be read, not every name be looked up; without any, nothing but the clock is looked at", () => {
  const { turns, did } = fixture();
  turns.turn();
  assertEquals(did.splice(0), ["rescan", "watch", "read", "tick"]);
  turns.wake(false);
  turns.turn();
  assertEquals(did.splice(0), ["read", "tick"]);
  turns.turn();
  assertEquals(did.splice(0), ["tick"]);
  turns.wake(true);
  turns.wake(false);
  turns.turn();
  assertEquals(did.splice(0), ["rescan", "watch", "read", "tick"], "a name may have changed");
});

Deno.test("as long as there is more to read, every turn reads", () => {
  const { turns, did } = fixture(2);
  assertEquals([turns.turn(), turns.turn(), turns.turn(), turns.turn()], [true, true, false, false]);
  assertEquals(did.filter((what) => what === "read").length, 3);
});

Deno.test("without room for what would be counted nothing is read or sealed, but names are looked at; with room it goes on", () => {
  const { turns, did, room } = fixture(1);
  turns.turn();
  did.splice(0);
  room.left = false;
  assertEquals([turns.turn(), did.splice(0)], [false, []]);
  turns.wake(true);
  assertEquals([turns.turn(), did.splice(0)], [false, ["rescan", "watch"]]);
  room.left = true;
  assertEquals([turns.turn(), did.splice(0)], [false, ["read", "tick"]]);
});

Deno.test("where it stands is told after the first look at patterns, and after that at others, and at no other time", () => {
  const { turns, posted } = fixture();
  turns.turn();
  turns.wake(true);
  turns.turn();
  turns.follow(["/b.log"]);
  turns.turn();
  turns.turn();
  assertEquals(posted.map(({ patterns }) => patterns), [["/a.log"], ["/b.log"]]);
});

Deno.test("where looking at names takes long it is done less often: a fifth of the time when they change, else a twentieth", () => {
  const { turns, did, time } = fixture();
  const scansIn = (ms: number, poll: boolean): number => {
    did.splice(0);
    for (const endMs = time.nowMs + ms; time.nowMs < endMs; time.nowMs += 10) {
      turns.wake(true, poll);
      turns.turn();
    }
    return did.filter((what) => what === "rescan").length;
  };
  time.scanMs = 100;
  assertEquals([scansIn(10_000, false), scansIn(20_000, true)], [20, 10]);
  time.nowMs += 2000;
  time.scanMs = 0;
  turns.turn();
  assertEquals(scansIn(1000, true), 100);
});
