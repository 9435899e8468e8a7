/** `nginx-logtail version`. */
import { EXIT, VERSION } from "@/core/host/exit.ts";
import type { FlagValues } from "@/core/host/flags.ts";
import { PROGRAM_NAME } from "./flags.ts";
import { versionJson } from "./json.ts";
import type { Shell } from "./shell.ts";

/** Prints, and resolves to the exit code. */
export function version(flags: FlagValues, shell: Shell): Promise<number> {
  shell.out(flags.on("json") ? versionJson(VERSION) : `${PROGRAM_NAME} ${VERSION}\n`);
  return Promise.resolve(EXIT.ok);
}
