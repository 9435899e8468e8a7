/** Datagrams from a sender of the tests' own. */

/** Sends each text in a datagram to the loopback; from a new port when called again, as nginx does after a reload. */
export async function sendDatagrams(port: number, texts: readonly string[]): Promise<void> {
  const encoder = new TextEncoder();
  const sender = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  for (const text of texts) {
    await sender.send(encoder.encode(text), { transport: "udp", hostname: "127.0.0.1", port });
  }
  sender.close();
}
