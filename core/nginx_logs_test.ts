import { assertEquals } from "@std/assert";
import { type Directive, parseNginxConf } from "./nginx_conf.ts";
import { type NginxLogs, nginxLogs, type PlacedDirective } from "./nginx_logs.ts";

function find(text: string): NginxLogs {
  const parsed = parseNginxConf(text);
  if ("message" in parsed) throw new Error(parsed.message);
  const placed = (directives: readonly Directive[]): PlacedDirective[] =>
    directives.map((each) => ({ ...each, file: "conf", block: each.block && placed(each.block) }));
  return nginxLogs(placed(parsed), "/etc/nginx");
}

/** `path: format`. */
function logs(text: string): readonly string[] {
  return find(text).logs.map(({ path, formats }) =>
    `${path}: ${formats.map(({ name, text }) => name ?? text).join(" or ")}`
  );
}

function notices(text: string): readonly string[] {
  return find(text).notices.map(({ where, message }) => `${where} ${message}`);
}

Deno.test("access logs are found wherever they stand, each with its format, combined unless another is named", () => {
  const text = `
    stream { log_format s '$remote_addr'; access_log /s.log s; }
    http {
      access_log /http.log;
      access_log /both.log main buffer=8k;
      server {
        access_log /server.log main if=$loggable;
        location / { access_log /location.log combined; limit_except GET { access_log off; } }
        location /quiet { access_log off; access_log /dev/null; }
      }
      server { server_name other; }
      log_format main escape=json '{"h":"$host",' '"a":"$remote_addr"}';
    }`;
  assertEquals(logs(text), [
    "/http.log: combined",
    "/both.log: @main",
    "/server.log: @main",
    "/location.log: combined",
  ]);
  assertEquals(find(text).formats, [
    { text: '{"h":"$host","a":"$remote_addr"}', name: "@main", configured: "json" },
  ]);
  assertEquals(notices(text), []);
});

Deno.test("one log written in several formats is read in all of them", () => {
  const formats = "log_format a '$host a'; log_format b '$host b';";
  const servers = "server { access_log /x a; } server { access_log /x b; } server { access_log /x a; }";
  assertEquals(logs(`http { ${formats} ${servers} }`), ["/x: @a or @b"]);
});

Deno.test("what cannot be followed is named with what would help", () => {
  const http = (log: string): readonly string[] =>
    notices(`http {\n log_format free '$http_a $request $status';\n ${log} }`);
  assertEquals(http("access_log /l/$host.log;"), [
    "conf:3 access_log /l/$host.log is not followed: a variable in its path makes it many; name them with a glob in --logs",
  ]);
  assertEquals(http("access_log /a.gz combined gzip=5 flush=5m;"), [
    "conf:3 access_log /a.gz is not followed: gzip= writes compressed blocks, which end anywhere; leave gzip= out, and let " +
    "logrotate compress",
  ]);
  assertEquals(http("access_log /a combined gzip;").length, 1);
  assertEquals(http("access_log /dev/stdout;"), [
    "conf:3 access_log /dev/stdout is not followed: it is a device; let nginx write a file, or syslog",
  ]);
  assertEquals(http("access_log /a nowhere;"), [
    "conf:3 access_log /a is not followed: there is no log_format nowhere",
  ]);
  assertEquals(http("access_log /a free;"), [
    'conf:3 access_log /a is not followed: log_format free, column 1: $http_a can hold " ", so nothing tells where it ends; ' +
    "put it in double quotes, or a tab behind it",
  ]);
  assertEquals(http("access_log syslog:server=127.0.0.1:514,nohostname main;"), [
    "conf:3 access_log syslog:server=127.0.0.1:514,nohostname goes to a syslog server; if that is this collector, start it " +
    "with --syslog-listen at that address",
  ]);
  assertEquals(http("log_format odd escape=xml '$host'; access_log /a;"), [
    "conf:3 log_format odd has escape=xml, which is not known; it is not used",
  ]);
});

Deno.test("a server without any access log writes the one that was built in, which nobody can know", () => {
  const named = "this server has no access_log, so nginx writes the one it was built with; name it in --logs";
  assertEquals(notices("http { server { listen 80; } }"), [`conf:1 ${named}`]);
  assertEquals(notices("http { access_log off; server { listen 80; } }"), []);
  assertEquals(notices("http { server { access_log /a; } }"), []);
});

Deno.test("a relative path is relative to nginx's prefix, as far as that can be told, and is said", () => {
  assertEquals(logs("http { access_log logs/a.log; }"), ["/etc/nginx/logs/a.log: combined"]);
  assertEquals(notices("http { access_log logs/a.log; }"), [
    "conf:1 access_log logs/a.log is taken to be /etc/nginx/logs/a.log; if not, use --logs",
  ]);
});

Deno.test("how long lines may wait in nginx is known from buffer= and flush=", () => {
  const buffered = (options: string): string | undefined =>
    find(`http { access_log /a combined ${options}; }`).logs[0].buffered;
  assertEquals(buffered(""), undefined);
  assertEquals(buffered("buffer=32k flush=1m"), "nginx writes its lines when 32k of them are there, and 1m at most");
  assertEquals(
    buffered("buffer=32k"),
    "nginx writes its lines when 32k of them are there, however long that takes; add flush=5s to it",
  );
});
