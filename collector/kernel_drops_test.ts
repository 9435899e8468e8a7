import { assertEquals } from "@std/assert";
import type { FileTrouble } from "@/core/host/file_trouble.ts";
import { openLog } from "@/core/host/log.ts";
import { KernelDrops } from "./kernel_drops.ts";
import type { ReceiverState } from "./receiver_thread.ts";
import { udpInput } from "./socket_input.ts";

/** A table in which the socket of port 514 has dropped so many, and nothing of port 515. */
function table(drops: number): string {
  return ` 1: 00000000:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 43160 2 0000000000000000 ${drops}\n`;
}

interface Fixture {
  readonly drops: KernelDrops;
  readonly log: readonly string[];
  readonly state: { -readonly [Key in keyof ReceiverState]: ReceiverState[Key] };
  text: string | FileTrouble;
}

function fixture(tables: readonly string[] = ["-"], probesDropped = 0): Fixture {
  const log: string[] = [];
  const state = {
    input: udpInput("0.0.0.0:514"),
    port: 514,
    problem: "",
    starts: 1,
    probesDropped,
    connections: undefined,
  };
  const made: Fixture = {
    drops: new KernelDrops({
      tables,
      read: () => made.text,
      states: () => [state],
      log: openLog("collector", (line) => void log.push(line)),
    }),
    log,
    state,
    text: table(0),
  };
  return made;
}

Deno.test("what was dropped since the last look is told, and 0 is worth telling", () => {
  const f = fixture();
  assertEquals([f.drops.look(), f.drops.total], [0, 0]);
  f.text = table(7);
  assertEquals([f.drops.look(), f.drops.total], [7, 7]);
  assertEquals([f.drops.look(), f.drops.total], [0, 7]);
});

Deno.test("what was dropped of our own probes is not counted", () => {
  const f = fixture(["-"], 747);
  f.text = table(750);
  assertEquals([f.drops.look(), f.drops.total], [3, 3]);
  f.text = table(752);
  assertEquals(f.drops.look(), 2);
});

Deno.test("a socket that was bound anew begins anew", () => {
  const f = fixture(["-"], 100);
  f.text = table(150);
  assertEquals(f.drops.look(), 50);
  f.state.starts = 2;
  f.text = table(160);
  assertEquals([f.drops.look(), f.drops.total], [60, 110]);
});

Deno.test("what was not handed in, cannot be read or does not name the socket is unknown, and said once", () => {
  const without = fixture([]);
  assertEquals([without.drops.look(), without.drops.total, without.log.length], [undefined, undefined, 0]);
  const f = fixture();
  f.text = { trouble: "denied", reason: "permission denied" };
  assertEquals([f.drops.look(), f.drops.look(), f.drops.total], [undefined, undefined, undefined]);
  assertEquals(f.log.map((line) => /why="(.*)"/.exec(line)?.[1]), ["cannot read standard input: permission denied"]);
  f.state.port = 515;
  f.text = table(1);
  assertEquals([f.drops.look(), f.log.length], [undefined, 2]);
  f.state.port = 514;
  assertEquals([f.drops.look(), f.drops.total], [1, 1]);
});
