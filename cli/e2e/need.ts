/**
 * What the tests of this folder need from the machine: real programs, used when they are installed. Otherwise the test
 * is ignored, and its line in the report says which is missing and which Debian package would help. With
 * LOGTAIL_REQUIRE_REAL=1 (as in `.ci/run`) a missing one is a failure.
 */
import { join } from "@std/path";

export type Component =
  | "nginx"
  | "chromium"
  | "node"
  | "npm"
  | "ipv6"
  | "namespaces"
  | "mawk"
  | "w3m"
  | "lynx"
  | "curl"
  | "openssl"
  | "tmux"
  | "fish"
  | "zsh"
  | "groff"
  | "systemd-analyze"
  | "dpkg-deb"
  | "logger"
  | "rsyslogd"
  | "logrotate"
  | "unshare"
  | "promtool";

/** What to do about a missing one. */
const REMEDIES: Readonly<Record<Component, string>> = {
  nginx: "apt-get install nginx",
  chromium: "apt-get install chromium",
  node: "apt-get install nodejs",
  npm: "apt-get install npm",
  mawk: "apt-get install mawk",
  w3m: "apt-get install w3m",
  lynx: "apt-get install lynx",
  curl: "apt-get install curl",
  openssl: "apt-get install openssl",
  tmux: "apt-get install tmux",
  fish: "apt-get install fish",
  zsh: "apt-get install zsh",
  groff: "apt-get install groff-base",
  "systemd-analyze": "apt-get install systemd",
  "dpkg-deb": "apt-get install dpkg",
  logger: "apt-get install bsdutils",
  rsyslogd: "apt-get install rsyslog",
  logrotate: "apt-get install logrotate",
  unshare: "apt-get install util-linux",
  promtool: "apt-get install prometheus",
  namespaces: "run as root, with iproute2 (apt-get install iproute2)",
  ipv6: "enable IPv6 on the loopback interface (sysctl net.ipv6.conf.lo.disable_ipv6=0)",
};

/** Places that are not always in an unprivileged user's PATH. */
const EXTRA_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/** Where there is no Node, the runtime puts itself into PATH under its name; the tests want the real one. */
const RUNTIME_FOLDER = "/node_compat_bin";

/**
 * Registers a test with real processes.
 * @param needs other programs; when one is missing, the test is ignored and says so, or fails.
 */
export function realTest(
  needs: readonly Component[],
  name: string,
  body: (t: Deno.TestContext) => Promise<void>,
): void {
  const missing = needs.filter((component) => !installed(component));
  if (missing.length === 0) {
    Deno.test(name, async (t) => {
      try {
        await body(t);
      } catch (error) {
        throw plainError(error);
      }
    });
    return;
  }
  const why = missing.map((component) => `${component} is missing; ${REMEDIES[component]}`).join("; ");
  if (required()) {
    Deno.test(name, () => {
      throw new Error(`Cannot run this test: ${why} (LOGTAIL_REQUIRE_REAL=1 makes this a failure)`);
    });
    return;
  }
  // In the name, since this is what a runner shows of an ignored test, however quiet it is.
  Deno.test({ name: `${name} — SKIPPED: ${why}`, ignore: true, fn: body });
}

/** Whether a component can be used here. */
export function installed(component: Component): boolean {
  if (component === "namespaces") return isRoot() && programPath("ip") !== undefined;
  return component === "ipv6" ? hasIpv6() : programPath(component) !== undefined;
}

/** Absolute path of a program, or undefined when it is not installed. */
export function programPath(name: string): string | undefined {
  const folders = [...(Deno.env.get("PATH") ?? "/usr/bin:/bin").split(":"), ...EXTRA_FOLDERS];
  return folders.filter((folder) => folder.startsWith("/") && !folder.endsWith(RUNTIME_FOLDER))
    .map((folder) => join(folder, name)).find(isFile);
}

/** Whether the tests run as root, so that programs can be (and nginx is) started as another user. */
export function isRoot(): boolean {
  return Deno.uid() === 0;
}

/** When a test fails and then, as a consequence, a role that it started: what failed first comes first. */
function plainError(error: unknown): unknown {
  if (!(error instanceof SuppressedError)) return error;
  const [first, then] = [plainError(error.suppressed), error.error].map((part) => part instanceof Error ? part : null);
  return new Error(`${first?.message}\n\nand then, while stopping: ${then?.message}`, { cause: first });
}

function required(): boolean {
  return Deno.env.get("LOGTAIL_REQUIRE_REAL") === "1";
}

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A line for whoever watches the tests; straight to stderr, which the runner passes on. */
export function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}
