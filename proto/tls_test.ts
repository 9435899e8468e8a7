/** Who may ask, and who is believed: TLS, certificates of both sides, renewed ones, tokens. */
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { Client as GrpcClient, credentials, status } from "@grpc/grpc-js";
import { createConnection } from "node:net";
import { once } from "node:events";
import type { CredentialFiles } from "@/core/host/credential_files.ts";
import { MachineRefusal, UsageError } from "@/core/host/exit.ts";
import { readFlags } from "@/core/host/flags.ts";
import { openLog } from "@/core/host/log.ts";
import { linearRegex } from "@/core/host/regex.ts";
import { type ClientSecurity, clientSecurity, type ServerSecurity, serverSecurity } from "@/core/host/security.ts";
import { CLIENT_SECURITY_FLAGS, SERVER_SECURITY_FLAGS, tokenFlag } from "@/core/host/security_flags.ts";
import { openCredentialFiles } from "@/core/host/credential_files.ts";
import { connect, type Hello, RemoteError } from "./client.ts";
import { FakeAnswerer } from "./fake_answerer.ts";
import { guardCredentials } from "./goaway_guard.ts";
import { healthProto, methodOf } from "./packages.ts";
import { type HealthCheckRequest, type HealthCheckResponse } from "./schema.ts";
import { serve } from "./service.ts";
import * as pem from "./test_certificates.ts";

const CHECK = methodOf<HealthCheckRequest, HealthCheckResponse>(healthProto, "grpc.health.v1.Health", "Check");
const SERVER = { cert: pem.SERVER_CERT, key: pem.SERVER_KEY }, MUTUAL = { ...SERVER, clientCa: pem.CA };
const CLIENT = { ca: pem.CA, cert: pem.CLIENT_CERT, key: pem.CLIENT_KEY };

Deno.test("a server with TLS is believed by who knows its authority, and by nobody else", async () => {
  await using running = await start({ tls: always(SERVER) });
  assertEquals(await running.asked({ tls: always({ ca: pem.CA }) }), "answered");
  assertStringIncludes(await running.asked({ tls: always({ ca: pem.OTHER_CA }) }), "--tls-ca");
  assertStringIncludes(await running.asked({}), "--tls-ca");
  await using plain = await start({});
  assertStringIncludes(await plain.asked({ tls: always({ ca: pem.CA }) }), "does not speak TLS");
});

Deno.test("with mutual TLS only clients with a certificate of the authority may ask", async () => {
  await using running = await start({ tls: always(MUTUAL) });
  assertEquals(await running.asked({ tls: always(CLIENT) }), "answered");
  assertStringIncludes(await running.asked({ tls: always({ ca: pem.CA }) }), "--client-cert");
  const stranger = { ca: pem.CA, cert: pem.OTHER_CA, key: pem.CLIENT_KEY };
  assertStringIncludes(await running.asked({ tls: always(stranger) }), "unreachable");
});

Deno.test("a certificate that was renewed is shown to the next connection, and streams that are open go on", async () => {
  let certificates = SERVER;
  await using running = await start({ tls: { current: () => certificates } });
  const client = connect(running.target, { tls: always({ ca: pem.CA }) }), stop = new AbortController();
  const items = client.deltas(stop.signal)[Symbol.asyncIterator]();
  await items.next(); // how the sender is
  assertEquals(((await items.next()).value as Hello).source, "fake-1");
  assertEquals(await shownBy(running.port), "CN=server");
  certificates = { cert: pem.RENEWED_CERT, key: pem.RENEWED_KEY };
  await shownBy(running.port); // notices it
  assertEquals(await shownBy(running.port), "CN=renewed");
  assertEquals((await client.targets(2_000)).length, 1);
  stop.abort();
  assertEquals((await items.next()).done, true);
  client.close();
});

Deno.test("whoever speaks no TLS, or no HTTP/2 in it, is hung up on, and others are served on", async () => {
  await using running = await start({ tls: always(SERVER) });
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", "\0".repeat(1000)]) {
    const socket = createConnection(running.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.end(bytes);
    await once(socket, "close");
  }
  assertEquals(await running.asked({ tls: always({ ca: pem.CA }) }), "answered");
});

Deno.test("where a token is asked for, every call must bring it: questions, streams, health", async () => {
  const token = "a secret of some length";
  await using running = await start({ token: always(token) });
  assertEquals(await running.asked({ token: always(token) }), "answered");
  for (const wrong of [{}, { token: always("another of that length.") }, { token: always("a secret") }]) {
    const why = await running.asked(wrong);
    assertStringIncludes(why, "refused");
    assertStringIncludes(why, "--token-file");
    assert(!why.includes(token));
    const stranger = connect(running.target, wrong);
    await assertRejects(
      () => stranger.deltas(new AbortController().signal)[Symbol.asyncIterator]().next(),
      RemoteError,
    );
    stranger.close();
  }
  const health = new GrpcClient(running.target, guardCredentials(credentials.createInsecure()));
  const { path, requestSerialize, responseDeserialize } = CHECK;
  const code = await new Promise((resolve) =>
    health.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service: "" },
      (error) => resolve(error?.code),
    )
  );
  assertEquals(code, status.UNAUTHENTICATED);
  health.close();
});

Deno.test("a target can be an address, and the certificate must be for it", async () => {
  await using running = await start({ tls: always(SERVER) }, ":0");
  const security = { tls: always({ ca: pem.CA }) }, { port } = running;
  assertEquals(await running.asked(security, `127.0.0.1:${port}`), "answered");
  const other = await running.asked(security, `[::1]:${port}`);
  assertEquals(/^unreachable: .*(certificate is for another name|refused)/.test(other), true, other);
});

Deno.test("files that go together are read, and again when they have changed", async () => {
  await using folder = await files({ "c.pem": pem.SERVER_CERT, "k.pem": pem.SERVER_KEY, "ca.pem": pem.CA });
  let nowS = 0;
  const at = [{ flag: "tls-cert", path: folder.path("c.pem") }, { flag: "tls-key", path: folder.path("k.pem") }];
  const open = openCredentialFiles(
    at,
    ([cert, key]) => {
      if (cert.includes("half")) throw new Error("half written");
      return { cert, key };
    },
    silent,
    () => nowS,
  );
  const first = open.current();
  assertEquals(first, SERVER);
  Deno.writeTextFileSync(folder.path("c.pem"), pem.RENEWED_CERT);
  assert(open.current() === first, "not looked at before ten seconds have passed");
  nowS = 10;
  assertEquals(open.current(), { cert: pem.RENEWED_CERT, key: pem.SERVER_KEY });
  Deno.writeTextFileSync(folder.path("c.pem"), "half");
  nowS = 20;
  assertEquals(open.current().cert, pem.RENEWED_CERT, "what cannot be used changes nothing");
  Deno.removeSync(folder.path("c.pem"));
  nowS = 30;
  assertEquals(open.current().cert, pem.RENEWED_CERT);
});

Deno.test("flags that do not go together are refused, files that cannot be used are named with the reason", async () => {
  await using folder = await files({
    "c.pem": pem.SERVER_CERT,
    "k.pem": pem.SERVER_KEY,
    "other.pem": pem.CLIENT_KEY,
    "short": "short\n",
    "token": "0123456789abcdef\n",
  });
  const server = (...args: string[]): ServerSecurity => serverSecurity(flagsOf(args), silent);
  const client = (...args: string[]): ClientSecurity => clientSecurity(flagsOf(args), silent);
  const path = folder.path;
  assertEquals(server(), {});
  assertEquals(client(), {});
  assertEquals(client("--tls").tls?.current(), { ca: undefined, cert: undefined, key: undefined });
  assertEquals(server("--token-file", path("token")).token?.current(), "0123456789abcdef");
  assertEquals(server("--tls-cert", path("c.pem"), "--tls-key", path("k.pem")).tls?.current().key, pem.SERVER_KEY);
  assertThrows(() => server("--tls-cert", path("c.pem")), UsageError, "--tls-cert: needs --tls-key");
  assertThrows(() => server("--tls-client-ca", path("c.pem")), UsageError, "--tls-client-ca: needs --tls-cert");
  assertThrows(() => client("--client-key", path("k.pem")), UsageError, "--client-key: needs --client-cert");
  const refused: readonly [string, () => unknown][] = [
    [
      "the key is not that of the certificate",
      () => server("--tls-cert", path("c.pem"), "--tls-key", path("other.pem")),
    ],
    ["not a certificate in PEM", () => server("--tls-cert", path("k.pem"), "--tls-key", path("k.pem"))],
    ["no private key in PEM", () => server("--tls-cert", path("c.pem"), "--tls-key", path("c.pem"))],
    ["no such file", () => client("--tls-ca", path("nothing"))],
    ["a token of 5 characters; use 16 to 4096", () => client("--token-file", path("short"))],
  ];
  for (const [why, make] of refused) assertThrows(make, MachineRefusal, why);
});

const silent = openLog("test", () => {});

function flagsOf(args: readonly string[]): ReturnType<typeof readFlags> {
  const flags = [...SERVER_SECURITY_FLAGS, ...CLIENT_SECURITY_FLAGS].filter(({ name }) => name !== "token-file");
  const program = { role: "t", program: "t", summary: "t", flags: [...flags, tokenFlag("token-file")] };
  return readFlags(program, args, () => undefined);
}

function always<Contents>(contents: Contents): CredentialFiles<Contents> {
  return { current: () => contents };
}

interface Running extends AsyncDisposable {
  readonly port: number;
  readonly target: string;
  /** "answered", or the code and words of what went wrong. */
  asked(security: ClientSecurity, target?: string): Promise<string>;
}

async function start(security: ServerSecurity, listen = "127.0.0.1:0"): Promise<Running> {
  const answerer = new FakeAnswerer();
  const serving = await serve({ listen, answerer, regex: linearRegex, log: silent, security });
  const own = `localhost:${serving.port}`;
  return {
    port: serving.port,
    target: own,
    async asked(security, target = own): Promise<string> {
      const client = connect(target, security);
      try {
        await client.targets(3_000);
        return "answered";
      } catch (error) {
        return error instanceof RemoteError ? `${error.code}: ${error.message}` : String(error);
      } finally {
        client.close();
      }
    },
    [Symbol.asyncDispose]: () => serving.stop(1_000),
  };
}

/** The subject of the certificate that a server shows. */
async function shownBy(port: number): Promise<string> {
  const { connect } = await import("node:tls");
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: pem.CA, ALPNProtocols: ["h2"] });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return `CN=${subject.CN}`;
}

interface Folder extends AsyncDisposable {
  path(name: string): string;
}

async function files(contents: Readonly<Record<string, string>>): Promise<Folder> {
  const folder = await Deno.makeTempDir({ dir: "/tmp" });
  for (const [name, text] of Object.entries(contents)) Deno.writeTextFileSync(`${folder}/${name}`, text);
  return {
    path: (name) => `${folder}/${name}`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
