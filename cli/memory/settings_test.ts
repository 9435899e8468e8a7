/** The two settings that save memory (docs/performance.md) stand wherever a role is started that holds buckets. */
import { assert, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);
const V8 = "--v8-flags=--max-semi-space-size=2", MALLOC = "MALLOC_MMAP_THRESHOLD_=16384";
const HOLD_BUCKETS = ["collector", "aggregator"];

Deno.test("tasks and packages start what holds buckets with the settings that save memory, and so does its measurement", () => {
  const { tasks } = JSON.parse(read("deno.json"));
  const texts: string[] = [read("packaging/bin/nginx-logtail-role")];
  for (const name of [...HOLD_BUCKETS, "demo:collector", "up:collector", "memory"]) {
    texts.push(typeof tasks[name] === "string" ? tasks[name] : tasks[name].command);
  }
  for (const text of texts) {
    assertStringIncludes(text, V8);
    assertStringIncludes(text, MALLOC);
  }
});

Deno.test("compiled programs that hold buckets have the runtime's half of them built in", () => {
  const compiled: string[] = JSON.parse(read("deno.json")).tasks.compile.command.split("&&");
  for (const role of HOLD_BUCKETS) {
    const command = compiled.find((command) => command.trim().endsWith(`${role}/main.ts`));
    assert(command?.includes(V8), role);
  }
});

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}
