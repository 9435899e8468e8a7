/** What the runtime tells of this process, without any permission. */
import { cpuUsage } from "node:process";
import type { ProcessState } from "./role_pages.ts";

export function processState(): ProcessState {
  const { rss, heapUsed, external } = Deno.memoryUsage(), { user, system } = cpuUsage();
  return {
    residentBytes: rss,
    heapBytes: heapUsed,
    externalBytes: external,
    cpuSeconds: (user + system) / 1e6,
    startedS: performance.timeOrigin / 1000,
  };
}
