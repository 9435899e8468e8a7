import { assertEquals, assertRejects } from "@std/assert";
import { kernelModule, kernelSources } from "./kernel_build.ts";

Deno.test("the kernel that runs is the one whose sources stand beside it", async () => {
  const built = Deno.readTextFileSync(new URL("../kernel_bytes.ts", import.meta.url));
  assertEquals(await kernelModule(kernelSources()), built, "run `deno task kernel` and commit what it writes");
});

Deno.test("sources that do not compile say what is wrong with them", async () => {
  const sources = new Map(kernelSources()).set("kernel.ts", "export function f(): i32 { return nothing; }");
  await assertRejects(() => kernelModule(sources), Error, "Cannot find name 'nothing'");
});
