/**
 * What a service manager is told (sd_notify(3)): that the program serves, that it is alive, that it stops. Without one, or
 * without the permissions for it, nothing is told, and nothing else changes.
 *
 * Needs NOTIFY_SOCKET, WATCHDOG_USEC and RUNTIME_DIRECTORY from the environment, and net, read and write on the manager's
 * socket and on one of our own in the runtime directory, from which the messages are sent.
 */
import type { Log } from "./log.ts";

export interface ServiceManager {
  /** The program serves. From now on it says that it is alive, as often as the manager wants. */
  ready(status: string): void;
  stopping(): void;
}

/** How often the manager must hear of us, at most: it wants to hear twice in its limit. */
const WATCHDOGS_PER_LIMIT = 2;

const NOBODY: ServiceManager = { ready: () => {}, stopping: () => {} };

/** The service manager that started this process; one that hears nothing when there is none. */
export function serviceManager(log: Log): ServiceManager {
  const path = variable("NOTIFY_SOCKET"), folder = variable("RUNTIME_DIRECTORY");
  if (path === undefined || !path.startsWith("/")) return NOBODY;
  if (folder === undefined) {
    return unheard(log, "there is no RUNTIME_DIRECTORY to send from; add RuntimeDirectory= to the unit");
  }
  try {
    return speaking(path, `${folder.split(":")[0]}/notify.sock`, log);
  } catch (error) {
    return unheard(log, error instanceof Error ? error.message : String(error));
  }
}

function speaking(path: string, own: string, log: Log): ServiceManager {
  removeLeftover(own);
  const socket = Deno.listenDatagram({ path: own, transport: "unixpacket" });
  const tell = (message: string): void =>
    void socket.send(new TextEncoder().encode(message), { path, transport: "unixpacket" }).catch((error: unknown) =>
      log.warn("the service manager does not hear", { why: error instanceof Error ? error.message : String(error) })
    );
  const watchdogMs = Number(variable("WATCHDOG_USEC") ?? 0) / 1000;
  return {
    ready(status): void {
      tell(`READY=1\nSTATUS=${status.replaceAll("\n", " ")}`);
      if (!(watchdogMs > 0)) return;
      // Said from the event loop that serves: when that hangs, the manager hears nothing and starts us again.
      Deno.unrefTimer(setInterval(() => tell("WATCHDOG=1"), watchdogMs / WATCHDOGS_PER_LIMIT));
    },
    stopping: () => tell("STOPPING=1"),
  };
}

function unheard(log: Log, why: string): ServiceManager {
  log.warn("the service manager is not told that this program serves", { why });
  return NOBODY;
}

function variable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch {
    return undefined; // not granted: as not set
  }
}

/** A process that was killed leaves its socket behind. */
function removeLeftover(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
