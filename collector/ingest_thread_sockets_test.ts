import { assertEquals } from "@std/assert";
import { systemClock } from "@/core/host/clock.ts";
import { openLog } from "@/core/host/log.ts";
import { COUNTED, LOST, READ } from "@/core/ledger.ts";
import type { Bucket } from "@/core/bucket.ts";
import { type IngestThread, startIngestThread } from "./ingest_thread.ts";
import { type Receivers, startReceivers } from "./receiver_thread.ts";
import { udpInput } from "./socket_input.ts";

const quiet = openLog("collector", () => {});

interface Counting {
  readonly thread: IngestThread;
  /** Of all ledgers. */
  readonly sum: (reason: number) => number;
  /** Resolves when patterns have been looked at. */
  readonly nextScan: () => Promise<void>;
}

/** Counts what receivers bring, in a real thread. */
function counting(receivers: Receivers): Counting {
  const buckets: Bucket[] = [], scanned: (() => void)[] = [];
  const thread = startIngestThread({
    patterns: [],
    from: "start",
    source: "s",
    masks: { v4Bits: 24, v6Bits: 48 },
    seed: 1,
    clock: systemClock(),
    log: quiet,
    onSealed: (sealed) => void buckets.push(...sealed.buckets),
    onScanned: () => scanned.shift()?.(),
    sockets: receivers,
  });
  const sum = (reason: number): number => buckets.reduce((all, { ledger }) => all + ledger[reason], 0);
  return { thread, sum, nextScan: (): Promise<void> => new Promise((resolve) => scanned.push(resolve)) };
}

function line(): string {
  return `h\t192.0.2.1\t${Math.floor(Date.now() / 1000)}.000\tGET\t/\t200\t10\t0.001\n`;
}

Deno.test("a thread that gives way to another, for logs in another directory, loses no datagram", async () => {
  const folder = Deno.makeTempDirSync();
  const receivers = await startReceivers({ inputs: [udpInput("127.0.0.1:0")], log: quiet, give: () => {} });
  const { thread, sum, nextScan } = counting(receivers);
  await nextScan();
  const sender = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const to = { transport: "udp", hostname: "127.0.0.1", port: receivers.states()[0].port } as const;
  const encoder = new TextEncoder();
  let sent = 0;
  const send = async (datagrams: number): Promise<void> => {
    for (let i = 0; i < datagrams; i++, sent++) {
      await sender.send(encoder.encode(line()), to);
      // The usual buffer holds some 270 of them: a receiver that does not run for a quarter of a second loses none.
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await send(500);
  const scanned = nextScan();
  thread.follow([`${folder}/*.log`]);
  await send(1000); // while one ends and the other starts
  await scanned;
  await send(500);
  await new Promise((resolve) => setTimeout(resolve, 100)); // what was sent has been received
  await receivers.stop();
  await thread.stop();
  assertEquals([sum(READ), sum(COUNTED), sum(LOST)], [sent, sent, 0]);
  sender.close();
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("what a thread that dies had taken and not sealed is counted as lost by the one that takes its place", async () => {
  const receivers = await startReceivers({ inputs: [udpInput("127.0.0.1:0")], log: quiet, give: () => {} });
  const told: string[] = [];
  let more = Promise.withResolvers<void>();
  const thread = startIngestThread({
    patterns: [],
    entry: new URL("./dying_socket_worker_fixture.ts", import.meta.url),
    from: "start",
    source: "s",
    masks: { v4Bits: 24, v6Bits: 48 },
    seed: 1,
    clock: systemClock(),
    log: quiet,
    onSealed: ({ problem }) => {
      told.push(problem);
      more.resolve();
    },
    sockets: receivers,
  });
  const sender = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const to = { transport: "udp", hostname: "127.0.0.1", port: receivers.states()[0].port } as const;
  const send = async (text: string): Promise<void> => void await sender.send(new TextEncoder().encode(text), to);
  await send("one");
  await more.promise;
  await send("die");
  // The kernel and the receiver keep what comes while there is no thread; what goes to the dying one is lost.
  let sent = 2;
  for (more = Promise.withResolvers(); told.length === 1; sent++) {
    await send(`${sent}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  sender.close();
  await receivers.stop();
  await thread.stop();
  const lost = Number(/, (\d+) lost$/.exec(told.at(-1)!)?.[1]);
  // Messages told after the first, each on a line of its own, whatever was handed over together.
  const came = told.slice(1).flatMap((problem) => problem.replace(/, \d+ lost$/, "").split("\n"));
  assertEquals(lost + came.length, sent);
  assertEquals(lost >= 2, true, "the first two at least");
});
