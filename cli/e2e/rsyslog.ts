/** A real rsyslog as a relay: takes syslog over UDP on the loopback, and forwards every message to several places. */
import { join } from "@std/path";
import { programPath } from "./need.ts";
import { eventually, freePort } from "./ports.ts";

export interface Rsyslog extends AsyncDisposable {
  /** UDP port that it takes syslog on. */
  readonly port: number;
}

/** Starts it. @param actions parameters of its `omfwd` for each place, such as `port="601" protocol="tcp"`. */
export async function startRsyslog(actions: readonly string[]): Promise<Rsyslog> {
  const folder = await Deno.makeTempDir({ prefix: "logtail-rsyslog-" }), port = freePort();
  const conf = join(folder, "rsyslog.conf"), pid = join(folder, "rsyslog.pid");
  await Deno.writeTextFile(
    conf,
    `# Tabs stay tabs.
global(parser.escapeControlCharactersOnReceive="off" workDirectory="${folder}")
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="${port}")
${actions.map((action) => `action(type="omfwd" target="127.0.0.1" ${action})`).join("\n")}
`,
  );
  const child = new Deno.Command(programPath("rsyslogd") ?? "rsyslogd", {
    args: ["-n", "-f", conf, "-i", pid],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text(), status = child.status;
  const rsyslog: Rsyslog = {
    port,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      child.kill("SIGTERM");
      await status;
      await stderr;
      await Deno.remove(folder, { recursive: true });
    },
  };
  try {
    // It writes its number once it has opened its inputs.
    await eventually(() => isThere(pid), () => "rsyslog has not started");
  } catch (error) {
    await rsyslog[Symbol.asyncDispose]();
    throw new Error(`${error instanceof Error ? error.message : error}; it said:\n${await stderr}`);
  }
  return rsyslog;
}

function isThere(path: string): true | undefined {
  try {
    return Deno.statSync(path).isFile ? true : undefined;
  } catch {
    return undefined;
  }
}
