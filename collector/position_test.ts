import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { NOTHING_READ, type Position, positionMistake } from "./position.ts";

const POSITION: Position = {
  path: "/log/a.log",
  device: 1,
  inode: 2,
  modifiedMs: 3.5,
  generation: 0,
  offset: 2000,
  insideTooLong: false,
  fingerprint: { headBytes: 1024, headHash: 4294967295, tailBytes: 1024, tailHash: 0 },
  compressed: false,
  done: false,
};

Deno.test("a position is one after it has been written and read as JSON, with and without times", () => {
  for (const position of [POSITION, { ...POSITION, bornMs: 1.5, directoryMarkMs: 2 }]) {
    assertEquals(positionMistake(JSON.parse(JSON.stringify(position))), undefined);
    assertEquals(JSON.parse(JSON.stringify(position)), position);
  }
});

Deno.test("a position that lacks anything, or has something else in its place, is refused with what it lacks", () => {
  for (const name of Object.keys(POSITION)) {
    assertEquals(typeof positionMistake({ ...POSITION, [name]: null }), "string", name);
  }
  const mistakes: readonly [unknown, string][] = [
    [null, "not an object"],
    [{ ...POSITION, path: "" }, "no path"],
    [{ ...POSITION, offset: 1.5 }, "no offset"],
    [{ ...POSITION, offset: -1 }, "no offset"],
    [{ ...POSITION, offset: 1000 }, "no length of a fingerprint"],
    [{ ...POSITION, bornMs: "1" }, "a time that is none"],
    [{ ...POSITION, fingerprint: { ...NOTHING_READ, headBytes: 1025 } }, "no length of a fingerprint"],
    [{ ...POSITION, fingerprint: { ...NOTHING_READ, tailHash: "x" } }, "no hash in its fingerprint"],
  ];
  for (const [value, mistake] of mistakes) assertEquals(positionMistake(value), mistake);
});

Deno.test("anything at all is a position or a mistake, never an exception", () => {
  fc.assert(fc.property(fc.anything(), (value) => {
    positionMistake(value);
  }));
});
