import { assertEquals } from "@std/assert";
import { closeSync, openSync } from "node:fs";
import { isJournal, withPriority } from "./journal.ts";

Deno.test("each line gets its priority", () => {
  assertEquals(withPriority("error", "a\n  b\n"), "<3>a\n<3>  b\n");
  assertEquals(withPriority("warn", "a"), "<4>a");
});

Deno.test("the journal reads a stream when it is the one that the service manager names, and no other", () => {
  const path = Deno.makeTempFileSync({ dir: "/tmp" }), descriptor = openSync(path, "w");
  const { dev, ino } = Deno.statSync(path);
  assertEquals(isJournal(`${dev}:${ino}`, descriptor), true);
  assertEquals(isJournal(`${dev}:${ino! + 1}`, descriptor), false);
  assertEquals(isJournal(`${dev}:${ino}`, 2), false);
  assertEquals(isJournal(undefined, descriptor), false);
  closeSync(descriptor);
  assertEquals(isJournal(`${dev}:${ino}`, descriptor), false);
  Deno.removeSync(path);
});
