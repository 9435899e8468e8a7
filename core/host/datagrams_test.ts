import { assert, assertEquals, assertThrows } from "@std/assert";
import { bindUdp, bindUnixDatagram } from "./datagrams.ts";
import { MachineRefusal } from "./endings.ts";
import { measureRoom, ROOM_PROBES } from "./receive_room.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0 };
const encoder = new TextEncoder(), decoder = new TextDecoder();

async function send(port: number, ...texts: string[]): Promise<void> {
  const sender = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  for (const text of texts) await sender.send(encoder.encode(text), { transport: "udp", hostname: "127.0.0.1", port });
  sender.close();
}

Deno.test("datagrams come one by one, also empty ones, and closing ends the wait", async () => {
  const socket = bindUdp(LOOPBACK), into = new Uint8Array(100);
  await send(socket.port, "one", "", "two\nthree");
  const received: string[] = [];
  for (let i = 0; i < 3; i++) received.push(decoder.decode(into.subarray(0, await socket.receive(into))));
  assertEquals(received, ["one", "", "two\nthree"]);
  const waiting = socket.receive(into);
  socket.close();
  assertEquals(await waiting, -1);
  assertEquals(await socket.receive(into), -1);
});

Deno.test("an address that is taken, or that this machine does not have, is refused with the next step", () => {
  const socket = bindUdp(LOOPBACK);
  const taken = assertThrows(() => bindUdp({ hostname: "127.0.0.1", port: socket.port }), MachineRefusal);
  assertEquals(
    taken.message,
    `Cannot listen on UDP 127.0.0.1:${socket.port}: another process listens there; stop it or choose another address`,
  );
  socket.close();
});

Deno.test({
  name: "a permission that is missing is named",
  permissions: { net: ["127.0.0.1:1"] },
  fn: () => {
    const error = assertThrows(() => bindUdp({ hostname: "127.0.0.1", port: 7 }), MachineRefusal);
    assert(/permission.*127\.0\.0\.1:7/.test(error.message), error.message);
  },
});

Deno.test("a unix socket is open to all users, replaces one that was left behind, and goes when it is closed", async () => {
  const path = "/tmp/logtail-datagrams-test.sock"; // the permission to listen on a unix socket names its path
  const left = bindUnixDatagram(path); // as if its process had been killed
  const socket = bindUnixDatagram(path), into = new Uint8Array(10);
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o666);
  assertEquals(await socket.sendToItself(encoder.encode("line")), true);
  assertEquals(await socket.receive(into), 4);
  socket.close();
  assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
  left.close();
  Deno.writeTextFileSync(path, "no socket");
  assertThrows(() => bindUnixDatagram(path), MachineRefusal, "Cannot listen on unix socket");
  assertEquals(Deno.readTextFileSync(path), "no socket");
  Deno.removeSync(path);
  const denied = assertThrows(() => bindUnixDatagram("/tmp/logtail-other.sock"), MachineRefusal);
  assert(/permission.*unix:\/tmp\/logtail-other\.sock/.test(denied.message), denied.message);
});

Deno.test("the room of a socket is measured without losing what came meanwhile", async () => {
  const socket = bindUdp(LOOPBACK), into = new Uint8Array(100), taken: string[] = [];
  await send(socket.port, "before");
  const random = crypto.getRandomValues(new Uint8Array(16));
  const { sent, kept } = await measureRoom(
    socket,
    into,
    (length) => void taken.push(decoder.decode(into.subarray(0, length))),
    random,
  );
  assertEquals([taken, sent], [["before"], ROOM_PROBES]);
  assert(kept > 50 && kept <= sent, `${kept}`);
  // Nothing of it is left.
  await send(socket.port, "after");
  assertEquals(decoder.decode(into.subarray(0, await socket.receive(into))), "after");
  socket.close();
});
