/** The Debian package: built twice, looked into, and lived with on a Debian from its installation to its purge. */
import { walkSync } from "@std/fs";
import { dirname, join } from "@std/path";
import { assert, assertEquals } from "@std/assert";
import { VERSION } from "@/core/host/exit.ts";
import { TestFolder } from "./lines.ts";
import { realTest } from "./need.ts";
import { ROOT } from "./roles.ts";

/** What a package is made of. */
const SOURCES = "core proto collector aggregator frontend cli packaging systemd deno.json deno.lock CHANGELOG.md";
/** 2026-11-21 in UTC. */
const DATE_S = "1795219200";

/** A package with a later version and another /etc/default from one that is there. */
const NEXT_VERSION = `
set -e
dpkg-deb --raw-extract "$1" "$2"
sed -i 's/^Version: .*/Version: 99.0.0/' "$2/DEBIAN/control"
echo '# what a later version brings' >> "$2/etc/default/nginx-logtail"
dpkg-deb --root-owner-group -Znone --build "$2" "$3"
`;

realTest(["dpkg-deb", "namespaces"], "the package is built, installed, configured, upgraded and purged", async (t) => {
  using folder = new TestFolder();
  const first = folder.path("first"), again = folder.path("again");
  let deb = "";

  await t.step("built again elsewhere, with another umask, time zone and age of files, it is the same", async () => {
    // Both from copies: whoever works in the checkout meanwhile changes nothing.
    const here = folder.path("checkout"), elsewhere = folder.path("a/checkout elsewhere");
    await bash(`mkdir -p "$1" "$2" && cp -r ${SOURCES} "$1" && cp -r "$1"/* "$2"`, [here, elsewhere]);
    deb = await build(here, first);
    const other = await build(elsewhere, again, "umask 077; export TZ=Asia/Tokyo LC_ALL=C;");
    assertEquals(await bash('sha256sum < "$1"', [other]), await bash('sha256sum < "$1"', [deb]));
    Deno.removeSync(again, { recursive: true });
  });

  await t.step("it says what it is, owns its folders as root, and shares no file with Debian's logtail", async () => {
    const architecture = (await bash("dpkg --print-architecture", [])).trim();
    assertEquals(deb, join(first, `nginx-logtail_${VERSION}_${architecture}.deb`));
    const fields = await bash('dpkg-deb --field "$1" Package Version Architecture', [deb]);
    assertEquals(fields, `Package: nginx-logtail\nVersion: ${VERSION}\nArchitecture: ${architecture}\n`);
    const listed = (await bash('dpkg-deb --contents "$1"', [deb])).trimEnd().split("\n").map((line) =>
      line.split(/\s+/)
    );
    for (const [mode, owner, , , , path] of listed) {
      assertEquals([owner, /^(d|-)rw[x-]r-[x-]r-[x-]$/.test(mode)], ["root/root", true], path);
    }
    const files = listed.map(([, , , , , path]) => path.slice(1)).filter((path) => !path.endsWith("/"));
    assertEquals(files.filter((path) => LOGTAIL.includes(path)), []);
    assertEquals(files.filter((path) => !path.includes("nginx-logtail")), []);
  });

  await t.step("the licence of every package inside is told", async () => {
    const tree = folder.path("tree"), copyright = Deno.readTextFileSync(join(ROOT, "packaging/deb/copyright"));
    await bash('dpkg-deb --extract "$1" "$2"', [deb, tree]);
    const inside = new Set<string>();
    for (const { path } of walkSync(`${tree}/usr/lib/nginx-logtail`, { exts: ["js"], includeDirs: false })) {
      for (const name of packagesIn(Deno.readTextFileSync(path))) inside.add(name);
    }
    assert(inside.size > 10);
    assertEquals([...inside].filter((name) => !copyright.includes(` npm/${name}/*`)), []);
    Deno.removeSync(tree, { recursive: true });
  });

  await t.step("one line configures it, an upgrade keeps that, and a purge leaves nothing", async () => {
    const next = folder.path("next.deb");
    await bash(NEXT_VERSION, [deb, folder.path("next"), next]);
    const found = await bash('TMPDIR="$4" packaging/deb/try.sh "$1" "$2" "$3"', ["/", deb, next, dirname(next)]);
    const facts = Object.fromEntries(found.trimEnd().split("\n").map((line) => line.split(/=(.*)/)));
    assertEquals(facts, {
      user: "_logtail",
      enabled: "0",
      started: "0",
      version: `nginx-logtail ${VERSION}`,
      completion: "complete -o bashdefault -o filenames -F _nginx_logtail nginx-logtail",
      pages: "4",
      answer: "web1 3",
      answer_of_others: "1",
      ended: "0",
      log_lines_that_warn: "0",
      upgraded: "99.0.0",
      kept: "1",
      answer_after_upgrade: "web1 3",
      ended_after_upgrade: "0",
      left_by_remove: "etc/default/nginx-logtail etc/nginx-logtail var/lib/nginx-logtail",
      warnings: "",
      users_left: "0",
      left: "",
      left_with_our_name: "",
    });
  });
});

/** Names of the packages that a bundle is made of: the bundler says where each part comes from. */
function packagesIn(text: string): ReadonlySet<string> {
  const found = text.matchAll(/^\/\/ node_modules\/\.deno\/([^/]+)@[^/@]+\//gm);
  return new Set([...found].map(([, name]) => name.replace("+", "/")));
}

/** Files of Debian's package `logtail`. */
const LOGTAIL = [
  "/usr/sbin/logtail",
  "/usr/sbin/logtail2",
  "/usr/share/doc/logtail/copyright",
  "/usr/share/doc/logtail/changelog.gz",
  "/usr/share/man/man8/logtail.8.gz",
  "/usr/share/man/man8/logtail2.8.gz",
];

/** Packed without compressing: which the packages that are handed out are, takes a minute. Resolves to its path. */
async function build(checkout: string, out: string, before = ""): Promise<string> {
  const command = `${before} cd "$1" && SOURCE_DATE_EPOCH=${DATE_S} "$2" task --quiet deb --level=none --out="$3"`;
  return (await bash(command, [checkout, Deno.execPath(), out])).trim();
}

/** What a script prints; it must end with 0. */
async function bash(script: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command("/usr/bin/bash", {
    args: ["-c", script, "bash", ...args],
    cwd: ROOT,
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output(), decoder = new TextDecoder();
  assertEquals(code, 0, `${decoder.decode(stdout)}${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
