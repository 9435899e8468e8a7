import { assert, assertEquals, assertRejects } from "@std/assert";
import { MachineRefusal } from "@/core/host/endings.ts";
import { openLog } from "@/core/host/log.ts";
import type { Origin } from "./followed_file.ts";
import { IngestSockets } from "./ingest_sockets.ts";
import { startReceivers } from "./receiver_thread.ts";
import { parseSyslogInput, type SocketInput, udpInput } from "./socket_input.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();
const quiet = openLog("collector", () => {});

/** Counts what comes, and resolves when so many lines have. */
class Taken {
  readonly lines: string[] = [];
  lostLines = 0;
  #wanted = Infinity;
  #enough = (): void => {};
  readonly sockets = new IngestSockets({
    lines: (bytes, start, end, _origin: Origin) => {
      this.lines.push(...decoder.decode(bytes.subarray(start, end)).trimEnd().split("\n"));
      if (this.lines.length >= this.#wanted) this.#enough();
    },
    tooLong: () => {},
    lost: (lines) => void (this.lostLines += lines),
  });

  until(count: number): Promise<void> {
    this.#wanted = count;
    return new Promise((resolve) => this.lines.length >= count ? resolve() : this.#enough = resolve);
  }
}

function syslogInput(text: string): SocketInput {
  const parsed = parseSyslogInput(text);
  assert("input" in parsed);
  return parsed.input;
}

async function sendUdp(port: number, texts: readonly string[]): Promise<void> {
  const sender = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  for (const text of texts) await sender.send(encoder.encode(text), { transport: "udp", hostname: "127.0.0.1", port });
  sender.close();
}

async function connects(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("lines come from UDP and from syslog over UDP and TCP, through threads of their own", async () => {
  const inputs = [udpInput("127.0.0.1:0"), syslogInput("udp://127.0.0.1:0"), syslogInput("tcp://127.0.0.1:0")];
  const receivers = await startReceivers({ inputs, log: quiet, give: () => {} });
  const taken = new Taken(), [udp, syslog, tcp] = receivers.states().map(({ port }) => port);
  receivers.ports(false).forEach((socket) => taken.sockets.open(socket));
  await sendUdp(udp, ["one", "two\nthree\n", ""]);
  await sendUdp(syslog, ["<190>Nov 21 11:05:27 web1 nginx: four"]);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: tcp });
  await connection.write(encoder.encode("18 <190>nginx: five\n\n<190>nginx: six"));
  connection.close();
  await taken.until(6);
  assertEquals(taken.lines.sort(), ["five", "four", "one", "six", "three", "two"]);
  assertEquals(taken.sockets.counts().map(({ packets }) => packets), [3, 1, 0]);
  await receivers.stop();
  taken.sockets.close();
  // The system closes it when the thread has ended, a moment later.
  while (await connects(tcp)) await new Promise((resolve) => setTimeout(resolve, 10));
});

Deno.test("what was received before a stop has been taken after it", async () => {
  const receivers = await startReceivers({ inputs: [udpInput("127.0.0.1:0")], log: quiet, give: () => {} });
  const taken = new Taken(), [{ port }] = receivers.states();
  receivers.ports(false).forEach((socket) => taken.sockets.open(socket));
  const texts = Array.from({ length: 100 }, (_, i) => `${i}`);
  await sendUdp(port, texts);
  await taken.until(1);
  await sendUdp(port, ["and"]); // it may be on its way, but no batch is cut in two
  await receivers.stop();
  assert(taken.lines.length >= 100);
  taken.sockets.close();
});

Deno.test("another counting thread goes on where the former stopped; what that had not sealed is lost and counted", async () => {
  const receivers = await startReceivers({ inputs: [udpInput("127.0.0.1:0")], log: quiet, give: () => {} });
  const first = new Taken(), second = new Taken(), third = new Taken(), [{ port }] = receivers.states();
  receivers.ports(false).forEach((socket) => first.sockets.open(socket));
  await sendUdp(port, ["one", "two"]);
  await first.until(2);
  await receivers.hold();
  await sendUdp(port, ["three"]); // nobody takes it yet
  receivers.ports(true).forEach((socket) => second.sockets.open(socket));
  await second.until(1);
  assertEquals([first.lines, second.lines, second.lostLines], [["one", "two"], ["three"], 0]);
  receivers.ports(false).forEach((socket) => third.sockets.open(socket)); // the second died without a word
  await sendUdp(port, ["four"]);
  await third.until(1);
  assertEquals([third.lines, third.lostLines], [["four"], 1]);
  await receivers.stop();
  [first, second, third].forEach(({ sockets }) => sockets.close());
});

Deno.test("an address that is taken is refused with the next step", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const inputs = [syslogInput(`tcp://127.0.0.1:${taken.addr.port}`)];
  const error = await assertRejects(() => startReceivers({ inputs, log: quiet, give: () => {} }), MachineRefusal);
  assertEquals(error.message.includes("another process listens there"), true, error.message);
  taken.close();
});

Deno.test({
  name: "a permission that the collector was not given is named as the flag that would help",
  permissions: { read: [new URL("../", import.meta.url)] },
  fn: async () => {
    const inputs = [udpInput("127.0.0.1:9514")];
    const error = await assertRejects(() => startReceivers({ inputs, log: quiet, give: () => {} }), MachineRefusal);
    assertEquals(error.message.includes("--allow-net=127.0.0.1:9514"), true, error.message);
  },
});
