import { assertEquals } from "@std/assert";
import {
  LINE_BYTES_MAX,
  SYSLOG_CONNECTION_BYTES_PER_SECOND_MAX,
  SYSLOG_CONNECTIONS_MAX,
  SYSLOG_CONNECTIONS_PER_PEER_MAX,
  SYSLOG_MESSAGE_SECONDS_MAX,
  SYSLOG_UNFINISHED_BYTES_MAX,
} from "@/core/bounds.ts";
import { OncePerMinute, openLog } from "@/core/host/log.ts";
import type { Connection } from "@/core/host/tcp_listener.ts";
import { SyslogConnections } from "./syslog_connections.ts";

/** A connection whose peer says what the test tells it to. */
class Peer implements Connection {
  closed = false;
  #reads: ((count: number) => void)[] = [];
  #into: Uint8Array = new Uint8Array(0);

  constructor(readonly peer = "192.0.2.1") {}

  read(into: Uint8Array): Promise<number> {
    this.#into = into;
    return new Promise((resolve) => this.#reads.push(resolve));
  }

  /** Sends, and lets the receiver take it. */
  async send(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += this.#into.length) {
      const part = bytes.subarray(at, at + this.#into.length);
      this.#into.set(part);
      await this.#answer(part.length);
    }
  }

  end(): Promise<void> {
    return this.#answer(0);
  }

  breaks(): Promise<void> {
    return this.#answer(-1);
  }

  close(): void {
    this.closed = true;
    this.#reads.shift()?.(-1);
  }

  async #answer(count: number): Promise<void> {
    this.#reads.shift()?.(count);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

class Fixture {
  nowMs = 0;
  readonly messages: string[] = [];
  readonly pauses: number[] = [];
  lost = 0;
  tooLong = 0;
  readonly connections = new SyslogConnections({
    sink: {
      message: (bytes, start, end) => void this.messages.push(new TextDecoder().decode(bytes.subarray(start, end))),
      tooLong: () => void this.tooLong++,
      lost: (messages) => void (this.lost += messages),
      room: () => Promise.resolve(),
    },
    monotonicMs: () => this.nowMs,
    pause: (ms) => {
      this.pauses.push(ms);
      this.nowMs += ms;
      return Promise.resolve();
    },
    warnings: new OncePerMinute(openLog("collector", () => {})),
  });

  connect(peer?: string): Peer {
    const connection = new Peer(peer);
    void this.connections.take(connection);
    return connection;
  }

  after(seconds: number): void {
    this.nowMs += 1000 * seconds;
    this.connections.closeSlow();
  }
}

Deno.test("messages of several connections come as they are completed, and the end of one is the end of a line", async () => {
  const f = new Fixture(), one = f.connect(), two = f.connect();
  await one.send("<13>a");
  await two.send("7 <13>two<13>thr");
  await one.send("b\n");
  await two.end();
  assertEquals([f.messages, f.connections.counts.open, two.closed], [["<13>two", "<13>ab", "<13>thr"], 1, true]);
});

Deno.test("a message whose connection ends or breaks within it is lost, and counted", async () => {
  const f = new Fixture(), cut = f.connect(), broken = f.connect(), whole = f.connect();
  await cut.send("99 <13>x");
  await cut.end();
  await broken.send("<13>x");
  await broken.breaks();
  await whole.send("<13>x\n");
  await whole.breaks();
  assertEquals([f.messages, f.lost], [["<13>x"], 2]);
});

Deno.test("a connection that drips is closed, one that is quiet after a whole message is not", async () => {
  const f = new Fixture(), silent = f.connect(), drips = f.connect(), quiet = f.connect();
  await quiet.send("<13>x\n");
  for (let i = 0; i < SYSLOG_MESSAGE_SECONDS_MAX - 1; i++) {
    await drips.send("x");
    f.after(1);
  }
  assertEquals([silent.closed, drips.closed], [false, false]);
  await drips.send("x");
  f.after(1);
  await drips.end();
  assertEquals([silent.closed, drips.closed, quiet.closed], [true, true, false]);
  assertEquals([f.connections.counts.timedOut, f.lost, f.connections.counts.open], [2, 1, 1]);
  f.after(100_000);
  await quiet.send("<13>y"); // and from now on it has to hurry
  f.after(SYSLOG_MESSAGE_SECONDS_MAX - 1);
  assertEquals(quiet.closed, false);
  f.after(1);
  assertEquals(quiet.closed, true);
});

Deno.test("a connection that completes messages all the time is never too slow", async () => {
  const f = new Fixture(), busy = f.connect();
  for (let i = 0; i < 3 * SYSLOG_MESSAGE_SECONDS_MAX; i++) {
    await busy.send("x\n<13>");
    f.after(1);
  }
  assertEquals(busy.closed, false);
});

Deno.test("no more connections than allowed are open, all together and from one peer; one that ends makes room", async () => {
  const f = new Fixture(), ofOne: Peer[] = [];
  for (let i = 0; i <= SYSLOG_CONNECTIONS_PER_PEER_MAX; i++) ofOne.push(f.connect("192.0.2.7"));
  assertEquals([ofOne.filter(({ closed }) => closed).length, ofOne.at(-1)!.closed], [1, true]);
  for (let i = 0; f.connections.counts.open < SYSLOG_CONNECTIONS_MAX; i++) f.connect(`198.18.${i >> 4}.1`);
  assertEquals(f.connect("192.0.2.99").closed, true);
  await ofOne[0].end();
  assertEquals([f.connect("192.0.2.7").closed, f.connections.counts.refused], [false, 2]);
});

Deno.test("a connection over its rate waits until the second is over, and loses nothing", async () => {
  const f = new Fixture(), fast = f.connect(), line = `<13>${"x".repeat(1000)}\n`;
  const lines = Math.ceil(SYSLOG_CONNECTION_BYTES_PER_SECOND_MAX / line.length) + 100;
  f.nowMs = 300;
  await fast.send(line.repeat(lines));
  assertEquals([f.messages.length, f.pauses.length > 0, f.pauses[0]], [lines, true, 700]);
});

Deno.test("unfinished messages take no more memory than allowed, all together", async () => {
  const f = new Fixture(), peers: Peer[] = [];
  const count = SYSLOG_UNFINISHED_BYTES_MAX / LINE_BYTES_MAX + 1;
  for (let i = 0; i < count; i++) {
    peers.push(f.connect(`198.18.${i}.1`));
    await peers[i].send(`<13>${"x".repeat(LINE_BYTES_MAX - 4)}`);
  }
  assertEquals([peers.map(({ closed }) => closed).indexOf(true), f.lost], [count - 1, 1]);
  await peers[0].send("\n");
  assertEquals(f.messages.length, 1);
});

Deno.test("closing closes all", () => {
  const f = new Fixture(), peers = [f.connect(), f.connect()];
  f.connections.close();
  assertEquals(peers.map(({ closed }) => closed), [true, true]);
});
