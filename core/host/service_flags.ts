/** The flags that all roles have which run as services. */
import type { Flag } from "./flag_table.ts";
import { listenMistake } from "./listen_address.ts";

/**
 * Where `role_pages.ts` serves.
 *
 * @param byDefault empty for nowhere. @param example shown then.
 */
export function promListenFlag(byDefault: string, example = byDefault): Flag {
  const otherwise = byDefault === "" ? `, such as ${example}; none when not given` : "; empty for none";
  return {
    name: "prom-listen",
    kind: "text",
    ...byDefault !== "" && { default: byDefault },
    placeholder: "HOST:PORT",
    help: `address to serve /metrics, /healthz and /readyz on over HTTP${otherwise}`,
    check: (value) => value === "" ? undefined : listenMistake(value),
    touches: "listens",
  };
}

/** How events are written; `log_style.ts` reads it. */
export const LOG_FORMAT_FLAG: Flag = {
  name: "log-format",
  kind: "text",
  default: "text",
  choices: ["text", "json"],
  help: "how events are written on standard error: a line of text, or a JSON object, each",
};
