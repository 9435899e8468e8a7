/**
 * Entry of a thread that receives: one socket, or standard input. It does nothing else, so that a datagram waits for nobody;
 * what the bytes mean is the counting thread's matter, to which they go directly.
 *
 * It runs with permission to listen on its own address and to read its own modules, and nothing else.
 */
import { delay } from "@std/async/delay";
import { LINE_BYTES_MAX } from "@/core/bounds.ts";
import { bindUdp, bindUnixDatagram, type DatagramSocket } from "@/core/host/datagrams.ts";
import { MachineRefusal } from "@/core/host/endings.ts";
import { type LogStyle, OncePerMinute, openStyledLog } from "@/core/host/log.ts";
import { measureRoom } from "@/core/host/receive_room.ts";
import { listenTcp } from "@/core/host/tcp_listener.ts";
import { takeLines } from "./line_stream.ts";
import type { ReceiverOrder, ReceiverReport } from "./socket_batch.ts";
import type { SocketInput } from "./socket_input.ts";
import { SocketOutbox } from "./socket_outbox.ts";
import { SyslogConnections } from "./syslog_connections.ts";

/** Milliseconds between two looks at connections that take too long, and two reports about them. */
const SWEEP_MS = 1000;
/** Milliseconds to wait when the system cannot accept a connection, for want of descriptors. */
const ACCEPT_AGAIN_MS = 100;
/** Milliseconds for handing over the rest after a stop was asked for, and for a hold. */
const REST_MS_MAX = 1000;

/** The part of a worker's global scope that is used here. */
interface ReceiverScope {
  onmessage: ((event: MessageEvent<ReceiverOrder>) => void) | null;
  postMessage(message: ReceiverReport): void;
  close(): void;
}

declare const self: ReceiverScope;

const outbox = new SocketOutbox();
let close = (): void => {};
let style: LogStyle | undefined;

self.onmessage = ({ data }) => void obey(data);

async function obey(order: ReceiverOrder): Promise<void> {
  switch (order.kind) {
    case "start":
      style = order.style;
      return await receive(order.input);
    case "attach":
      return outbox.attach(order.port, order.sealed);
    case "hold":
      await Promise.race([outbox.hold(), delay(REST_MS_MAX)]);
      return self.postMessage({ kind: "held" });
    case "stop":
      close();
      await Promise.race([outbox.emptied(), delay(REST_MS_MAX)]);
      self.postMessage({ kind: "stopped" });
      return self.close();
  }
}

async function receive(input: SocketInput): Promise<void> {
  try {
    switch (input.transport) {
      case "udp":
        return await receiveDatagrams(bindUdp(input), true);
      case "unix":
        return await receiveDatagrams(bindUnixDatagram(input.path), false);
      case "tcp":
        return await receiveConnections(input);
      case "stdin":
        return await receiveStandardInput();
    }
  } catch (error) {
    if (!(error instanceof MachineRefusal)) throw error;
    self.postMessage({ kind: "refused", why: error.message });
  }
}

/** @param measured whether the kernel may drop what is sent, so that its room matters. */
async function receiveDatagrams(socket: DatagramSocket, measured: boolean): Promise<void> {
  close = () => socket.close();
  // A datagram that fills it was longer: the system cuts it without a word.
  const into = new Uint8Array(LINE_BYTES_MAX + 1);
  const take = (length: number): void => {
    outbox.packet();
    if (length > LINE_BYTES_MAX) outbox.tooLong();
    else if (length > 0) outbox.message(into, 0, length);
  };
  const { port } = socket, random = crypto.getRandomValues(new Uint8Array(16));
  const room = measured ? await measureRoom(socket, into, take, random) : undefined;
  self.postMessage({ kind: "bound", port, ...room && { room } });
  for (;;) {
    if (!outbox.hasRoom) await outbox.room();
    const length = await socket.receive(into);
    if (length < 0) return;
    take(length);
  }
}

async function receiveConnections(input: SocketInput): Promise<void> {
  const listener = listenTcp(input);
  const connections = new SyslogConnections({
    sink: outbox,
    monotonicMs: () => performance.now(),
    pause: (ms) => delay(ms),
    warnings: new OncePerMinute(openStyledLog("collector", style)),
  });
  const sweeping = setInterval(() => {
    connections.closeSlow();
    self.postMessage({ kind: "connections", counts: connections.counts });
  }, SWEEP_MS);
  close = () => {
    clearInterval(sweeping);
    listener.close();
    connections.close();
  };
  self.postMessage({ kind: "bound", port: listener.port });
  for (;;) {
    try {
      const connection = await listener.accept();
      if (connection === undefined) return;
      void connections.take(connection);
    } catch {
      await delay(ACCEPT_AGAIN_MS);
    }
  }
}

async function receiveStandardInput(): Promise<void> {
  self.postMessage({ kind: "bound", port: 0 });
  await takeLines(async (into) => await Deno.stdin.read(into) ?? 0, outbox);
  await outbox.emptied();
  self.postMessage({ kind: "ended" });
}
