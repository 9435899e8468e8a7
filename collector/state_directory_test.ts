import { assertEquals } from "@std/assert";
import { emptyBucket } from "@/core/bucket.ts";
import { bucketChecksum } from "@/core/bucket_check.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { LiveView } from "@/core/live_view.ts";
import type { Position } from "./position.ts";
import { type OpenState, openState } from "./state_directory.ts";

const START = 1_700_006_400;

Deno.test("a directory that is opened again has the numbers, the slots, and positions that can be used", async () => {
  const directory = await Deno.makeTempDir(), said: string[] = [];
  const open = async (): Promise<OpenState & { readonly view: LiveView }> => {
    const view = new LiveView({ source: "s", seed: 1, regex: linearRegex, targets: () => [] });
    const log = openLog("collector", (line) => void said.push(line), () => 0);
    const common = { directory, source: "s", instance: `${said.length}`.padStart(16, "0"), view, log };
    return { ...await openState({ ...common, nowS: () => START, monotonicMs: () => 0 }), view };
  };
  try {
    const first = await open(), bucket = emptyBucket(START, 10);
    assertEquals(first.thread, undefined);
    const identity = { source: "s", instance: first.instance, sequence: 1, checksum: bucketChecksum(bucket) };
    const good = positionAt(7), bad = { ...positionAt(9), inode: 2, offset: -1 };
    const change = { endS: START + 10, nowS: START + 11, deltas: [{ identity, bucket }], positions: [good, bad] };
    first.saver.save(change);
    await first.saver.stop();
    assertEquals(first.view.deltaLog.at(0)?.identity, identity, "what is saved is handed out");

    const second = await open();
    assertEquals([second.instance, second.sequence.sequence], [first.instance, 1]);
    assertEquals(second.thread, { positions: [good], scanned: [], endS: START + 10, nowS: START + 11 });
    assertEquals(second.view.store.rings[0].at(START)?.knownS, 10);
    assertEquals(said.filter((line) => line.includes("a position in the state cannot be used")).length, 1);
    await second.saver.stop();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function positionAt(offset: number): Position {
  const fingerprint = { headBytes: 0, headHash: 0, tailBytes: 0, tailHash: 0 };
  const rest = { modifiedMs: 0, generation: 0, insideTooLong: false, fingerprint, compressed: false, done: false };
  return { path: "/a.log", device: 1, inode: 1, offset, ...rest };
}
