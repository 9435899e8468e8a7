/** A server that accepts, reads and never answers: behind it nginx gives 504, or 499 when the client gives up first. */

export interface SilentUpstream {
  readonly port: number;
  /** Requests that have arrived whose first line holds `text`. */
  arrived(text: string): number;
  close(): void;
}

export function startSilentUpstream(): SilentUpstream {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = new Set<Deno.Conn>();
  const firstLines: string[] = [];

  const read = async (connection: Deno.Conn): Promise<void> => {
    connections.add(connection);
    const buffer = new Uint8Array(16 * 1024);
    try {
      const size = await connection.read(buffer) ?? 0;
      firstLines.push(new TextDecoder().decode(buffer.subarray(0, size)).split("\r\n", 1)[0]);
      while (await connection.read(buffer) !== null); // until nginx gives up
    } catch {
      // closed under us: what the test wanted
    }
    if (connections.delete(connection)) connection.close();
  };
  const accept = async (): Promise<void> => {
    for await (const connection of listener) read(connection);
  };
  accept();

  return {
    port: (listener.addr as Deno.NetAddr).port,
    arrived: (text) => firstLines.filter((line) => line.includes(text)).length,
    close: (): void => {
      listener.close();
      for (const connection of connections) connection.close();
      connections.clear();
    },
  };
}
