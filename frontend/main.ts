/** The frontend's entry: flags in, an HTTP server out, and an orderly end. The only file here that touches the machine. */
import { delay } from "@std/async/delay";
import { systemClock } from "@/core/host/clock.ts";
import { mayConnect } from "@/core/host/connect_permission.ts";

import { MachineRefusal, runProgram } from "@/core/host/exit.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { addressText, parseListenAddress, type SocketAddress } from "@/core/host/listen_address.ts";
import { type Log, openStyledLog } from "@/core/host/log.ts";
import { logStyle } from "@/core/host/log_style.ts";
import { processState } from "@/core/host/process_state.ts";
import { linearRegex } from "@/core/host/regex.ts";

import { openCredentialFiles } from "@/core/host/credential_files.ts";
import { clientSecurity, httpsCertificates, type ServerCertificates } from "@/core/host/security.ts";
import { servePages } from "@/core/host/role_pages.ts";
import { serviceManager } from "@/core/host/service_manager.ts";
import { onStop } from "@/core/host/signals.ts";
import { type Client, connect } from "@/proto/client.ts";
import { FRONTEND } from "./flags.ts";
import { createHandler, type Handler } from "./handler.ts";
import { PasswordGate, readPasswords } from "./password_gate.ts";
import { FrontendWatch } from "./watch.ts";

/** Milliseconds that requests in flight have after a stop signal: longer than an answer may take would miss the 5 s. */
const STOP_MS_MAX = 4000;

/** Milliseconds until a listener that failed is opened again. */
const LISTEN_AGAIN_MS = 1000;

/** Milliseconds between two looks at the certificate, and at the target while anybody may ask for metrics. */
const LOOK_MS = 10_000;

/** Serves until SIGTERM or SIGINT. Throws MachineRefusal when the address cannot be had. */
async function run(flags: FlagValues): Promise<void> {
  const log = openStyledLog("frontend", logStyle(flags)), stop = stopSignal();
  const clients = new Map<string, Client>(), security = clientSecurity(flags, log);
  const target = flags.text("target"), targetAllow = flags.list("target-allow");
  const clock = systemClock(), certificates = httpsCertificates(flags, log);
  const watch = new FrontendWatch(() => clock.monotonicMs());
  // At most one client for the target and each allowed address: `target.ts` asks for no others.
  const clientFor = (address: string): Client => {
    const client = clients.get(address) ?? watch.client(connect(address, security), address === target);
    clients.set(address, client);
    return client;
  };
  const handler = watch.handler(createHandler({
    target,
    targetAllow,
    n: flags.number("n"),
    refreshS: flags.number("refresh"),
    regex: linearRegex,
    clock,
    log,
    clientRate: flags.number("client-rate"),
    passwords: passwordGate(flags, log, () => clock.monotonicMs(), certificates !== undefined),
    clientFor,
  }));
  const listen = listenAddress(flags.text("listen"));
  let shown = certificates?.current(), server = listenOn(listen, handler, shown);
  const address = addressText({ ...listen, port: server.addr.port });
  log.info("serving", { listen: address, scheme: shown === undefined ? "http" : "https", target });
  for (const peer of [target, ...targetAllow].filter((each) => !mayConnect(each))) {
    log.warn("it cannot be asked: the runtime was not given its address; start the frontend with --allow-net for it", {
      target: peer,
    });
  }

  const own = watch.pages(processState), isAsked = flags.given("prom-listen");
  const pages = await servePages(flags.text("prom-listen"), isAsked, own, log);
  const lookAtTarget = (): void => void (pages !== undefined && watch.look(clientFor(target)));
  lookAtTarget();
  const manager = serviceManager(log);
  manager.ready(`serving ${target} on ${address}`);
  // The runtime takes certificates when it begins to listen: a renewed one makes it begin again.
  const isRenewed = (): boolean => certificates?.current() !== shown;
  const looking = setInterval(() => {
    if (isRenewed()) void server.shutdown();
    lookAtTarget();
  }, LOOK_MS);
  for (let why = await endOf(server, stop); why !== undefined; why = await endOf(server, stop)) {
    if (!isRenewed()) {
      // Seen when the system has no file descriptors left: the runtime gives the listener up.
      log.error("cannot accept connections; listening again", { why, after_ms: LISTEN_AGAIN_MS });
      await delay(LISTEN_AGAIN_MS);
    }
    shown = certificates?.current();
    server = listenOn(listen, handler, shown);
  }
  clearInterval(looking);
  log.info("stopping");
  manager.stopping();
  const timer = setTimeout(() => Deno.exit(0), STOP_MS_MAX); // whoever still reads then is not waited for
  pages?.stop();
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
  handler: Handler,
  certificates: ServerCertificates | undefined,
): Deno.HttpServer<Deno.NetAddr> {
  const tls = certificates === undefined ? {} : { cert: certificates.cert, key: certificates.key };
  try {
    return Deno.serve(
      { hostname, port, onListen: () => {}, automaticCompression: true, ...tls },
      (request, { remoteAddr }) => handler(request, remoteAddr.hostname),
    );
  } catch (error) {
    const where = `Cannot listen on TCP ${addressText({ hostname, port })}`;
    if (error instanceof Deno.errors.NotCapable) {
      const grant = addressText({ hostname, port });
      throw new MachineRefusal(`${where}: the runtime was not given this address; start it with --allow-net=${grant}`);
    }
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

/** Who may see anything, by --password-file; undefined without it. */
function passwordGate(flags: FlagValues, log: Log, nowMs: () => number, isHttps: boolean): PasswordGate | undefined {
  const path = flags.text("password-file");
  if (path === "") return undefined;
  if (!isHttps) {
    log.warn("passwords travel in plain text; give --tls-cert and --tls-key, or put a proxy with TLS before");
  }
  return new PasswordGate(
    openCredentialFiles([{ flag: "password-file", path }], ([text]) => readPasswords(text), log),
    nowMs,
  );
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
