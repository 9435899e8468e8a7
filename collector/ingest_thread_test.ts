import { assertEquals, assertThrows } from "@std/assert";
import { MachineRefusal } from "@/core/host/exit.ts";
import { openLog } from "@/core/host/log.ts";
import { REQUESTS } from "@/core/measures.ts";
import type { Bucket } from "@/core/bucket.ts";
import { type IngestThreadOptions, startIngestThread } from "./ingest_thread.ts";

function options(more: Partial<IngestThreadOptions>): IngestThreadOptions {
  return {
    patterns: [],
    from: "start",
    source: "s",
    masks: { v4Bits: 24, v6Bits: 48 },
    seed: 1,
    log: openLog("collector", () => {}),
    onSealed: () => {},
    ...more,
  };
}

Deno.test("a thread follows a log and, when stopped, has posted all it read", async () => {
  const folder = Deno.makeTempDirSync(), path = `${folder}/access.log`, buckets: Bucket[] = [];
  const text = `h\t192.0.2.1\t${Math.floor(Date.now() / 1000)}.000\tGET\t/\t200\t10\t0.001\n`.repeat(1000);
  Deno.writeTextFileSync(path, text);
  const thread = startIngestThread(
    options({ patterns: [path], onSealed: (sealed) => buckets.push(...sealed.buckets) }),
  );
  await thread.stop();
  const counted = buckets.reduce((sum, { totals }) => sum + totals[REQUESTS], 0);
  assertEquals(counted, 1000);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a thread that dies is started again from its last positions, and what it had not seen is new", async () => {
  const started = Promise.withResolvers<number>();
  const lines: string[] = [];
  const thread = startIngestThread(options({
    entry: new URL("./dying_worker_fixture.ts", import.meta.url),
    from: "end",
    log: openLog("collector", (line) => void lines.push(line)),
    onSealed: ({ endS }) => endS > 0 && started.resolve(endS),
  }));
  assertEquals(await started.promise, 77);
  assertEquals(lines.filter((line) => line.includes("the fixture dies")).length, 1);
  await thread.stop();
});

Deno.test({
  name: "a thread that may not read its logs is refused with the flag that would help",
  permissions: { read: [new URL("../", import.meta.url)] },
  fn: () => {
    const error = assertThrows(() => startIngestThread(options({ patterns: ["/srv/logs/*.log"] })), MachineRefusal);
    assertEquals(/--allow-read=.*\/srv\/logs/.test(error.message), true, error.message);
  },
});
