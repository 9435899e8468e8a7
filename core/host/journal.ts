/** How grave an event is, for the journal: it takes a priority at the beginning of a line (sd-daemon(3)). */

/** Priorities of syslog (RFC 5424, table 2). */
export const PRIORITIES = { info: 6, warn: 4, error: 3 } as const;

/** The text with the priority at the beginning of each line. */
export function withPriority(level: keyof typeof PRIORITIES, text: string): string {
  return text.replace(/^(?=.)/gm, `<${PRIORITIES[level]}>`);
}

/**
 * Whether a descriptor is the stream that the service manager names: a child, or a shell that redirects, has the variable and
 * another stream (systemd.exec(5)).
 *
 * @param named value of JOURNAL_STREAM: device and inode, as `8:12345`
 */
export function isJournal(named: string | undefined, descriptor: number): boolean {
  if (named === undefined) return false;
  try {
    // Loaded by the few that have the variable: an import takes as long as an empty program to start.
    const { dev, ino } = globalThis.process.getBuiltinModule("node:fs").fstatSync(descriptor);
    return named === `${dev}:${ino}`;
  } catch {
    return false; // closed
  }
}
