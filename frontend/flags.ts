/** The flags of the frontend: one table, from which parser, help and documentation follow. */
import { listenMistake, targetMistake } from "@/core/host/listen_address.ts";
import type { Program } from "@/core/host/flags.ts";
import { CLIENT_SECURITY_FLAGS, tokenFlag } from "@/core/host/security_flags.ts";
import { LOG_FORMAT_FLAG, promListenFlag } from "@/core/host/service_flags.ts";
import { PAGE_ROWS_MAX, REFRESH_SECONDS_MAX } from "./request.ts";

export const FRONTEND: Program = {
  role: "frontend",
  program: "nginx-logtail-frontend",
  summary: "Serves the dashboard: drill-down pages in plain HTML, answered by a collector or an aggregator.",
  flags: [
    {
      name: "listen",
      kind: "text",
      default: ":8080",
      placeholder: "HOST:PORT",
      help: "address to serve HTTP on; without a host, IPv4 and IPv6 on every interface",
      check: listenMistake,
      touches: "listens",
    },
    {
      name: "target",
      kind: "text",
      default: "localhost:9091",
      placeholder: "HOST:PORT",
      help: "collector or aggregator that answers",
      check: targetMistake,
      touches: "connects",
    },
    {
      name: "target-allow",
      kind: "list",
      placeholder: "HOST:PORT,…",
      help: "other collectors and aggregators that ?target= may ask; a source that the target lists needs no entry",
      check: targetMistake,
      touches: "connects",
    },
    { name: "n", kind: "number", default: "25", min: 1, max: PAGE_ROWS_MAX, help: "rows of a ranking" },
    {
      name: "refresh",
      kind: "number",
      default: "30",
      placeholder: "SECONDS",
      min: 0,
      max: REFRESH_SECONDS_MAX,
      help: "seconds between two loads of a page; 0: pages do not reload by themselves",
    },
    {
      name: "client-rate",
      kind: "number",
      default: "100",
      placeholder: "N",
      min: 0,
      max: 100_000,
      help: "requests a second that one client may make, on average; 0 lifts the limit",
    },
    {
      name: "password-file",
      kind: "text",
      placeholder: "PATH",
      help: "who may see anything: name:hash a line, as htpasswd -B writes it; looked at every ten seconds",
      touches: "reads",
    },
    {
      name: "tls-cert",
      kind: "text",
      placeholder: "PATH",
      help: "certificate (PEM, with its chain) to serve HTTPS; looked at every ten seconds",
      touches: "reads",
    },
    { name: "tls-key", kind: "text", placeholder: "PATH", help: "its private key (PEM)", touches: "reads" },
    promListenFlag("", ":9102"),
    LOG_FORMAT_FLAG,
    ...CLIENT_SECURITY_FLAGS,
    tokenFlag("token-file"),
  ],
};
