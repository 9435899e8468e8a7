import { assert, assertEquals } from "@std/assert";
import { LOGTAIL_FORMAT } from "./format_logtail.ts";
import { addLedger, COUNTED, emptyLedger, MALFORMED_FIELDS, READ } from "./ledger.ts";
import { REQUESTS } from "./measures.ts";
import { Pipeline } from "./pipeline.ts";

const START = 1_700_006_400;

Deno.test("when open slices take too much memory they are sealed, and every line is counted once", () => {
  const masks = { v4Bits: 24, v6Bits: 48 };
  const pipeline = new Pipeline({ format: LOGTAIL_FORMAT, masks, source: "s", seed: 1, openBytesMax: 3e6 });
  pipeline.nowS = START + 100;
  const lines = Array.from(
    { length: 40_000 },
    (_, i) =>
      i % 1000 === 7
        ? "broken"
        : `a.example\t10.${i >> 8 & 255}.${i & 255}.1\t${START + 10 * (i % 5)}\tGET\t/${
          "x".repeat(40)
        }${i}\t200\t1\t0.001`,
  );
  const bytes = new TextEncoder().encode(`${lines.join("\n")}\n`), ledger = emptyLedger();
  let seals = 0, requests = 0;
  const seal = (): void => {
    seals++;
    for (const bucket of pipeline.seal(START)) {
      requests += bucket.totals[REQUESTS];
      addLedger(ledger, bucket.ledger);
    }
  };
  for (let p = 0; p < bytes.length;) {
    const end = bytes.indexOf(10, Math.min(p + 50_000, bytes.length - 1)) + 1;
    p = pipeline.count(bytes, p, end, new Uint8Array(0));
    if (p < end) seal();
  }
  seal();
  assert(seals > 2 && seals < 40, `${seals} seals`);
  assertEquals([requests, ledger[READ], ledger[COUNTED], ledger[MALFORMED_FIELDS]], [39_960, 40_000, 39_960, 40]);
});
