import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { LineWriter } from "./line_writer.ts";

Deno.test("numbers are written as people write them", () => {
  fc.assert(fc.property(fc.nat(), (value) => assertEquals(written((out) => out.decimal(value)), String(value))));
  fc.assert(
    fc.property(fc.nat(65_535), (value) => assertEquals(written((out) => out.hex(value)), value.toString(16))),
  );
  fc.assert(fc.property(
    fc.nat(2_000_000_000),
    (ms) => assertEquals(written((out) => out.seconds(ms)), (ms / 1000).toFixed(3)),
  ));
});

Deno.test("a buffer says that it is full while a line still fits, and starts again once taken", () => {
  const out = new LineWriter(64);
  assertEquals(out.full, false);
  for (let i = 0; i < 64; i++) out.byte(97);
  assertEquals(out.full, true);
  for (let i = 0; i < 1000; i++) out.byte(98);
  assertEquals(out.take().length, 1064);
  assertEquals([out.full, out.take().length], [false, 0]);
});

function written(write: (out: LineWriter) => void): string {
  const out = new LineWriter(64);
  write(out);
  return new TextDecoder().decode(out.take());
}
