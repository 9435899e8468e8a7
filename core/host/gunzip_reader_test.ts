import { assert, assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { gunzipHead, gunzipReader, type GunzipState } from "./gunzip_reader.ts";

/** Gives bytes in pieces of at most `pieceBytes`. */
function pieces(bytes: Uint8Array, pieceBytes = Infinity): (into: Uint8Array) => number {
  let at = 0;
  return (into) => {
    const piece = bytes.subarray(at, at + Math.min(pieceBytes, into.length));
    into.set(piece);
    at += piece.length;
    return piece.length;
  };
}

/** All the content, taken as it comes, and what it came to. */
async function content(
  compressed: Uint8Array,
  pieceBytes?: number,
): Promise<{ bytes: Uint8Array; state: GunzipState }> {
  let wake = (): void => {};
  const reader = gunzipReader(pieces(compressed, pieceBytes), () => wake());
  const buffer = new Uint8Array(1000), taken: number[] = [];
  while (true) {
    const more = new Promise<void>((resolve) => wake = resolve);
    const count = reader.read(buffer, 3, 900);
    for (const byte of buffer.subarray(3, 3 + count)) taken.push(byte);
    if (count > 0) continue;
    if (reader.state !== "open") break;
    await more;
  }
  reader.close();
  return { bytes: Uint8Array.from(taken), state: reader.state };
}

Deno.test("one member or several, however they come in: their content, then the end", async () => {
  const members = fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(members, fc.integer({ min: 1, max: 100 }), async (contents, pieceBytes) => {
      const compressed = Uint8Array.from(contents.flatMap((bytes) => [...gzipSync(bytes)]));
      const { bytes, state } = await content(compressed, pieceBytes);
      assertEquals([[...bytes], state], [contents.flatMap((bytes) => [...bytes]), "ended"]);
    }),
    { numRuns: 30 },
  );
});

Deno.test("a file that ends in the middle is cut, whatever of it could be read", async () => {
  const whole = new TextEncoder().encode("one line after the other\n".repeat(20_000)), compressed = gzipSync(whole);
  for (const length of [5, 11, 100, compressed.length - 9, compressed.length - 1]) {
    const { bytes, state } = await content(compressed.subarray(0, length));
    assertEquals([state, bytes], ["cut", whole.subarray(0, bytes.length)]);
  }
});

Deno.test("what is no gzip, or was damaged, is said to be so", async () => {
  const compressed = gzipSync(Uint8Array.from({ length: 5000 }, (_, i) => i * i % 251));
  compressed[200] ^= 0xff;
  assertEquals((await content(compressed)).state, "damaged");
  assertEquals((await content(new TextEncoder().encode("plain text\n"))).state, "damaged");
});

Deno.test("a small file of very much content waits for whoever takes it", async () => {
  let made = 0;
  const compressed = gzipSync(new Uint8Array(300_000_000)), give = pieces(compressed);
  const reader = gunzipReader((into) => {
    made++;
    return give(into);
  }, () => {});
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert(made <= 2, `${made} pieces were taken`);
  assertEquals(reader.read(new Uint8Array(10), 0, 10), 10);
  reader.close();
});

Deno.test("the first KiB can be seen of a file that is not whole; nothing of none", () => {
  const whole = new TextEncoder().encode("one line after the other\n".repeat(20_000)), compressed = gzipSync(whole);
  const head = gunzipHead(compressed.subarray(0, 300))!;
  assertEquals([Uint8Array.from(head.bytes.subarray(0, 1024)), head.whole], [whole.subarray(0, 1024), false]);
  assertEquals([gunzipHead(gzipSync("one"))!.bytes.length, gunzipHead(gzipSync("one"))!.whole], [3, true]);
  assertEquals(gunzipHead(gzipSync(""))?.whole, true);
  for (const nothing of [new Uint8Array(0), compressed.subarray(0, 5), new Uint8Array(100)]) {
    assertEquals(gunzipHead(nothing), undefined);
  }
});
