import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { topNAnswer, values } from "./fake_shell.ts";
import { nginxDeny } from "./nginx_deny.ts";

function denied(labels: readonly string[], allowed: readonly string[] = [], atLeast = 0): string[] {
  const entries = labels.map((label, i) => ({ label, values: values(100 - i), countMax: 200 }));
  return nginxDeny(topNAnswer({ entries }), "localhost:9090", allowed, atLeast).split("\n").slice(1, -1);
}

Deno.test("prefixes are denied, with what they asked for, under a line that says whose answer it is", () => {
  const text = nginxDeny(
    topNAnswer({ entries: [{ label: "203.0.113.0/24", values: values(7), countMax: 7 }] }),
    "a:1",
    [],
    0,
  );
  assertEquals(text, "# col-1 (a:1): 5m until 2026-11-21T04:50:00Z\ndeny 203.0.113.0/24; # 7 requests\n");
  assertEquals(denied(["2001:db8:1::/48"]), ["deny 2001:db8:1::/48; # 100 requests"]);
});

Deno.test("private and special addresses are never denied", () => {
  assertEquals(denied(["10.1.2.0/24", "192.168.0.0/16", "fd00::/48", "127.0.0.1/32", "::1/128"]), [
    "# 10.1.2.0/24 is not denied: private; 100 requests",
    "# 192.168.0.0/16 is not denied: private; 99 requests",
    "# fd00::/48 is not denied: private; 98 requests",
    "# 127.0.0.1/32 is not denied: loopback; 97 requests",
    "# ::1/128 is not denied: loopback; 96 requests",
  ]);
});

Deno.test("what is allowed is not denied, nor a prefix around it", () => {
  assertEquals(denied(["198.51.100.0/24", "203.0.113.0/24"], ["198.51.100.7", "203.0.0.0/16"]), [
    "# 198.51.100.0/24 is not denied: 198.51.100.7 is allowed; 100 requests",
    "# 203.0.113.0/24 is not denied: 203.0.0.0/16 is allowed; 99 requests",
  ]);
  assertEquals(denied(["0.0.0.0/0"]).map((line) => line[0]), ["#"], "all of it has something private in it");
});

Deno.test("only what certainly has enough requests is denied", () => {
  assertEquals(denied(["203.0.113.0/24", "198.51.100.0/24"], [], 100).length, 1);
});

Deno.test("whatever a label is, every line is a comment or denies one prefix", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary" })), (labels) => {
    const hostile = [...labels, "1.2.3.4/24; allow all", "} http {", "(other)", "-", "unix:"];
    for (const line of denied(hostile)) {
      assertEquals(/^(#.*|deny [0-9a-f.:/]+; # \d+ requests)$/u.test(line), true, line);
    }
  }));
});
