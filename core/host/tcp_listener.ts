/** TCP connections that come in and are read, one at a time; nothing is ever sent back. */
import { refusal } from "./datagrams.ts";
import { addressText, type SocketAddress } from "./listen_address.ts";

export interface Connection {
  /** The address it comes from, without a port. */
  readonly peer: string;
  /** Reads to `into[0…]`: how many bytes; 0 when the peer has ended it; -1 when it broke or was closed here. */
  read(into: Uint8Array): Promise<number>;
  close(): void;
}

export interface ConnectionListener {
  /** As bound. */
  readonly port: number;
  /** Waits for the next; undefined once closed. Rejects when the system cannot accept one now. */
  accept(): Promise<Connection | undefined>;
  close(): void;
}

/** Listens on `host:port`; `::` takes IPv4 as well, and is `0.0.0.0` on a machine without IPv6. Throws MachineRefusal. */
export function listenTcp({ hostname, port }: SocketAddress): ConnectionListener {
  try {
    return connectionListener(Deno.listen({ transport: "tcp", hostname, port }));
  } catch (error) {
    const noIpv6 = hostname === "::" && error instanceof Error && /os error 97|os error 99/.test(error.message);
    if (noIpv6) return listenTcp({ hostname: "0.0.0.0", port });
    throw refusal(`TCP ${addressText({ hostname, port })}`, error, port);
  }
}

function connectionListener(listener: Deno.TcpListener): ConnectionListener {
  let closed = false;
  return {
    port: listener.addr.port,
    accept: async () => {
      try {
        return connectionOf(await listener.accept());
      } catch (error) {
        if (closed) return undefined;
        throw error;
      }
    },
    close: () => {
      if (closed) return;
      closed = true;
      listener.close();
    },
  };
}

function connectionOf(connection: Deno.TcpConn): Connection {
  let closed = false;
  connection.setKeepAlive(true); // a peer that is gone without a word is noticed, some day
  return {
    peer: connection.remoteAddr.hostname,
    read: async (into) => {
      try {
        return await connection.read(into) ?? 0;
      } catch {
        return -1;
      }
    },
    close: () => {
      if (closed) return;
      closed = true;
      connection.close();
    },
  };
}
