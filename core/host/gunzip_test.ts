import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { gunzip, GzipDamage } from "./gunzip.ts";

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(
    await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer(),
  );
}

/** The content, and what was wrong with it. */
async function content(compressed: Iterable<Uint8Array>): Promise<{ bytes: number[]; damage: string }> {
  const bytes: number[] = [];
  try {
    for await (const piece of gunzip(compressed)) bytes.push(...piece);
  } catch (error) {
    if (!(error instanceof GzipDamage)) throw error;
    return { bytes, damage: error.message };
  }
  return { bytes, damage: "" };
}

function cut(bytes: Uint8Array, pieceBytes: number): Uint8Array[] {
  return Array.from(
    { length: Math.ceil(bytes.length / pieceBytes) },
    (_, index) => bytes.slice(index * pieceBytes, (index + 1) * pieceBytes),
  );
}

Deno.test("any members, however they come in, are read as one, and zeros behind them are nothing", async () => {
  const members = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(members, fc.integer({ min: 1, max: 50 }), fc.nat(100), async (contents, pieceBytes, zeros) => {
      const compressed: number[] = [];
      for (const member of contents) compressed.push(...await gzipped(Uint8Array.from(member)));
      const { bytes, damage } = await content(
        cut(Uint8Array.from([...compressed, ...new Uint8Array(zeros)]), pieceBytes),
      );
      assertEquals([bytes, damage], [contents.flatMap((member) => [...member]), ""]);
    }),
  );
});

Deno.test("of a file that was cut, what came is given, and then what is wrong", async () => {
  const random = crypto.getRandomValues(new Uint8Array(60_000)), whole = await gzipped(random);
  const { bytes, damage } = await content(cut(whole.subarray(0, 40_000), 1000));
  assertEquals([bytes.length > 30_000, bytes.every((byte, at) => byte === random[at])], [true, true]);
  assertEquals(damage, "it ends in the middle: it was cut, or is still being written");
});

Deno.test("damage is told from our own bugs, which are thrown as they are", async () => {
  const whole = await gzipped(new TextEncoder().encode("content"));
  whole[whole.length - 5] ^= 1;
  assertEquals((await content([whole])).damage.startsWith("its data is damaged"), true);
  function* broken(): Generator<Uint8Array> {
    yield whole.slice(0, 12);
    throw new Error("ours");
  }
  await assertRejects(() => content(broken()), Error, "ours");
});

Deno.test("whoever stops reading leaves nothing behind", async () => {
  const whole = await gzipped(new Uint8Array(1_000_000));
  for await (const piece of gunzip(cut(whole, 100))) {
    assertEquals(piece.length > 0, true);
    break;
  }
});
