import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { systemStateFiles } from "./state_files.ts";
import { StateLog, StateTrouble } from "./state_log.ts";
import { MachineRefusal } from "./endings.ts";

Deno.test("a directory of this machine keeps what was appended, and belongs to one process at a time", async () => {
  const above = await Deno.makeTempDir(), directory = join(above, "state");
  try {
    const open = (): Promise<StateLog> =>
      StateLog.open({ files: systemStateFiles(directory), directory, random: () => 7 });
    const log = await open();
    const first = { kind: 16, version: 1, text: "{}", blocks: [] };
    const large = { kind: 17, version: 1, text: "large", blocks: [new Uint8Array(200_000).fill(3), new Uint8Array(8)] };
    await log.append([{ ...first, kind: 17, text: "small" }, large], () => first);
    const refused = await assertRejects(open, MachineRefusal);
    assertEquals(refused.message.includes("another process uses it"), true, refused.message);
    log.close();
    const again = await open();
    assertEquals(again.records.map(({ text }) => text), ["{}", "small", "large"]);
    const block = await again.blocks(again.records[2]);
    assertEquals([block.length, block[0], block[199_999], block[200_000]], [200_008, 3, 3, 0]);
    again.close();
  } finally {
    await Deno.remove(above, { recursive: true });
  }
});

Deno.test("what the system refuses is said in words", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const files = systemStateFiles(directory);
    await files.create("a");
    assertEquals((await assertRejects(() => files.create("a"), StateTrouble)).reason, "it exists already");
    assertEquals((await assertRejects(() => files.read("b"), StateTrouble)).reason, "it does not exist");
    const inFile = systemStateFiles(join(directory, "a"));
    await assertRejects(() => inFile.list(), StateTrouble);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
