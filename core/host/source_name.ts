/** The name that a collector or an aggregator answers under: the operator's, or the host's. */
import { SOURCE_NAME_BYTES_MAX } from "@/core/bounds.ts";
import { MachineRefusal } from "./endings.ts";
import type { FlagValues } from "./flags.ts";

/** What is wrong with a source's name, or undefined. Names stand in filters, tables and URLs. */
export function sourceMistake(name: string): string | undefined {
  if (name === "" || name.trim() !== name) return "empty or with blanks around it; use a host name";
  if (/[\p{Cc}\p{Cf},]/u.test(name)) return "has a comma or a control character; use a host name";
  const bytes = new TextEncoder().encode(name).length;
  return bytes > SOURCE_NAME_BYTES_MAX ? `${bytes} bytes long; at most ${SOURCE_NAME_BYTES_MAX}` : undefined;
}

/** The value of --source, or the host's name. Throws MachineRefusal when there is neither. */
export function sourceName(flags: FlagValues): string {
  if (flags.given("source")) return flags.text("source");
  try {
    const name = Deno.hostname();
    if (sourceMistake(name) === undefined) return name;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new MachineRefusal(
      "Cannot read the host name: not granted; give --source NAME or grant --allow-sys=hostname",
    );
  }
  throw new MachineRefusal("Cannot use the host's name: it is empty or odd; give --source NAME");
}
