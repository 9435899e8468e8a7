import { assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

Deno.test("help needs a handful of modules, and no package", () => {
  assertEquals(loadedBy("cli/main.ts"), [
    "cli/main.ts",
    "cli/overview.ts",
    "core/host/endings.ts",
    "core/host/flag_help.ts",
    "core/host/flag_table.ts",
    "core/host/output.ts",
  ]);
});

Deno.test("before a question is asked, neither formats nor regular expressions nor the engine are loaded", () => {
  const loaded = ["cli/command.ts", "cli/command_topn.ts", "cli/system_shell.ts"].flatMap((path) => loadedBy(path));
  const heavy = /^(npm:)?(@grpc|protobufjs|re2js|proto\/|core\/(formats|pipeline|scan_|filter_match|host\/regex))/;
  assertEquals(loaded.length > 30, true);
  assertEquals(loaded.filter((name) => heavy.test(name)), []);
});

Deno.test("a log is counted without what Node.js has and without regular expressions, which take longer to load than it", () => {
  const loaded = ["cli/run.ts", "cli/command_count.ts", "cli/count_worker.ts"].flatMap((path) => loadedBy(path));
  assertEquals(loaded.includes("core/pipeline.ts"), true);
  assertEquals(loaded.filter((name) => /^(node:|npm:|re2js|core\/host\/regex)/.test(name)), []);
});

/** What is loaded before the first line of a module runs: everything that is imported, but not by `import()`. */
function loadedBy(path: string, loaded = new Set<string>()): readonly string[] {
  if (loaded.has(path)) return [];
  loaded.add(path);
  if (path.endsWith(".ts")) {
    const text = Deno.readTextFileSync(new URL(path, ROOT));
    for (const [, specifier] of text.matchAll(/^(?:import|export)(?! type\b)(?:[^"';]*?\bfrom)?\s+"([^"]+)"/gm)) {
      loadedBy(pathOf(specifier, path), loaded);
    }
  }
  return [...loaded].sort();
}

/** Below the checkout; a package under its own name. */
function pathOf(specifier: string, from: string): string {
  if (specifier.startsWith("@/")) return specifier.slice(2);
  return specifier.startsWith("./") ? `${from.slice(0, from.lastIndexOf("/"))}/${specifier.slice(2)}` : specifier;
}
