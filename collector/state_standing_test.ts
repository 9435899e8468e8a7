import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Position } from "./position.ts";
import { beginRecord, type BeginText, type SealedText, type Standing } from "./state_record.ts";
import { changeText, firstStanding, standingAfter, standingAt } from "./state_standing.ts";

/** Few numbers, so that many lists hold two positions of one inode: of a file that is gone, and of the next one. */
const POSITION = fc.record({ inode: fc.nat(3), offset: fc.nat(3), path: fc.constantFrom("/a.log", "/b.log") })
  .map((some): Position => {
    const fingerprint = { headBytes: 0, headHash: 0, tailBytes: 0, tailHash: 0 };
    return {
      ...some,
      device: 1,
      modifiedMs: 0,
      generation: 0,
      insideTooLong: false,
      fingerprint,
      compressed: false,
      done: false,
    };
  });

Deno.test("after any changes, positions are those of the last list, however many are of one inode", () => {
  fc.assert(fc.property(fc.array(fc.array(POSITION, { maxLength: 6 }), { maxLength: 8 }), (lists) => {
    let standing = firstStanding("s", "i");
    for (const positions of lists) {
      const text: SealedText = JSON.parse(
        JSON.stringify(changeText(standing, { endS: 1, nowS: 1, deltas: [], positions })),
      );
      standing = standingAfter(standing, text);
      const begin: BeginText = JSON.parse(beginRecord(standing, false).text);
      for (const found of [standing, standingAt(begin)]) assertEquals(sorted(found), positions.map(textOf).sort());
    }
  }));
});

Deno.test("what has not changed is not written again", () => {
  const [position] = fc.sample(POSITION, 1),
    others = fc.sample(POSITION, 20).map((one, i) => ({ ...one, inode: 10 + i }));
  const before = standingAfter(
    firstStanding("s", "i"),
    changeText(firstStanding("s", "i"), change([position, ...others])),
  );
  const after = changeText(before, change([{ ...position, offset: 77 }, ...others.slice(1)]));
  assertEquals([Object.values(after.positions).map(({ offset }) => offset), after.gone.length], [[77], 1]);
});

function change(positions: readonly Position[]): Parameters<typeof changeText>[1] {
  return { endS: 1, nowS: 1, deltas: [], positions };
}

function sorted({ positions }: Standing): string[] {
  return [...positions.values()].map((text) => textOf(JSON.parse(text))).sort();
}

function textOf(position: Position): string {
  return JSON.stringify(Object.entries(position).sort());
}
