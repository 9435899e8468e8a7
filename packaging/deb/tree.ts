/** What the package installs, and where. */
import { gzipSync } from "node:zlib";
import { walkSync } from "@std/fs";
import { join } from "@std/path";
import { manPage } from "@/core/host/man_page.ts";
import { completionScript } from "@/cli/completion.ts";
import { MAN_PAGES } from "@/packaging/man/main.ts";

/** A file of the package. */
export type Installed =
  & { /** Without the slash in front. */ readonly path: string; readonly mode: number }
  & (
    | { readonly from: string; readonly content?: undefined }
    | { readonly content: Uint8Array<ArrayBuffer>; readonly from?: undefined }
  );

export interface TreeOptions {
  /** The checkout. */
  readonly root: string;
  /** Where `bundleRoles` has written to. */
  readonly bundles: string;
  /** Debian's form of it. */
  readonly changelog: string;
}

const DAEMONS = ["collector", "aggregator", "frontend"];
const LIB = "usr/lib/nginx-logtail", DOC = "usr/share/doc/nginx-logtail";

/** Everything but the runtime and Debian's own part; sorted by path. */
export function installedFiles({ root, bundles, changelog }: TreeOptions): readonly Installed[] {
  const source = (path: string, from: string, mode = 0o644): Installed => ({ path, mode, from: join(root, from) });
  const zipped = (path: string, text: string): Installed => ({ path: `${path}.gz`, mode: 0o644, content: gzip(text) });
  const files: Installed[] = [
    ...below(bundles).map((name) => ({ path: `${LIB}/${name}`, mode: 0o644, from: join(bundles, name) })),
    source("usr/bin/nginx-logtail", "packaging/bin/nginx-logtail", 0o755),
    ...DAEMONS.flatMap((role) => [
      source(`usr/bin/nginx-logtail-${role}`, "packaging/bin/nginx-logtail-role", 0o755),
      source(`lib/systemd/system/nginx-logtail-${role}.service`, `systemd/nginx-logtail-${role}.service`),
    ]),
    source("usr/lib/sysusers.d/nginx-logtail.conf", "packaging/sysusers.d/nginx-logtail.conf"),
    source("usr/lib/tmpfiles.d/nginx-logtail.conf", "packaging/tmpfiles.d/nginx-logtail.conf"),
    source("etc/default/nginx-logtail", "packaging/etc/default"),
    source("etc/nginx-logtail/logs.conf", "packaging/etc/logs.conf"),
    text("usr/share/bash-completion/completions/nginx-logtail", completionScript("bash")),
    text("usr/share/zsh/vendor-completions/_nginx-logtail", completionScript("zsh")),
    text("usr/share/fish/vendor_completions.d/nginx-logtail.fish", completionScript("fish")),
    source(`${DOC}/copyright`, "packaging/deb/copyright"),
    source("usr/share/lintian/overrides/nginx-logtail", "packaging/deb/lintian-overrides"),
    ...below(join(root, "packaging/examples")).map((name) =>
      source(`${DOC}/examples/${name}`, `packaging/examples/${name}`)
    ),
    source(`${DOC}/examples/60-nginx-logtail.conf`, "packaging/sysctl.d/60-nginx-logtail.conf"),
    ...MAN_PAGES.map((page) => zipped(`usr/share/man/man${page.section}/${page.name}.${page.section}`, manPage(page))),
    zipped(`${DOC}/changelog`, changelog),
  ];
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

function text(path: string, content: string): Installed {
  return { path, mode: 0o644, content: new TextEncoder().encode(content) };
}

/** Files below a folder, as paths relative to it. */
function below(folder: string): string[] {
  return [...walkSync(folder, { includeDirs: false })].map(({ path }) => path.slice(folder.length + 1));
}

/** Without a name and a date in it; as small as it gets, as Debian wants it. */
function gzip(content: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(gzipSync(content, { level: 9 }));
}
