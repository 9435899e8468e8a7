/**
 * How many datagrams the kernel keeps for a socket while nobody receives. The settings that decide it (`net.core.rmem_default`)
 * stand below `/proc`, which the runtime opens for nobody without all permissions; so it is measured, by sending to the
 * socket itself before anybody else is served.
 */
import type { DatagramSocket } from "./datagrams.ts";

/** Datagrams sent: a buffer of 1 MiB or more keeps all of them (each counts 768 bytes there), the usual 208 KiB 277. */
export const ROOM_PROBES = 1024;

/** Milliseconds without any datagram after which the last one has come: on the way to itself none takes that long. */
const QUIET_MS = 20;

export interface ReceiveRoom {
  /** How many were sent. */
  readonly sent: number;
  /** How many of them were kept. The kernel counts the others as dropped. */
  readonly kept: number;
}

/**
 * Measures it; about 15 ms.
 *
 * @param into for one datagram.
 * @param take other datagrams that came meanwhile: their length in `into`.
 * @param random bytes that nobody else sends; at least 8.
 */
export async function measureRoom(
  socket: DatagramSocket,
  into: Uint8Array,
  take: (length: number) => void,
  random: Uint8Array,
): Promise<ReceiveRoom> {
  const mark = new Uint8Array([...random, 0]), last = new Uint8Array([...random, 1]);
  let sent = 0, kept = 0;
  while (sent < ROOM_PROBES && await socket.sendToItself(mark)) sent++;
  if (sent === 0) return { sent: 0, kept: 0 };
  for (let isLast = false; !isLast;) {
    const receiving = socket.receive(into);
    // Everything has been received: there is room now for one more, which ends the wait.
    if (!await within(receiving, QUIET_MS)) await socket.sendToItself(last);
    const length = await receiving;
    if (length < 0) break;
    isLast = isSame(into, length, last);
    if (isSame(into, length, mark)) kept++;
    else if (!isLast) take(length);
  }
  return { sent, kept };
}

function isSame(bytes: Uint8Array, length: number, as: Uint8Array): boolean {
  return length === as.length && as.every((byte, at) => bytes[at] === byte);
}

async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), ms));
  const first = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return first;
}
