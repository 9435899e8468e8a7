import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "./endings.ts";
import type { Program } from "./flag_table.ts";
import {
  connectGrants,
  covers,
  grant,
  grantsOf,
  listenGrants,
  pathGrant,
  permissionFlags,
  QUIET_ENVIRONMENT,
  serviceGrants,
  smallest,
} from "./permissions.ts";

const ROLE: Program = {
  role: "role",
  program: "nginx-logtail-role",
  summary: "A role.",
  flags: [
    { name: "listen", kind: "text", default: ":80", help: "", touches: "listens" },
    { name: "peers", kind: "list", help: "", touches: "connects" },
    { name: "key", kind: "text", help: "", touches: "reads" },
    { name: "state", kind: "text", help: "", touches: "keeps" },
    { name: "n", kind: "number", help: "" },
  ],
};

Deno.test("what a program may touch follows from its table, its arguments, and the variables that are set", () => {
  const none = (): undefined => undefined;
  const flags = (args: string[], env: Record<string, string> = {}, anyVariable = false): readonly string[] =>
    permissionFlags(grantsOf(ROLE, args, (name) => env[name], () => [QUIET_ENVIRONMENT], { anyVariable }));
  assertEquals(flags([]), ["--allow-net=[::]:80", "--ignore-env"]);
  assertEquals(flags(["--listen=127.0.0.1:81", "--peers=[::1]:1,10.0.0.1:2", "--key=/k", "--state=/s", "--n=3"]), [
    "--allow-net=127.0.0.1:81,[::1]:1,10.0.0.1:2",
    "--allow-read=/k,/s",
    "--allow-write=/s",
    "--ignore-env",
  ]);
  // A variable that a flag overrides is not read.
  assertEquals(flags(["--listen=:1"], { ROLE_LISTEN: ":2", ROLE_N: "3" }), [
    "--allow-net=[::]:1",
    "--ignore-env",
    "--allow-env=ROLE_N",
  ]);
  assertEquals(flags([], { ROLE_LISTEN: ":2" }, true), ["--allow-net=[::]:2", "--ignore-env", "--allow-env=ROLE_*"]);
  assertThrows(() => grantsOf(ROLE, ["--key"], none, () => []), UsageError);
});

Deno.test("each grant says which flag it comes from", () => {
  const grants = grantsOf(ROLE, ["--key=/k", "--state=/s"], () => undefined, () => []);
  assertEquals(grants.map(({ permission, why }) => `${permission} ${/--\w+/.exec(why)?.[0]}`), [
    "net --listen",
    "read --key",
    "read --state",
    "write --state",
  ]);
});

Deno.test("a peer with an address is granted with its port, one with a name only where its address may lie", () => {
  const values = (peer: string, ...networks: string[]): string[] =>
    connectGrants(peer, "", networks).map(({ value }) => value);
  assertEquals(values("10.0.0.1:9090"), ["10.0.0.1:9090"]);
  assertEquals(values("[::1]:9090"), ["[::1]:9090"]);
  assertEquals(values("localhost:9090"), ["localhost", "127.0.0.1:9090", "[::1]:9090"]);
  assertEquals(values("col-1:9090", "10.0.0.0/8", "192.168.0.0/16"), [
    "col-1",
    "10.0.0.0/8:9090",
    "192.168.0.0/16:9090",
  ]);
  // No grant of the runtime's follows a name, so nothing narrower would hold.
  assertEquals(values("col-1:9090"), [""]);
  assertEquals(/address behind it may change.*IPAddressAllow=/.test(connectGrants("col-1:9090", "")[0].why), true);
});

Deno.test("a name to listen on is granted with what it may stand for", () => {
  const values = (text: string): string[] => listenGrants(text, "").map(({ value }) => value);
  assertEquals([":1", "127.0.0.1:1", "localhost:1", "web:1"].map(values), [
    ["[::]:1"],
    ["127.0.0.1:1"],
    ["localhost:1", "127.0.0.1:1"],
    ["web:1", "0.0.0.0/0:1"],
  ]);
});

Deno.test("of a path with a comma the directory above is granted: the runtime's flag cannot hold it", () => {
  assertEquals(pathGrant("read", "/a/b,c/d", "").value, "/a");
  assertEquals(pathGrant("read", "/a,b", "").value, "/");
});

Deno.test("a grant that another one covers is left out, and its reason is kept", () => {
  const read = (value: string): ReturnType<typeof grant> => grant("read", value, value);
  assertEquals(smallest([read("/a/b"), read("/ab"), read("/a"), read("/a/c/d")]), [
    read("/ab"),
    { ...read("/a"), why: "/a; /a/b; /a/c/d" },
  ]);
  const net = (one: string, other: string): boolean => covers(grant("net", one, ""), grant("net", other, ""));
  assertEquals(net("10.0.0.0/8:80", "10.1.2.3:80"), true);
  assertEquals(net("10.0.0.0/8", "10.1.2.3:80"), true);
  assertEquals(net("10.0.0.0/8:80", "10.1.2.3:81"), false);
  assertEquals(net("10.0.0.0/8:80", "11.1.2.3:80"), false);
  assertEquals(net("localhost", "localhost:80"), true);
  assertEquals(net("localhost:80", "localhost"), false);
  assertEquals(net("", "localhost"), true);
  assertEquals(covers(grant("read", "", ""), grant("write", "/a", "")), false);
  assertEquals(covers(grant("env", "A_*", ""), grant("env", "A_B", "")), true);
});

Deno.test("what tells systemd that it serves needs both sockets, and three variables", () => {
  assertEquals(permissionFlags(serviceGrants("/n", "/r")), [
    "--allow-net=unix:/r/notify.sock,unix:/n",
    "--allow-read=/r/notify.sock,/n",
    "--allow-write=/r/notify.sock,/n",
    "--allow-env=NOTIFY_SOCKET,WATCHDOG_USEC,RUNTIME_DIRECTORY,JOURNAL_STREAM",
  ]);
});
