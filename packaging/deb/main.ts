/**
 * Builds the Debian package `nginx-logtail_VERSION_ARCH.deb`: `deno task deb`. The same sources, runtime and date give the
 * same bytes, wherever and whenever it is built.
 *
 *     --out=FOLDER      where to; packaging/dist unless given
 *     --level=0…9       of xz; 6 unless given; `none` packs without
 *     --tree            writes what would be packed into the folder instead; the runtime is a link
 *
 * The date is SOURCE_DATE_EPOCH, or that of the last commit; the maintainer DEBFULLNAME and DEBEMAIL.
 */
import { walkSync } from "@std/fs";
import { dirname, fromFileUrl, join } from "@std/path";
import { VERSION } from "@/core/host/exit.ts";
import { bundleRoles } from "./bundles.ts";
import { type Control, controlFile } from "./control.ts";
import { changeOf, debianChangelog } from "./changelog.ts";
import { type Installed, installedFiles } from "./tree.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
/** Debian's names of processors. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };
const MAINTAINER = "nginx-logtail maintainers <maintainers@nginx-logtail.invalid>";
const SCRIPTS = ["postinst", "prerm", "postrm"];

/** What a package is built with. */
export interface DebOptions {
  /** Seconds since 1970 that everything in it is dated. */
  readonly dateS: number;
  readonly maintainer: string;
}

/** Builds it in the folder `out`; resolves to its path. Throws Error when a program is missing or fails. */
export async function buildDeb(out: string, level: string, options: DebOptions): Promise<string> {
  const work = Deno.makeTempDirSync({ prefix: "logtail-deb-" }), path = join(out, `${packageName()}.deb`);
  try {
    const tree = join(work, "tree");
    await buildTree(tree, options, (target) => Deno.copyFile(Deno.execPath(), target));
    Deno.mkdirSync(out, { recursive: true });
    const pressed = level === "none" ? ["-Znone"] : ["-Zxz", `-z${level}`, "--threads-max=2"];
    await run("dpkg-deb", ["--root-owner-group", ...pressed, "--build", tree, path], {
      SOURCE_DATE_EPOCH: String(options.dateS),
    });
    return path;
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}

/** Writes what is packed, Debian's own part included. @param runtime puts the runtime where it is told. */
export async function buildTree(
  tree: string,
  { dateS, maintainer }: DebOptions,
  runtime: (target: string) => Promise<void>,
): Promise<void> {
  const work = Deno.makeTempDirSync({ prefix: "logtail-bundles-" });
  try {
    const bundles = await bundleRoles(
      ...[ROOT, work, Deno.execPath()] as const,
      (program, args, cwd) => run(program, args, {}, cwd),
      (path, change) => Deno.writeTextFileSync(path, change(Deno.readTextFileSync(path))),
    );
    const change = changeOf(Deno.readTextFileSync(join(ROOT, "CHANGELOG.md")), VERSION);
    const changelog = debianChangelog(change, { version: VERSION, maintainer, dateS });
    const deno = join(tree, "usr/lib/nginx-logtail/deno");
    makeFolder(tree, dirname(deno));
    await runtime(deno);
    const bytes = await writeFiles(tree, installedFiles({ root: ROOT, bundles, changelog })) +
      (await Deno.stat(deno)).size;
    await writeControl(tree, {
      version: VERSION,
      architecture: architecture(),
      maintainer,
      installedKib: Math.ceil(bytes / 1024),
    });
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}

function packageName(): string {
  return `nginx-logtail_${VERSION}_${architecture()}`;
}

function architecture(): string {
  return ARCHITECTURES[Deno.build.arch] ?? Deno.build.arch;
}

/** Resolves to how many bytes they have together. */
async function writeFiles(tree: string, files: readonly Installed[]): Promise<number> {
  let bytes = 0;
  for (const { path, mode, from, content } of files) {
    const target = join(tree, path);
    makeFolder(tree, dirname(target));
    if (from !== undefined) await Deno.copyFile(from, target);
    else await Deno.writeFile(target, content);
    await Deno.chmod(target, mode);
    bytes += (await Deno.stat(target)).size;
  }
  return bytes;
}

/** With every folder above it, below the tree, in the mode that they are installed with, whatever the umask is. */
function makeFolder(tree: string, folder: string): void {
  Deno.mkdirSync(folder, { recursive: true });
  for (let each = folder; each.length >= tree.length; each = dirname(each)) Deno.chmodSync(each, 0o755);
}

async function writeControl(tree: string, control: Control): Promise<void> {
  const folder = join(tree, "DEBIAN"), sums: string[] = [], configuration: string[] = [];
  for (const path of listed(tree)) {
    if (path.startsWith("etc/")) configuration.push(`/${path}\n`);
    else sums.push(`${await md5(join(tree, path))}  ${path}\n`);
  }
  makeFolder(tree, folder);
  const write = (name: string, text: string, mode = 0o644): void => {
    Deno.writeTextFileSync(join(folder, name), text);
    Deno.chmodSync(join(folder, name), mode);
  };
  write("control", controlFile(control));
  write("md5sums", sums.join(""));
  write("conffiles", configuration.join(""));
  for (const script of SCRIPTS) write(script, Deno.readTextFileSync(join(ROOT, "packaging/deb", script)), 0o755);
}

/** Files below a folder, sorted. */
function listed(tree: string): string[] {
  return [...walkSync(tree, { includeDirs: false })].map(({ path }) => path.slice(tree.length + 1)).sort();
}

async function md5(path: string): Promise<string> {
  return (await run("md5sum", [path])).slice(0, 32);
}

/** Its output. */
async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = ROOT,
): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], env: { ...env }, cwd, stdin: "null" });
  const { success, stdout, stderr } = await command.output(), decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot build: ${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

if (import.meta.main) {
  const value = (name: string): string | undefined =>
    Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const epoch = Deno.env.get("SOURCE_DATE_EPOCH") ?? await run("git", ["log", "-1", "--format=%ct"]);
  const name = Deno.env.get("DEBFULLNAME"), address = Deno.env.get("DEBEMAIL");
  const maintainer = name === undefined || address === undefined ? MAINTAINER : `${name} <${address}>`;
  const out = value("out") ?? "packaging/dist", options = { dateS: Number(epoch.trim()), maintainer };
  const path = Deno.args.includes("--tree") ? out : await buildDeb(out, value("level") ?? "6", options);
  if (path === out) {
    await buildTree(out, options, async (target) => void await run("ln", ["-s", Deno.execPath(), target]));
  }
  await Deno.stdout.write(new TextEncoder().encode(`${path}\n`));
}
