/** The programs of all roles as JavaScript with everything in it that they import. */
import { join } from "@std/path";

/** What the programs are made of. */
const SOURCES = ["core", "proto", "collector", "aggregator", "frontend", "cli", "deno.json", "deno.lock"];

/**
 * Each role as one file, its threads as one more each; the CLI in parts, of which a command loads those that it needs.
 * Where each stands to the others is as in the sources: the threads are found by that.
 */
const BUNDLES: readonly { readonly folder: string; readonly entries: readonly string[]; readonly split?: true }[] = [
  {
    folder: ".",
    entries: [
      "collector/main.ts",
      "collector/ingest_worker.ts",
      "collector/receiver_worker.ts",
      "aggregator/main.ts",
      "frontend/main.ts",
    ],
  },
  { folder: "cli", entries: ["cli/main.ts", "cli/count_worker.ts"], split: true },
];

/** Runs a program in a folder; resolves to its output, and throws when it fails. */
export type Run = (program: string, args: readonly string[], cwd: string) => Promise<string>;

/**
 * Writes them below `work`, and resolves to the folder. In a copy of the sources with the packages beside it: their paths,
 * which get into what is written, are then the same on every machine.
 */
export async function bundleRoles(root: string, work: string, deno: string, run: Run): Promise<string> {
  const sources = join(work, "sources"), out = join(work, "out");
  await run("mkdir", [sources], work);
  await run("cp", ["-r", ...SOURCES, sources], root);
  for (const { folder, entries, split } of BUNDLES) {
    const flags = ["--quiet", "--frozen", "--node-modules-dir=auto", "--platform=deno"];
    if (split) flags.push("--code-splitting");
    await run(deno, ["bundle", ...flags, "--outdir", join(out, folder), ...entries], sources);
  }
  return out;
}
