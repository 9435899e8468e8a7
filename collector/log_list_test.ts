import { assertEquals, assertThrows } from "@std/assert";
import { MachineRefusal, UsageError } from "@/core/host/endings.ts";
import { readFlags } from "@/core/host/flags.ts";
import { openLog } from "@/core/host/log.ts";
import type { TextFileTrouble } from "@/core/host/text_file.ts";
import { COLLECTOR } from "./flags.ts";
import { type FollowedLogs, LogList } from "./log_list.ts";

interface Fixture {
  readonly files: Map<string, string | TextFileTrouble>;
  readonly log: string[];
  read(): FollowedLogs;
}

/** Files are a map; a pattern matches what begins with the part before its star. */
function fixture(
  conf: string | TextFileTrouble,
  args: readonly string[] = ["--nginx-conf=/etc/nginx/nginx.conf"],
): Fixture {
  const files = new Map<string, string | TextFileTrouble>([["/etc/nginx/nginx.conf", conf]]), log: string[] = [];
  const list = new LogList({
    flags: readFlags(COLLECTOR, args, () => undefined),
    log: openLog("collector", (line) => void log.push(line.slice(21)), () => 0),
    hasOthers: false,
    files: {
      read: (path) => files.get(path) ?? { reason: "no such file", remedy: "create it or correct the path" },
      expand: (pattern) => {
        const start = pattern.slice(0, pattern.indexOf("*"));
        const denied = { directory: start, trouble: "not_granted" as const, reason: "not granted" };
        if (start.startsWith("/elsewhere")) return { paths: [], refused: [denied] };
        return { paths: [...files.keys()].filter((path) => path.startsWith(start)).sort(), refused: [] };
      },
    },
  });
  return { files, log, read: () => list.read() };
}

const SITES = `http { include formats.conf; access_log /var/log/a.log main; include sites/*.conf; }`;

Deno.test("the logs and formats of nginx's configuration are found, includes followed", () => {
  const { files, log, read } = fixture(SITES);
  files.set("/etc/nginx/formats.conf", `log_format main '$remote_addr "$request" $status';`);
  files.set("/etc/nginx/sites/1.conf", "server { access_log /var/log/1.log; }");
  files.set(
    "/etc/nginx/sites/2.conf",
    "server { access_log /var/log/2.log main buffer=64k; include /etc/nginx/more; }",
  );
  const { patterns, formats } = read();
  assertEquals(patterns, ["/var/log/a.log", "/var/log/1.log", "/var/log/2.log"]);
  assertEquals(formats.logs.map(({ formats: [{ name, text }] }) => name ?? text), ["@main", "combined", "@main"]);
  assertEquals(formats.known.map(({ name }) => name), ["@main"]);
  assertEquals(log, [
    "info collector: a log of nginx's configuration is followed path=/var/log/a.log format=@main",
    "info collector: a log of nginx's configuration is followed path=/var/log/1.log format=combined",
    "info collector: a log of nginx's configuration is followed path=/var/log/2.log format=@main",
    "warn collector: lines of a log come late: nginx writes its lines when 64k of them are there, however long that takes; " +
    "add flush=5s to it path=/var/log/2.log",
    "warn collector: it is not read: no such file; create it or correct the path at=/etc/nginx/more",
  ]);
});

Deno.test("read again, only what has changed is logged", () => {
  const { files, log, read } = fixture("http { log_format m '$host'; access_log /a; access_log /b; access_log /$c; }");
  read();
  assertEquals(log.length, 3);
  read();
  assertEquals(log.length, 3);
  files.set("/etc/nginx/nginx.conf", "http { log_format m '$host'; access_log /a m; access_log /d; access_log /$c; }");
  assertEquals(read().patterns, ["/a", "/d"]);
  assertEquals(log.slice(3).map((line) => line.replace("info collector: a log ", "")), [
    "of nginx's configuration is written otherwise now path=/a format=@m",
    "of nginx's configuration is followed path=/d format=combined",
    "is no longer in nginx's configuration, and not followed for it path=/b",
  ]);
});

Deno.test("the list of logs stands beside nginx's configuration, without doubles", () => {
  const args = ["--nginx-conf=/etc/nginx/nginx.conf", "--logs=/a,/x/*.log"];
  assertEquals(fixture("http { access_log /a; access_log /b; }", args).read().patterns, ["/a", "/b", "/x/*.log"]);
});

Deno.test("@name is a format of nginx's configuration, or a mistake that names those there are", () => {
  const conf = "http { log_format main '$host $status'; access_log /a; }";
  const args = (more: string): string[] => ["--nginx-conf=/etc/nginx/nginx.conf", more];
  assertEquals(fixture(conf, args("--format=@main")).read().formats.lines.text, "$host $status");
  const mistake = (more: string[]): string => assertThrows(() => fixture(conf, more).read(), UsageError).message;
  const wrong = mistake(args("--udp-format=@mian"));
  assertEquals(
    wrong.includes("--udp-format @mian: nginx's configuration defines no such log_format; it has @main"),
    true,
    wrong,
  );
  const alone = mistake(["--logs=/a", "--format=@main"]);
  assertEquals(alone.includes("give --nginx-conf as well"), true, alone);
});

Deno.test("the client is a variable of the formats, and one that a format does not have is a mistake", () => {
  const conf = `http { log_format main '$host [$http_x_real_ip] $remote_addr'; access_log /a main; }`;
  const args = (format: string): string[] => [
    ...["--nginx-conf=/etc/nginx/nginx.conf", "--client=$http_x_real_ip", `--format=${format}`],
  ];
  const { lines, logs } = fixture(conf, args("@main")).read().formats;
  assertEquals([lines.client, logs[0].formats[0].client], ["http_x_real_ip", "http_x_real_ip"]);
  assertThrows(() => fixture(conf, args("combined")).read(), UsageError, "$http_x_real_ip");
});

Deno.test("a configuration that cannot be read is refused with what would help", () => {
  const refused = (conf: string | TextFileTrouble): string =>
    assertThrows(() => fixture(conf).read(), MachineRefusal).message;
  const path = "Cannot read --nginx-conf /etc/nginx/nginx.conf";
  assertEquals(
    refused({ reason: "not granted to this process", remedy: "start it with --allow-read=/etc/nginx/nginx.conf" }),
    `${path}: not granted to this process; start it with --allow-read=/etc/nginx beside what it has`,
  );
  assertEquals(
    refused({ reason: "permission denied", remedy: "let the role's user read it" }),
    `${path}: permission denied; let the role's user read it`,
  );
  assertEquals(refused("http {"), `${path}: the block of line 1 is not closed; "}" is missing; nginx -t says more`);
  assertThrows(() => fixture("http { access_log off; }").read(), UsageError, "it names no log that can be followed");
});

Deno.test("includes that cannot be read are named, and those that include each other end", () => {
  const { files, log, read } = fixture("http { access_log /a; include /elsewhere/*.conf; include loop.conf; }");
  files.set("/etc/nginx/loop.conf", "include loop.conf;");
  assertEquals(read().patterns, ["/a"]);
  assertEquals(log.slice(1), [
    "warn collector: include /elsewhere/*.conf is not read: /elsewhere/: not granted; start it with " +
    "--allow-read=/elsewhere/ beside what it has at=/etc/nginx/nginx.conf:1",
    "warn collector: include loop.conf is not read: more than 16 files deep at=/etc/nginx/loop.conf:1",
  ]);
});
