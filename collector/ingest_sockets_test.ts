import { assertEquals, assertStringIncludes } from "@std/assert";
import { simulatedClock } from "@/core/host/clock.ts";
import { OncePerMinute, openLog } from "@/core/host/log.ts";
import {
  COUNTED,
  KERNEL_DROP_REPORTS,
  KERNEL_DROPS,
  LATE,
  LOST,
  MALFORMED_FIELDS,
  READ,
  TOO_LONG,
} from "@/core/ledger.ts";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import { Pipeline } from "@/core/pipeline.ts";
import { Ingest } from "./ingest.ts";
import { IngestSockets } from "./ingest_sockets.ts";
import { newBatchMemory, type SocketBatch, type ToReceiver } from "./socket_batch.ts";
import { type SocketInput, STANDARD_INPUT, udpInput } from "./socket_input.ts";
import type { Sealed } from "./thread_message.ts";

const START = 1_700_000_000;

class Fixture {
  readonly clock = simulatedClock(START + 3);
  readonly sealed: Sealed[] = [];
  readonly log: string[] = [];
  readonly ingest: Ingest;
  readonly sockets: IngestSockets;
  mayCount = (): boolean => true;

  constructor() {
    const masks = { v4Bits: 24, v6Bits: 48 };
    this.ingest = new Ingest({
      pipeline: new Pipeline({ format: LOGTAIL_FORMAT, masks, source: "s", seed: 1, openSlicesMax: 2 }),
      clock: this.clock,
      positions: () => [],
      post: (sealed) => void this.sealed.push(sealed),
      samples: new OncePerMinute(openLog("collector", (line) => void this.log.push(line), () => 0)),
    });
    this.sockets = new IngestSockets(this.ingest, () => this.mayCount());
  }

  /** What has been sealed, added up. */
  ledger(reason: number): number {
    this.ingest.finish();
    return this.sealed.flatMap(({ buckets }) => buckets).reduce((sum, { ledger }) => sum + ledger[reason], 0);
  }
}

function line(timeS: number): string {
  return `h\t192.0.2.1\t${timeS}.000\tGET\t/\t200\t10\t0.001\n`;
}

/** Gives an input one batch, and what came before it. */
function give(
  sockets: IngestSockets,
  input: SocketInput,
  text: string,
  more: Partial<SocketBatch> = {},
): Promise<ToReceiver> {
  const { port1, port2 } = new MessageChannel(), { bytes, ends } = newBatchMemory();
  const encoded = new TextEncoder().encode(text), messages = text === "" ? 0 : 1;
  new Uint8Array(bytes).set(encoded);
  new Int32Array(ends)[0] = encoded.length;
  sockets.open({ input, index: 0, port: port2 });
  return new Promise((resolve) => {
    port1.onmessage = ({ data }: MessageEvent<ToReceiver>): void => {
      port1.close();
      sockets.close();
      resolve(data);
    };
    const batch = {
      kind: "batch",
      bytes,
      ends,
      messages,
      length: encoded.length,
      packets: 1,
      tooLong: 0,
      lost: 0,
      ...more,
    };
    port1.postMessage(batch, [bytes, ends]);
  });
}

Deno.test("a batch is counted, its memory goes back, and its input has a tally of its own", async () => {
  const f = new Fixture();
  const answer = await give(f.sockets, udpInput(":9514"), line(START) + "nonsense\n", {
    tooLong: 1,
    lost: 2,
    packets: 7,
  });
  assertEquals([answer.kind, answer.kind === "taken" && answer.bytes.byteLength > 0], ["taken", true]);
  const [{ packets, tally }] = f.sockets.counts();
  const reasons = [READ, COUNTED, MALFORMED_FIELDS, TOO_LONG, LOST];
  assertEquals([packets, reasons.map((reason) => tally[reason])], [7, [5, 1, 1, 1, 2]]);
  assertEquals(reasons.map((reason) => f.ledger(reason)), [5, 1, 1, 1, 2], "and so has the ledger of all");
  assertStringIncludes(f.log.join("\n"), "path=udp://:9514");
});

for (const all of [false, true]) {
  Deno.test(`without room a batch is held back until there is some${all ? ", or until the last chance" : ""}`, async () => {
    const f = new Fixture(), arrived = Promise.withResolvers<void>(), hasRoom = (): boolean => true;
    f.mayCount = (): boolean => {
      arrived.resolve();
      return false;
    };
    const answer = give(f.sockets, udpInput(":9514"), line(START));
    await arrived.promise;
    f.sockets.takeHeld();
    assertEquals(f.sockets.counts()[0].tally[COUNTED], 0);
    if (!all) f.mayCount = hasRoom;
    f.sockets.takeHeld(all);
    assertEquals([(await answer).kind, f.sockets.counts()[0].tally[COUNTED]], ["taken", 1]);
    f.mayCount = hasRoom;
    f.sockets.takeHeld();
    assertEquals(f.sockets.counts()[0].tally[COUNTED], 1, "and counted once");
  });
}

Deno.test("the tally of an input goes on over seals, also within a batch", async () => {
  const f = new Fixture(); // two slices at once: the third is counted after a seal
  const times = [0, -10, -20, -30, -40, 0].map((offset) => line(START + offset)).join("");
  await give(f.sockets, udpInput(":9514"), times);
  assertEquals([f.sealed.length > 0, f.sockets.counts()[0].tally[COUNTED]], [true, 6]);
});

for (const [input, late] of [[udpInput(":9514"), 2], [STANDARD_INPUT, 0]] as const) {
  Deno.test(`${input.name}: lines older than a minute ${late > 0 ? "write no history" : "are a backlog"}`, async () => {
    const f = new Fixture();
    await give(f.sockets, input, line(START - 50) + line(START - 100) + line(START) + line(START - 3600));
    assertEquals([f.ledger(LATE), f.ledger(COUNTED)], [late, 4 - late]);
    // And what a file brings afterwards is not held to it.
    const encoded = new TextEncoder().encode(line(START - 3600));
    f.ingest.lines(encoded, 0, encoded.length, {
      pattern: 0,
      path: "/log",
      device: 1,
      inode: 2,
      generation: 0,
      offset: 0,
    });
    assertEquals(f.ledger(LATE), late);
  });
}

Deno.test("what the kernel dropped is in the ledger, with how often it told", () => {
  const f = new Fixture();
  f.ingest.kernelDropped(0);
  f.ingest.kernelDropped(12);
  assertEquals([f.ledger(KERNEL_DROPS), f.ledger(KERNEL_DROP_REPORTS)], [12, 2]);
});
