/** How a service writes its events: as --log-format says, and with priorities when the journal reads them. */
import { readEnvironment } from "./exit.ts";
import type { FlagValues } from "./flags.ts";
import { isJournal } from "./journal.ts";
import type { LogStyle } from "./log.ts";

/** Needs JOURNAL_STREAM from the environment for priorities; without that permission there are none. */
export function logStyle(flags: FlagValues): LogStyle {
  const format = flags.text("log-format") === "json" ? "json" : "text";
  return { format, toJournal: isJournal(readEnvironment("JOURNAL_STREAM"), 2) };
}
