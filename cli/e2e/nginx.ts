/**
 * A real nginx in a folder of its own, on free ports of the loopback: 50 and more websites behind one wildcard, clients
 * chosen by the sender (`X-Real-IP`), and for every status that nginx gives by itself a location that makes it do so.
 */
import { join } from "@std/path";
import { isRoot, programPath } from "./need.ts";
import { answers, CLOSED_PORT, eventually, freePort, pause } from "./ports.ts";
import { type SilentUpstream, startSilentUpstream } from "./silent_upstream.ts";

export interface Nginx extends AsyncDisposable {
  /** Ports of the two http listeners. */
  readonly ports: { readonly v4: number; readonly v6: number };
  /** The folder that it writes its logs into. */
  readonly logFolder: string;
  /** Every request, in the 10-field `logtail` format. */
  readonly accessLog: string;
  /** The same requests in the 8-field format, each in exactly one of these. */
  readonly partLogs: readonly string[];
  /** What `/silent/` and `/slow/` are passed to. */
  readonly upstream: SilentUpstream;
  /**
   * Renames the access log as logrotate does, tells nginx to reopen, waits until it has; resolves with the new name.
   * @param betweenMs time between the two, in which nginx goes on writing to the renamed file.
   */
  rotate(betweenMs?: number): Promise<string>;
  /** Text of the access log and of everything it has been renamed to, oldest first. */
  readLogs(): readonly string[];
}

/** $host of a request that has none. */
export const FALLBACK_HOST = "fallback.test";
/** Bytes of a request's line that nginx takes; a longer one is 414. */
export const REQUEST_LINE_BYTES_MAX = 8192;
/** Bytes of a body that nginx takes; a longer one is 413. */
export const BODY_BYTES_MAX = 1024;

/**
 * Starts nginx, as www-data when the tests run as root; resolves when it listens.
 *
 * @param accessLogs more of them, in the 10-field `logtail` format: `syslog:server=127.0.0.1:514`.
 */
export async function startNginx(accessLogs: readonly string[] = []): Promise<Nginx> {
  const folder = await Deno.makeTempDir({ prefix: "logtail-nginx-" });
  const ports = { v4: freePort(), v6: freePort("::1") };
  const upstream = startSilentUpstream();
  const more = accessLogs.map((place) => `access_log ${place} logtail10;`).join("\n  ");
  await writeFolder(folder, configuration(ports, upstream.port, more));

  const child = spawnNginx(folder);
  const stderr = new Response(child.stderr).text();
  let ended = false;
  const status = child.status.finally(() => ended = true);
  const logFolder = join(folder, "logs");
  const accessLog = join(logFolder, "access.log");
  const rotated: string[] = [];

  const nginx: Nginx = {
    ports,
    logFolder,
    accessLog,
    partLogs: ["a", "b", "c"].map((part) => join(logFolder, `part-${part}.log`)),
    upstream,
    rotate: async (betweenMs = 0): Promise<string> => {
      const name = `${accessLog}.${rotated.length + 1}`;
      await Deno.rename(accessLog, name);
      rotated.push(name);
      await pause(betweenMs);
      child.kill("SIGUSR1");
      await eventually(() => exists(accessLog), () => "nginx has not reopened its log");
      return name;
    },
    readLogs: () => [...rotated, accessLog].map((path) => Deno.readTextFileSync(path)),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      if (!ended) child.kill("SIGTERM");
      await status;
      await stderr;
      upstream.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
  try {
    await eventually(async () => {
      if (ended) throw new Error(`nginx ended: ${await stderr}${Deno.readTextFileSync(join(logFolder, "error.log"))}`);
      return await answers("127.0.0.1", ports.v4) && await answers("::1", ports.v6) ? true : undefined;
    }, () => "nginx does not listen");
  } catch (error) {
    await nginx[Symbol.asyncDispose]();
    throw error;
  }
  return nginx;
}

function spawnNginx(folder: string): Deno.ChildProcess {
  const nginx = [programPath("nginx") ?? "nginx", "-p", folder, "-c", "nginx.conf", "-e", "logs/error.log"];
  const user = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups"];
  const [program, ...args] = isRoot() ? [...user, ...nginx] : nginx;
  return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
}

/** Folders and files that the configuration names; writable for whichever user nginx runs as. */
async function writeFolder(folder: string, conf: string): Promise<void> {
  await Deno.chmod(folder, 0o777);
  for (const name of ["logs", "temp", "www", "www/any", "www/folder"]) {
    await Deno.mkdir(join(folder, name));
    await Deno.chmod(join(folder, name), 0o777);
  }
  await Deno.writeTextFile(join(folder, "nginx.conf"), conf);
  await Deno.writeTextFile(join(folder, "www/page.html"), "<p>A page.\n");
}

function exists(path: string): true | undefined {
  try {
    return Deno.statSync(path).isFile ? true : undefined;
  } catch {
    return undefined;
  }
}

/** The server is the only one, so every host gets there. */
function configuration(ports: { v4: number; v6: number }, silentPort: number, accessLogs: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path temp/${name};`).join(" ");
  const fields =
    "$host\\t$remote_addr\\t$msec\\t$request_method\\t$request_uri\\t$status\\t$body_bytes_sent\\t$request_time";
  return `
daemon off;
pid nginx.pid;
worker_processes 2;
events { worker_connections 1024; }
http {
  ${temporary}
  log_format logtail '${fields}';
  log_format logtail10 '${fields}\\t$is_tor\\t$asn';
  geo $is_tor { default 0; 198.18.7.0/24 1; 2001:db8:7::/48 1; }
  geo $asn { default -; 198.18.0.0/16 64500; 2001:db8::/32 64501; }
  split_clients $request_id $part { 33% a; 33% b; * c; }
  map $part $part_a { a 1; default 0; }
  map $part $part_b { b 1; default 0; }
  map $part $part_c { c 1; default 0; }
  access_log logs/access.log logtail10;
  ${accessLogs}
  access_log logs/part-a.log logtail if=$part_a;
  access_log logs/part-b.log logtail if=$part_b;
  access_log logs/part-c.log logtail if=$part_c;

  set_real_ip_from 127.0.0.0/8;
  set_real_ip_from ::1;
  real_ip_header X-Real-IP;

  keepalive_requests 10000000;
  keepalive_timeout 60s;
  etag off;
  if_modified_since before;
  client_header_buffer_size 1k;
  large_client_header_buffers 4 ${REQUEST_LINE_BYTES_MAX};
  client_max_body_size ${BODY_BYTES_MAX};
  types { text/html html; }

  server {
    listen 127.0.0.1:${ports.v4} default_server;
    listen [::1]:${ports.v6} default_server ipv6only=on;
    server_name ${FALLBACK_HOST} *.example;
    root www;

    location /any/ { try_files /page.html =404; }
    location /form/ { return 200 "thank you\\n"; }
    location /private/ { deny all; }
    location /loop/ { rewrite ^ /loop/again last; }
    location /silent/ { proxy_pass http://127.0.0.1:${silentPort}; }
    location /slow/ { proxy_pass http://127.0.0.1:${silentPort}; proxy_read_timeout 1s; }
    location /closed/ { proxy_pass http://127.0.0.1:${CLOSED_PORT}; }
  }
}
`;
}
