/** The process around the commands, as they see it. */
import { startThread } from "./count_thread.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { openLog } from "@/core/host/log.ts";
import type { ClientSecurity } from "@/core/host/security.ts";
import { systemInputs } from "@/core/host/input_file.ts";
import { outputIsStyled, writeErr, writeOut } from "@/core/host/output.ts";
import { terminalEncoding } from "@/core/host/plain_terminal.ts";
import { openScreen } from "@/core/host/screen.ts";
import { onStop } from "@/core/host/signals.ts";
import { PROGRAM_NAME } from "./overview.ts";
import type { Shell } from "./shell.ts";

let security: ClientSecurity = {};

const encoded = terminalEncoding(Deno.stdout), errorEncoded = terminalEncoding(Deno.stderr);

export const systemShell: Shell = {
  secure: async (flags) => void (security = await frozenSecurity(flags)),
  // gRPC takes longer to load than many a question to answer: those who ask nobody do without.
  connect: async (target) => (await import("@/proto/client.ts")).connect(target, security),
  out: (text) => writeOut(encoded(text)),
  problem: (line) => writeErr(errorEncoded(`${PROGRAM_NAME}: ${line}\n`)),
  help: (text) => writeErr(errorEncoded(`${text}\n`)),
  styled: outputIsStyled(),
  columns: () => Deno.stdout.isTerminal() ? terminalColumns() : undefined,
  offsetMinutes: (timeS) => -new Date(timeS * 1000).getTimezoneOffset(),
  pause,
  untilStopped,
  giveUp: (permission) => void Deno.permissions.revokeSync({ name: permission }),
  inputs: systemInputs(),
  terminal: Deno.stderr.isTerminal() ? { columns: terminalColumns, write: writeErr } : undefined,
  openScreen: () => openScreen(encoded),
  nowMs: () => performance.now(),
  startThread,
};

/** What the files say now: the permission to read them is given up afterwards. */
async function frozenSecurity(flags: FlagValues): Promise<ClientSecurity> {
  const { clientSecurity } = await import("@/core/host/security.ts");
  const { tls, token } = clientSecurity(flags, openLog("cli")),
    certificates = tls?.current(),
    secret = token?.current();
  return {
    ...certificates === undefined ? {} : { tls: { current: () => certificates } },
    ...secret === undefined ? {} : { token: { current: () => secret } },
  };
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    stop.addEventListener("abort", done);
    function done(): void {
      clearTimeout(timer);
      stop.removeEventListener("abort", done);
      resolve();
    }
    if (stop.aborted) done();
  });
}

/** A terminal may not tell how wide it is. */
function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

function untilStopped(): AbortSignal {
  const stopped = new AbortController();
  onStop(() => stopped.abort());
  return stopped.signal;
}
