/** The flags of the collector: one table, from which parser, help and documentation follow. */
import type { Program } from "@/core/host/flags.ts";
import { listenMistake } from "@/core/host/listen_address.ts";
import { SERVER_SECURITY_FLAGS } from "@/core/host/security_flags.ts";
import { LOG_FORMAT_FLAG, promListenFlag } from "@/core/host/service_flags.ts";
import { FORMAT_FLAGS } from "./format_flags.ts";
import { sourceMistake } from "@/core/host/source_name.ts";
import { syslogInputMistake } from "./socket_input.ts";

export const COLLECTOR: Program = {
  role: "collector",
  program: "nginx-logtail-collector",
  summary: "Follows nginx logs, counts requests in memory, and answers questions about them over gRPC.",
  oneOf: ["logs", "logs-file", "nginx-conf", "udp-listen", "syslog-listen", "stdin"],
  flags: [
    {
      name: "listen",
      kind: "text",
      default: ":9090",
      placeholder: "HOST:PORT",
      help: "address to serve gRPC on; without a host, IPv4 and IPv6 on every interface",
      check: listenMistake,
      touches: "listens",
    },
    {
      name: "logs",
      kind: "list",
      placeholder: "PATH,…",
      help: "logs to follow: paths or globs such as /var/log/nginx/*.log",
      touches: "other",
    },
    {
      name: "logs-file",
      kind: "text",
      placeholder: "PATH",
      help: "file with one path or glob a line, # begins a comment; read again on SIGHUP",
      touches: "other",
    },
    {
      name: "nginx-conf",
      kind: "text",
      placeholder: "PATH",
      help: "nginx's configuration, such as /etc/nginx/nginx.conf: its access logs are followed; read again on SIGHUP",
      touches: "other",
    },
    ...FORMAT_FLAGS,
    {
      name: "udp-listen",
      kind: "text",
      placeholder: "HOST:PORT",
      help: "address to take datagrams of one or more log lines on, such as :9514",
      check: listenMistake,
      touches: "listens",
    },
    {
      name: "syslog-listen",
      kind: "list",
      placeholder: "URL,…",
      help: "where to take syslog: udp://:514, tcp://:601, unix:/run/logtail/syslog.sock",
      check: syslogInputMistake,
      touches: "other",
    },
    {
      name: "stdin",
      kind: "switch",
      help: "take log lines on standard input; its end ends the collector if there is nothing else",
    },
    {
      name: "udp-drops",
      kind: "list",
      placeholder: "PATH,…",
      help:
        "the kernel's tables /proc/net/udp and udp6, handed in as files, or as - on standard input: datagrams it drops are counted",
      touches: "other",
    },
    promListenFlag(":9100"),
    LOG_FORMAT_FLAG,
    {
      name: "from",
      kind: "text",
      default: "end",
      choices: ["end", "start"],
      help: "where to begin in a log never seen before",
    },
    {
      name: "state-dir",
      kind: "text",
      placeholder: "PATH",
      help:
        "directory for what was counted and read, so that a restart goes on exactly there; memory only when not given",
      touches: "keeps",
    },
    {
      name: "source",
      kind: "text",
      placeholder: "NAME",
      help: "name in answers; the host name when not given",
      check: sourceMistake,
    },
    { name: "v4prefix", kind: "number", default: "24", min: 0, max: 32, help: "bits of an IPv4 client that count" },
    { name: "v6prefix", kind: "number", default: "48", min: 0, max: 128, help: "bits of an IPv6 client that count" },
    ...SERVER_SECURITY_FLAGS,
  ],
};
