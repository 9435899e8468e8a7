/** What the aggregator needs beside what its flags say by themselves. */
import type { FlagValues } from "@/core/host/flags.ts";
import { readLinesFile } from "@/core/host/lines_file.ts";
import {
  connectGrants,
  type Grant,
  grant,
  type GrantOptions,
  NARROWER,
  pathGrant,
  QUIET_ENVIRONMENT,
  sourceGrants,
} from "@/core/host/permissions.ts";
import { MODULES } from "./modules.ts";

/** The collectors, the lists of them, and the modules of the thread that answers. */
export function aggregatorGrants(flags: FlagValues, { networks = [] }: GrantOptions): readonly Grant[] {
  return [
    pathGrant("read", MODULES.replace(/\/$/, ""), "its thread reads its modules there"),
    ...flags.list("collectors").flatMap((value) => {
      if (!value.startsWith("@")) return connectGrants(value, `it follows ${value} (--collectors)`, networks);
      const path = value.slice(1), list = pathGrant("read", path, "it reads the list of collectors (--collectors)");
      if (networks.length === 0) {
        return [
          list,
          grant("net", "", `it follows whom ${path} names, and after SIGHUP that may be anyone; ${NARROWER}`),
        ];
      }
      return [
        list,
        ...networks.map((network) => grant("net", network, `it follows whom ${path} names, in this network`)),
        // Of names, only those that are listed now are known.
        ...readLinesFile("--collectors", path).flatMap((address) =>
          connectGrants(address, `it follows ${address} (--collectors)`, networks)
        ),
      ];
    }),
    ...sourceGrants(flags),
    QUIET_ENVIRONMENT,
  ];
}
