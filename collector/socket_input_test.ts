import { assert, assertEquals } from "@std/assert";
import { grantOf, parseSyslogInput, type SocketInput, syslogInputMistake, udpInput } from "./socket_input.ts";

function syslogInput(text: string): SocketInput {
  const parsed = parseSyslogInput(text);
  assert("input" in parsed, text);
  return parsed.input;
}

Deno.test("a syslog input says over what, and where", () => {
  const udp = syslogInput("udp://:514");
  assertEquals([udp.transport, udp.hostname, udp.port, udp.name], ["udp", "::", 514, "udp://:514"]);
  assertEquals(grantOf(udp), "[::]:514");
  const tcp = syslogInput("tcp://[::1]:601");
  assertEquals([tcp.transport, tcp.hostname, tcp.port], ["tcp", "::1", 601]);
  for (const text of ["unix:/run/a.sock", "unix:///run/a.sock"]) {
    const unix = syslogInput(text);
    assertEquals([unix.transport, unix.path, unix.name], ["unix", "/run/a.sock", "unix:/run/a.sock"]);
    assertEquals(grantOf(unix), "unix:/run/a.sock");
  }
});

Deno.test("a mistake in a syslog input is told with what would work", () => {
  for (
    const [text, mistake] of [
      [":514", "it does not say over what; use udp://:514, tcp://:601 or unix:/run/logtail/syslog.sock"],
      ["http://:514", "it does not say over what; use udp://:514, tcp://:601 or unix:/run/logtail/syslog.sock"],
      ["udp://514", "a port needs a colon; use :514"],
      ["unix:run/x", "the path of a unix socket begins with /; use unix:/run/logtail/syslog.sock"],
      [`unix:/${"x".repeat(107)}`, "the system allows a unix socket a path of 107 bytes; choose a shorter one"],
      ["tcp://:601", undefined],
    ] as const
  ) assertEquals(syslogInputMistake(text), mistake, text);
});

Deno.test("lines in datagrams come to a host and a port", () => {
  const { kind, transport, hostname, port, name } = udpInput("127.0.0.1:9514");
  assertEquals([kind, transport, hostname, port, name], ["udp", "udp", "127.0.0.1", 9514, "udp://127.0.0.1:9514"]);
});
