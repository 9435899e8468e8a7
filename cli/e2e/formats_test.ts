/**
 * A real nginx writes the same requests, ordinary and hostile, in every format; each log is read back line by line as the
 * logtail log beside it, and a collector finds all of them in the configuration by itself.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { DIMENSIONS } from "@/core/dimensions.ts";
import type { Escape } from "@/core/escapes.ts";
import { formatOfLine } from "@/core/format_choice.ts";
import { LOGTAIL_FORMAT } from "@/core/format_logtail.ts";
import { autoFormats, formatOf, isFormatMistake } from "@/core/formats.ts";
import { entryLabel } from "@/core/label.ts";
import type { LineFormat } from "@/core/line_batch.ts";
import { stageLine } from "@/core/test_lines.ts";
import { cliJson } from "./answers.ts";
import { isRoot, programPath, realTest } from "./need.ts";
import { answers, CLOSED_PORT, eventually, freePort } from "./ports.ts";
import { startCollector } from "./roles.ts";

const LOGTAIL =
  "$host\\t$remote_addr\\t$msec\\t$request_method\\t$request_uri\\t$status\\t$body_bytes_sent\\t$request_time";
const V1_HEAD = "$host\\t$remote_addr\\t$request_method\\t$request_uri\\t$status";
const V1_TAIL = "$request_time\\t$is_tor\\t$asn\\t$source_tag\\t$server_addr\\t$scheme";
const COMBINED =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

interface LogKind {
  /** Text of the log_format. */
  readonly text: string;
  readonly escape?: Escape;
  /** Of what `auto` finds in it; undefined when it knows no such format. */
  readonly auto?: string;
  /** Dimensions and measures that it does not have. */
  readonly lacks?: readonly string[];
}

/** The name is that of the log_format and of the log. */
const KINDS: Readonly<Record<string, LogKind>> = {
  logtail: { text: LOGTAIL, auto: "logtail" },
  logtail10: { text: `${LOGTAIL}\\t$is_tor\\t$asn`, auto: "logtail" },
  v1: { text: `v1\\t${V1_HEAD}\\t$body_bytes_sent\\t${V1_TAIL}`, auto: "v1", lacks: ["time"] },
  v2: {
    text: `v2\\t${V1_HEAD}\\t$bytes_sent\\t${V1_TAIL}\\t$request_length\\t$upstream_response_time\\t$upstream_status`,
    auto: "v1",
    lacks: ["time", "bytes"],
  },
  vcombined: { text: `$host:$server_port ${COMBINED}`, auto: "combined", lacks: ["request_time"] },
  vcommon: {
    text: '$host $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent',
    auto: "common",
    lacks: ["request_time"],
  },
  jsonlines: {
    text: '{"time":"$time_iso8601","host":"$host","remote_addr":"$remote_addr","user":"$remote_user",' +
      '"request":"$request","status":$status,"body_bytes_sent":$body_bytes_sent,"request_time":$request_time,' +
      '"agent":"$http_user_agent"}',
    escape: "json",
    auto: "json",
  },
  glued: {
    text: '[$time_iso8601] $remote_addr $scheme://$host$request_uri "$http_user_agent" $request_method $status ' +
      "$body_bytes_sent $request_time $upstream_addr $upstream_response_time",
  },
  spaced: {
    text:
      "$msec $remote_addr $host $request_method $http_referer $http_user_agent $status $body_bytes_sent $request_time " +
      "$request_uri",
  },
  raw: {
    text:
      "$msec $remote_addr $host $request_method $http_referer $http_user_agent $status $body_bytes_sent $request_time " +
      "$request_uri",
    escape: "none",
  },
};

realTest(
  ["nginx"],
  "what nginx writes of any request, in any format, is read back as from its logtail log",
  async () => {
    await using nginx = await startNginx();
    for (const request of REQUESTS) await nginx.send(request);
    const lines = await nginx.linesOf("logtail", REQUESTS.length);
    assert(lines.length >= REQUESTS.length, `${lines.length} lines`);
    const said = lines.map((line) => read(LOGTAIL_FORMAT, line));
    for (const [name, { text, escape = "default", auto, lacks = [] }] of Object.entries(KINDS)) {
      const format = formatOf({ text: text.replaceAll("\\t", "\t"), configured: escape, name });
      if (isFormatMistake(format)) throw new Error(`${name}: ${format.message}`);
      const own = await nginx.linesOf(name, lines.length);
      assertEquals(own.length, lines.length, name);
      own.forEach((line, i) => {
        const shown = `${name}: ${new TextDecoder().decode(line)}`;
        // nginx does not say what it has refused to read; the request line does.
        const refused = text.includes('$request"') && said[i].method === "-" ? ["method", "uri"] : [];
        const unknown = [...lacks, ...refused];
        assertEquals(without(read(format, line), unknown), without(said[i], unknown), shown);
        if (auto === undefined) return;
        const padded = Uint8Array.from([...line, 10]);
        assertEquals(formatOfLine(autoFormats([]), padded, 0, line.length)?.name, auto, shown);
      });
    }
  },
);

realTest(
  ["nginx"],
  "a collector finds nginx's logs and formats by itself, and names what it cannot follow",
  async () => {
    await using nginx = await startNginx();
    for (const request of REQUESTS) await nginx.send(request);
    const { length } = await nginx.linesOf("logtail", REQUESTS.length);
    const logs = Object.keys(KINDS).length + 1; // and combined, which needs no log_format
    const conf = join(nginx.folder, "nginx.conf"), flags = [`--nginx-conf=${conf}`, "--from=start"];
    await using collector = await startCollector({ source: "col-1", logs: [], flags, folders: [nginx.folder] });
    let total = 0;
    // The log named `mixed` has each request twice, as v1 and as v2.
    const expected = length * (logs + 2);
    await eventually(async () => {
      total = (await cliJson(collector.address, "status")).total;
      return total === expected || undefined;
    }, () => `expected ${expected}, got ${total}; it said:\n${collector.stderr()}`);
    const tags = await cliJson(collector.address, "tag");
    const tagged = tags.entries.find(({ label }) => label === "edge-1")?.count;
    assertEquals(tagged, 4 * length, "v1, v2, and both of mixed");

    const words = collector.stderr();
    for (const [name, { text }] of Object.entries(KINDS)) {
      if (text !== KINDS.logtail.text) assertStringIncludes(words, `logs/${name}.log format=@${name}`);
    }
    assertStringIncludes(words, 'mixed.log format="@v1 or @v2"');
    assertStringIncludes(words, "$host.log is not followed: a variable in its path makes it many");
    assertStringIncludes(words, "gz is not followed: gzip= writes compressed blocks");
    assertStringIncludes(words, "goes to a syslog server");
    assertStringIncludes(
      words,
      "lines of a log come late: nginx writes its lines when 4k of them are there, and 1s at most",
    );
    assertStringIncludes(words, `log_format ambiguous, column 1: $http_a can hold " "`);

    Deno.writeTextFileSync(join(nginx.folder, "sites/b.conf"), "server { access_log logs/new.log spaced; }");
    collector.signal("SIGHUP");
    await eventually(
      () => collector.stderr().includes("logs/new.log format=@spaced") || undefined,
      () => `it said:\n${collector.stderr()}`,
    );
  },
);

/** Each is sent on a connection of its own. Characters are bytes. */
const REQUESTS: readonly string[] = [
  get("/page.html?id=7", "User-Agent: Mozilla/5.0 (X11; Linux) Firefox/119.0\r\nReferer: https://shop.example/a b\r\n"),
  get("/", "X-Real-IP: 2001:db8:1:2::7\r\n"),
  get("/a|b,c;d[e]", 'User-Agent: \r\nReferer: " 200 1 "-" "x\r\n'),
  get("/caf%C3%A9/caf\xc3\xa9", 'User-Agent: caf\xc3\xa9 \\x41 \\\\ "quoted" tab\there\r\n'),
  get(
    "/missing/\xff\xfe'",
    `Authorization: Basic ${btoa('a b [01/Jan/2020:00:00:00 +0000] "GET / HTTP/1.1" 200 9:x')}\r\n`,
  ),
  get("/failing/", "X-Real-IP: 203.0.113.9\r\nUser-Agent: 0.1, 0.2 : 3\r\n"),
  get(`/long/${"x".repeat(3000)}?q`),
  get("/", "User-Agent: ] - [x] 1.2.3.4 200 \r\n").replace("www.shop.example", 'a"b'),
  "POST /form HTTP/1.1\r\nHost: b.example\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
  "HEAD /page.html HTTP/1.0\r\n\r\n",
  "GET http://absolute.example/page.html?x HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n",
  "GET /old\r\n",
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"\\\r\n\r\n',
  "GET / HTTP/1.1\r\nHost: bad host [1.2.3.4]\r\nConnection: close\r\n\r\n",
  "GET /a b c HTTP/1.1\r\nHost: spaces.example\r\nConnection: close\r\n\r\n",
];

function get(path: string, headers = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: www.shop.example\r\n${headers}Connection: close\r\n\r\n`;
}

/** What a line says, by name; the fast path must say the same. */
function read(format: LineFormat, line: Uint8Array): Record<string, string | number> {
  const masks = { v4Bits: 32, v6Bits: 128 }, staged = stageLine(format, "parse", line, masks, 8)!;
  const scanned = stageLine(format, "scan", line, masks, 8);
  if (scanned !== undefined) assertEquals(scanned, staged);
  assertEquals(staged.reason, "counted", new TextDecoder().decode(line));
  const [, bytes, request_time] = staged.measures;
  const values: Record<string, string | number> = { bytes, request_time, time: staged.timeS };
  for (const d of [0, 1, 2, 3, 4]) values[DIMENSIONS[d].name] = entryLabel(DIMENSIONS[d], staged.entries[d]!);
  return values;
}

function without(values: Record<string, string | number>, names: readonly string[]): Record<string, string | number> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));
}

interface Nginx extends AsyncDisposable {
  readonly folder: string;
  send(request: string): Promise<void>;
  /** Lines of a log, once it has that many. */
  linesOf(name: string, least: number): Promise<readonly Uint8Array[]>;
}

async function startNginx(): Promise<Nginx> {
  const folder = await Deno.makeTempDir({ prefix: "logtail-formats-" }), port = freePort();
  for (const name of ["", "logs", "temp", "www", "sites"]) {
    if (name !== "") await Deno.mkdir(join(folder, name));
    await Deno.chmod(join(folder, name), 0o777);
  }
  await Deno.writeTextFile(join(folder, "www/page.html"), "<p>A page.\n");
  await Deno.writeTextFile(join(folder, "nginx.conf"), CONF);
  await Deno.writeTextFile(join(folder, "formats.conf"), formatsConf());
  await Deno.writeTextFile(join(folder, "sites/a.conf"), siteConf(port));
  const nginx = [programPath("nginx") ?? "nginx", "-p", folder, "-c", "nginx.conf", "-e", "logs/error.log"];
  const user = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups"];
  const [program, ...args] = isRoot() ? [...user, ...nginx] : nginx;
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  const stderr = new Response(child.stderr).text();
  let ended = false;
  const status = child.status.finally(() => ended = true);
  await eventually(async () => {
    if (ended) throw new Error(`nginx ended: ${await stderr}${Deno.readTextFileSync(join(folder, "logs/error.log"))}`);
    return await answers("127.0.0.1", port) || undefined;
  }, () => "nginx does not listen");
  return {
    folder,
    send: (request) => send(port, request),
    linesOf: (name, least) =>
      eventually(() => {
        const lines = linesIn(Deno.readFileSync(join(folder, `logs/${name}.log`)));
        return lines.length >= least ? lines : undefined;
      }, () => `${name}.log does not have ${least} lines`),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      if (!ended) child.kill("SIGTERM");
      await status;
      await stderr;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function send(port: number, request: string): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const bytes = Uint8Array.from(request, (character) => character.charCodeAt(0));
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  // Until nginx closes it: then the request is logged.
  const buffer = new Uint8Array(65_536);
  while (await connection.read(buffer).catch(() => null) !== null);
}

function linesIn(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(10, start);
    if (end < 0) break;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  .map((name) => `${name}_temp_path temp/${name};`).join(" ");

const CONF = `
daemon off;
pid nginx.pid;
worker_processes 1;
events { worker_connections 1024; }
http {
  ${TEMPORARY}
  include formats.conf; # before they are used
  geo $is_tor { default 0; 203.0.113.0/24 1; }
  geo $asn { default -; 203.0.113.0/24 64500; }
  map "" $source_tag { default edge-1; }
  set_real_ip_from 127.0.0.0/8;
  real_ip_header X-Real-IP;
  upstream nobody { server 127.0.0.1:${CLOSED_PORT}; server 127.0.0.2:${CLOSED_PORT}; }
  include sites/*.conf;
}
`;

function formatsConf(): string {
  const formats = Object.entries(KINDS).map(([name, { text, escape }]) =>
    `log_format ${name} ${escape === undefined ? "" : `escape=${escape}`}\n  '${text.replaceAll(" ", " '\n  '")}';`
  );
  return [...formats, "log_format ambiguous '$http_a $request $status';"].join("\n");
}

function siteConf(port: number): string {
  const logs = Object.keys(KINDS).map((name) => `access_log logs/${name}.log ${name};`);
  return `
server {
  listen 127.0.0.1:${port} default_server;
  server_name fallback.test *.example;
  root www;
  ${logs.join("\n  ")}
  access_log logs/combined.log combined buffer=4k flush=1s;
  access_log logs/mixed.log v1;
  access_log "logs/mixed.log" v2;
  access_log logs/$host.log combined;
  access_log logs/packed.gz combined gzip=1 flush=1s;
  access_log logs/ambiguous.log ambiguous;
  access_log syslog:server=127.0.0.1:${CLOSED_PORT},nohostname logtail;
  location /failing/ { proxy_pass http://nobody; }
}
`;
}
