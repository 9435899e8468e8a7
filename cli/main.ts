/**
 * Entry of the CLI. Modules are loaded when something needs them: a start that runs them all takes five times as long as that
 * of an empty program, one that only prints help half as long again (`deno task startup`).
 */
import { writeOut } from "@/core/host/output.ts";
import { overviewText } from "./overview.ts";

if (import.meta.main) {
  if (Deno.args.length === 1 && ["--help", "-h"].includes(Deno.args[0])) printOverview();
  const { run } = await import("./run.ts");
  await run();
}

/** Ends the process; returns when it cannot be printed: then the usual way says why. */
function printOverview(): void {
  try {
    writeOut(`${overviewText()}\n`);
  } catch {
    return;
  }
  Deno.exit(0);
}
