import { assert, assertEquals } from "@std/assert";
import { openLog } from "./log.ts";
import { type DirectoryWatch, watchDirectories } from "./watch.ts";

const NEVER_MS = 3_600_000;

/** A directory of its own, a watch on `below`, and a way to wait for the next wake-up: whether names may have changed. */
async function withWatch(
  below: string,
  pollMs: number,
  body: (directory: string, woken: () => Promise<boolean>, watch: DirectoryWatch) => Promise<void>,
): Promise<readonly string[]> {
  const directory = await Deno.makeTempDir();
  const lines: string[] = [];
  let wake = Promise.withResolvers<boolean>();
  const log = openLog("test", (line) => lines.push(line));
  const watch = watchDirectories([directory + below], (names) => wake.resolve(names), { pollMs, log });
  const woken = async (): Promise<boolean> => {
    const names = await wake.promise;
    wake = Promise.withResolvers<boolean>();
    return names;
  };
  try {
    await body(directory, woken, watch);
  } finally {
    watch.close();
    await Deno.remove(directory, { recursive: true });
  }
  return lines;
}

Deno.test("a write in a watched directory wakes without waiting for the poll", async () => {
  await withWatch("", NEVER_MS, async (directory, woken) => {
    await woken(); // The start of a watch wakes once.
    Deno.writeTextFileSync(`${directory}/a.log`, "line\n");
    await woken();
    Deno.renameSync(`${directory}/a.log`, `${directory}/a.log.1`);
    await woken();
  });
});

Deno.test("a write to a file says that no name has changed; a new file, a rename and a removal that one may have", async () => {
  await withWatch("", NEVER_MS, async (directory, woken) => {
    await woken();
    Deno.writeTextFileSync(`${directory}/a.log`, "line\n");
    assertEquals(await woken(), true, "created");
    for (let time = 0; time < 2; time++) {
      Deno.writeTextFileSync(`${directory}/a.log`, "line\n", { append: true });
      assertEquals(await woken(), false, "written to");
    }
    Deno.truncateSync(`${directory}/a.log`);
    assertEquals(await woken(), false, "truncated");
    Deno.writeTextFileSync(`${directory}/a.log`, "line\n", { append: true });
    Deno.renameSync(`${directory}/a.log`, `${directory}/b.log`);
    assertEquals(await woken(), true, "written to and renamed");
    Deno.removeSync(`${directory}/b.log`);
    assertEquals(await woken(), true, "removed");
  });
});

Deno.test("a directory that does not exist is polled, and watched once it exists, as often as it vanishes", async () => {
  const lines = await withWatch("/later", 20, async (directory, woken, watch) => {
    for (let time = 0; time < 2; time++) {
      await woken();
      Deno.mkdirSync(`${directory}/later`);
      await woken();
      Deno.writeTextFileSync(`${directory}/later/a.log`, "line\n");
      await woken();
      Deno.removeSync(`${directory}/later`, { recursive: true });
    }
    watch.update([directory]);
    await woken();
  });
  assertEquals(lines, []);
});

Deno.test("other directories can be watched instead", async () => {
  await withWatch("/none", NEVER_MS, async (directory, woken, watch) => {
    watch.update([directory]);
    await woken();
    Deno.writeTextFileSync(`${directory}/a.log`, "line\n");
    await woken();
  });
});

Deno.test("when no watch can be had, polling goes on and the log says once what would help", async () => {
  const watchFs = Deno.watchFs;
  Deno.watchFs = (): never => {
    throw new Error("No space left on device (os error 28)");
  };
  try {
    const lines = await withWatch("", 5, async (_, woken) => {
      for (let polls = 0; polls < 10; polls++) await woken();
    });
    assertEquals(lines.length, 1);
    assert(lines[0].includes("raise fs.inotify.max_user_watches"), lines[0]);
  } finally {
    Deno.watchFs = watchFs;
  }
});
