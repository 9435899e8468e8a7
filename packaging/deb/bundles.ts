/** The programs of all roles as JavaScript with everything in it that they import. */
import { join } from "@std/path";

/** What the programs are made of. */
const SOURCES = ["core", "proto", "collector", "aggregator", "frontend", "cli", "deno.json", "deno.lock"];

/**
 * Each role as one file, its threads as one more each. Of the CLI all but help is a file of its own, which is only read when
 * help is not all that was asked for. Where each stands to the others is as in the sources: the threads are found by that.
 */
const BUNDLES: readonly { readonly folder: string; readonly entries: readonly string[]; readonly apart?: string }[] = [
  {
    folder: ".",
    entries: [
      "collector/main.ts",
      "collector/ingest_worker.ts",
      "collector/receiver_worker.ts",
      "aggregator/main.ts",
      "aggregator/answering_worker.ts",
      "frontend/main.ts",
    ],
  },
  { folder: "cli", entries: ["cli/run.ts", "cli/count_worker.ts"] },
  { folder: "cli", entries: ["cli/main.ts"], apart: "run" },
];

/** Runs a program in a folder; resolves to its output, and throws when it fails. */
export type Run = (program: string, args: readonly string[], cwd: string) => Promise<string>;

/** Replaces the text of a file. */
export type Rewrite = (path: string, change: (text: string) => string) => void;

/**
 * Writes them below `work`, and resolves to the folder. In a copy of the sources with the packages beside it: their paths,
 * which get into what is written, are then the same on every machine.
 */
export async function bundleRoles(
  root: string,
  work: string,
  deno: string,
  run: Run,
  rewrite: Rewrite,
): Promise<string> {
  const sources = join(work, "sources"), out = join(work, "out");
  await run("mkdir", [sources], work);
  await run("cp", ["-r", ...SOURCES, sources], root);
  for (const { folder, entries, apart } of BUNDLES) {
    const flags = ["--quiet", "--frozen", "--node-modules-dir=auto", "--platform=deno"];
    if (apart !== undefined) flags.push(`--external=./${apart}.ts`);
    await run(deno, ["bundle", ...flags, "--outdir", join(out, folder), ...entries], sources);
    if (apart !== undefined) rewrite(join(out, folder, "main.js"), (text) => importingBundle(text, apart));
  }
  return out;
}

/** What was left out of a bundle stands beside it as a bundle. */
function importingBundle(text: string, name: string): string {
  const bundled = text.replaceAll(`"./${name}.ts"`, `"./${name}.js"`);
  if (bundled === text) throw new Error(`Cannot find the import of ./${name}.ts`);
  return bundled;
}
