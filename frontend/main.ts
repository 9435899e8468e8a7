/** The frontend's entry: flags in, an HTTP server out, and an orderly end. The only file here that touches the machine. */
import { delay } from "@std/async/delay";
import { systemClock } from "@/core/host/clock.ts";
import { MachineRefusal, runProgram } from "@/core/host/exit.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { addressText, parseListenAddress, type SocketAddress } from "@/core/host/listen_address.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { clientSecurity } from "@/core/host/security.ts";
import { onStop } from "@/core/host/signals.ts";
import { type Client, connect } from "@/proto/client.ts";
import { FRONTEND } from "./flags.ts";
import { createHandler } from "./handler.ts";

/** Milliseconds that requests in flight have after a stop signal: longer than an answer may take would miss the 5 s. */
const STOP_MS_MAX = 4000;

/** Milliseconds until a listener that failed is opened again. */
const LISTEN_AGAIN_MS = 1000;

/** Serves until SIGTERM or SIGINT. Throws MachineRefusal when the address cannot be had. */
async function run(flags: FlagValues): Promise<void> {
  const log = openLog("frontend");
  const clients = new Map<string, Client>(), security = clientSecurity(flags, log);
  const target = flags.text("target"), targetAllow = flags.list("target-allow");
  const handler = createHandler({
    target,
    targetAllow,
    n: flags.number("n"),
    refreshS: flags.number("refresh"),
    regex: linearRegex,
    clock: systemClock(),
    log,
    // At most one client for the target and each allowed address: `target.ts` asks for no others.
    clientFor: (address) => {
      const client = clients.get(address) ?? connect(address, security);
      clients.set(address, client);
      return client;
    },
  });
  const listen = listenAddress(flags.text("listen"));
  let server = listenOn(listen, handler);
  log.info("serving", { listen: addressText({ ...listen, port: server.addr.port }), target });
  const stop = stopSignal();
  for (let why = await endOf(server, stop); why !== undefined; why = await endOf(server, stop)) {
    // Seen when the system has no file descriptors left: the runtime gives the listener up.
    log.error("cannot accept connections; listening again", { why, after_ms: LISTEN_AGAIN_MS });
    await delay(LISTEN_AGAIN_MS);
    server = listenOn(listen, handler);
  }
  log.info("stopping");
  const timer = setTimeout(() => Deno.exit(0), STOP_MS_MAX); // whoever still reads then is not waited for
  await server.shutdown();
  for (const client of clients.values()) client.close();
  clearTimeout(timer);
}

/** Resolves with the reason when the server ends by itself, and with undefined when it is to stop. */
function endOf(server: Deno.HttpServer, stop: Promise<void>): Promise<string | undefined> {
  const ended = server.finished.then(
    () => "it ended",
    (error) => error instanceof Error ? error.message : String(error),
  );
  return Promise.race([ended, stop.then(() => undefined)]);
}

function listenOn(
  { hostname, port }: SocketAddress,
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, onListen: () => {} }, handler);
  } catch (error) {
    const where = `Cannot listen on TCP ${addressText({ hostname, port })}`;
    if (error instanceof Deno.errors.AddrInUse) {
      throw new MachineRefusal(`${where}: another process listens there; stop it or choose another port with --listen`);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new MachineRefusal(`${where}: permission denied; use a port above 1023 or grant CAP_NET_BIND_SERVICE`);
    }
    if (error instanceof Deno.errors.AddrNotAvailable) {
      throw new MachineRefusal(`${where}: this machine has no such address; use :${port} for all it has`);
    }
    throw error;
  }
}

/** The address of --listen, which the flag's own check has already accepted. */
function listenAddress(text: string): SocketAddress {
  const parsed = parseListenAddress(text);
  if ("mistake" in parsed) throw new Error(`Cannot listen on ${text}: ${parsed.mistake}`);
  return parsed.address;
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => onStop(() => resolve()));
}

if (import.meta.main) await runProgram(FRONTEND, run);
