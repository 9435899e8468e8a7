/**
 * Datagram sockets: UDP, and unix datagram as local syslog uses it. Deno's own, since `node:dgram` on Deno loses most of what
 * comes in (measured with 2.9: it collapses at 10 000 to 45 000 datagrams a second, these take 200 000).
 */
import { addressText, type SocketAddress } from "./listen_address.ts";
import { MachineRefusal } from "./endings.ts";

/** A bound socket. One `receive` at a time. */
export interface DatagramSocket {
  /** As bound: with the port that the system chose for port 0; 0 of a unix socket. */
  readonly port: number;
  /** Waits for the next datagram, and puts it into `into[0…]`, cut to its length. Its bytes, or -1 once closed. */
  receive(into: Uint8Array): Promise<number>;
  /** Sends to this socket itself; true when the kernel took it (which does not mean that it kept it). */
  sendToItself(bytes: Uint8Array): Promise<boolean>;
  close(): void;
}

/** Binds `host:port`; `::` takes IPv4 as well, and is `0.0.0.0` on a machine without IPv6. Throws MachineRefusal. */
export function bindUdp({ hostname, port }: SocketAddress): DatagramSocket {
  try {
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port });
    const own = socket.addr as Deno.NetAddr;
    return datagramSocket(socket, own, own.port);
  } catch (error) {
    const noIpv6 = hostname === "::" && error instanceof Error &&
      /os error 97|os error 99/.test(error.message);
    if (noIpv6) return bindUdp({ hostname: "0.0.0.0", port });
    throw refusal(`UDP ${addressText({ hostname, port })}`, error, port);
  }
}

/**
 * Binds a unix datagram socket that every user of this machine may send to, as `/dev/log` is: nginx sends as its own user.
 * What stands at the path is replaced when it is a socket, which a process that was killed leaves behind. Throws MachineRefusal.
 */
export function bindUnixDatagram(path: string): DatagramSocket {
  try {
    removeSocket(path);
    const socket = Deno.listenDatagram({ transport: "unixpacket", path });
    Deno.chmodSync(path, 0o666);
    const { receive, sendToItself, close } = datagramSocket(socket, { transport: "unixpacket", path }, 0);
    return {
      port: 0,
      receive,
      sendToItself,
      close: () => {
        close();
        removeSocket(path);
      },
    };
  } catch (error) {
    throw refusal(`unix socket ${path}`, error, 0);
  }
}

function datagramSocket(socket: Deno.DatagramConn, own: Deno.Addr, port: number): DatagramSocket {
  let closed = false;
  return {
    port,
    receive: async (into) => {
      try {
        return (await socket.receive(into))[0].length;
      } catch (error) {
        if (closed) return -1;
        throw error;
      }
    },
    sendToItself: async (bytes) => {
      try {
        await socket.send(bytes, own);
        return true;
      } catch {
        return false;
      }
    },
    close: () => {
      if (closed) return;
      closed = true;
      socket.close();
    },
  };
}

/** Removes a socket; anything else at the path stays, and binding says that it is there. */
function removeSocket(path: string): void {
  try {
    if (Deno.lstatSync(path).isSocket) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What an operator can do about an address that cannot be had. Anything that is not the machine's refusal is thrown as it is. */
export function refusal(what: string, error: unknown, port: number): MachineRefusal {
  const say = (why: string): MachineRefusal => new MachineRefusal(`Cannot listen on ${what}: ${why}`);
  if (error instanceof Deno.errors.NotCapable) {
    return say(`the runtime was not given a permission: ${error.message}`);
  }
  if (error instanceof Deno.errors.AddrInUse) {
    return say("another process listens there; stop it or choose another address");
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return say("this machine has no such address; use one that it has, or leave the host out");
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return say(
      port > 0 && port < 1024
        ? "permission denied; use a port above 1023 or grant CAP_NET_BIND_SERVICE"
        : "permission denied; choose another address",
    );
  }
  if (error instanceof Deno.errors.NotFound) {
    return say("its directory does not exist; make it, or choose another path");
  }
  if (error instanceof Error) return say(`${error.message.slice(0, 200)}; choose another address`);
  throw error;
}
