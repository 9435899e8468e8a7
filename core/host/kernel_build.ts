/**
 * Compiles the kernel: `deno task kernel` writes `kernel_bytes.ts` from `kernel/*.ts`, and `kernel_build_test.ts` compares the two.
 *
 * The compiler is AssemblyScript's own, pinned. What only runs needs neither it nor this file.
 */
import asc from "assemblyscript";
import { KERNEL_BYTES_MAX } from "@/core/bounds.ts";

const PAGE_BYTES = 65_536, LINE_CHARS = 116;
const OPTIONS = [
  "kernel.ts",
  "--outFile=kernel.wasm",
  "--optimizeLevel=3",
  "--noAssert",
  "--runtime=stub",
  "--enable=simd",
  "--importMemory",
  `--initialMemory=${KERNEL_BYTES_MAX / PAGE_BYTES}`,
  `--maximumMemory=${KERNEL_BYTES_MAX / PAGE_BYTES}`,
  "--disableWarning=201", // addresses have 32 bits here
];

/** The text of `kernel_bytes.ts`. @param sources texts by name */
export async function kernelModule(sources: ReadonlyMap<string, string>): Promise<string> {
  let compiled = new Uint8Array(0);
  const { error, stderr } = await asc.main(OPTIONS, {
    readFile: (name) => sources.get(name) ?? null,
    writeFile: (_, contents) => void (compiled = contents as Uint8Array<ArrayBuffer>),
    listFiles: () => [],
  });
  if (error !== null) throw new Error(`the kernel does not compile: ${error.message}\n${stderr.toString()}`);
  const lines = compiled.toBase64().match(new RegExp(`.{1,${LINE_CHARS}}`, "g")) ?? [];
  return [
    "/** Made by `deno task kernel` from `kernel/*.ts`: not to be changed by hand. */",
    "export const KERNEL = `",
    ...lines,
    "`;",
    "",
  ].join("\n");
}

/** The kernel's sources, as they stand in `core/kernel`. */
export function kernelSources(folder = new URL("../kernel/", import.meta.url)): ReadonlyMap<string, string> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".ts"));
  return new Map(names.map((name) => [name, Deno.readTextFileSync(new URL(name, folder))]));
}

if (import.meta.main) {
  const file = new URL("../kernel_bytes.ts", import.meta.url);
  Deno.writeTextFileSync(file, await kernelModule(kernelSources()));
}
