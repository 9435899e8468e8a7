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
