/** The flags of the aggregator: one table, from which parser, help and documentation follow. */
import { SOURCES_MAX } from "@/core/bounds.ts";
import type { Program } from "@/core/host/flags.ts";
import { listenMistake, targetMistake } from "@/core/host/listen_address.ts";
import { CLIENT_SECURITY_FLAGS, SERVER_SECURITY_FLAGS, tokenFlag } from "@/core/host/security_flags.ts";
import { LOG_FORMAT_FLAG, promListenFlag } from "@/core/host/service_flags.ts";
import { sourceMistake } from "@/core/host/source_name.ts";

/** The flag that names the file with the token for collectors; `--token-file` is what callers must bring here. */
export const COLLECTORS_TOKEN = "collectors-token-file";

export const AGGREGATOR: Program = {
  role: "aggregator",
  program: "nginx-logtail-aggregator",
  summary: "Follows any number of collectors, merges what they count, and answers for all of them over gRPC.",
  flags: [
    {
      name: "listen",
      kind: "text",
      default: ":9091",
      placeholder: "HOST:PORT",
      help: "address to serve gRPC on; without a host, IPv4 and IPv6 on every interface",
      check: listenMistake,
      touches: "listens",
    },
    {
      name: "collectors",
      kind: "list",
      required: true,
      placeholder: "HOST:PORT,…",
      help: `collectors to follow, at most ${SOURCES_MAX}; @FILE reads them from a file, one a line, again on SIGHUP`,
      check: (value) => value.startsWith("@") ? undefined : targetMistake(value),
      touches: "other",
    },
    {
      name: "source",
      kind: "text",
      placeholder: "NAME",
      help: "name in answers; the host name when not given",
      check: sourceMistake,
    },
    {
      name: "state-dir",
      kind: "text",
      placeholder: "PATH",
      help:
        "directory for what was merged, so that a restart asks only for what is missing; memory only when not given",
      touches: "keeps",
    },
    promListenFlag(":9101"),
    LOG_FORMAT_FLAG,
    ...SERVER_SECURITY_FLAGS,
    ...CLIENT_SECURITY_FLAGS,
    tokenFlag(COLLECTORS_TOKEN),
  ],
};
