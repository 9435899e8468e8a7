/**
 * One side of a connection, in a process that may be killed by it: run by `goaway_guard_test.ts`.
 *
 * `server guarded|bare` prints its port and serves until its standard input ends.
 * `client guarded|bare PORT` asks 300 questions for every line of its standard input and prints how many were answered
 * before the first that was not.
 */
import { Client, credentials, type handleUnaryCall, Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { createServer } from "node:net";
import { guardCredentials, guardServerSocket } from "./goaway_guard.ts";
import { logtailProto, serviceOf } from "./packages.ts";
import { type Empty, LIST_TARGETS, type ListTargetsResponse } from "./schema.ts";

const [role, guarding, port] = Deno.args;
const guarded = guarding === "guarded";
if (role === "server") await runServer();
else await runClient(Number(port));
// No exit: the goodbye has to get out.

async function runServer(): Promise<void> {
  const server = new Server();
  const answer: handleUnaryCall<Empty, ListTargetsResponse> = (_call, done) => done(null, { targets: [] });
  server.addService(serviceOf(logtailProto, "logtail.LogtailService"), { ListTargets: answer });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer(
    (socket) => injector.injectConnection(guarded ? guardServerSocket(socket) : socket),
  );
  listener.listen(Number(port ?? 0), "127.0.0.1", () => {
    const address = listener.address();
    // deno-lint-ignore no-console -- standard output is how the test talks to this process
    console.log(typeof address === "object" ? address?.port : address);
  });
  for await (const _ of Deno.stdin.readable);
  // Goes politely, which sends GOAWAY to whoever is connected.
  await new Promise<void>((resolve) => {
    listener.close();
    server.tryShutdown(() => resolve());
  });
}

async function runClient(port: number): Promise<void> {
  const plain = credentials.createInsecure();
  const client = new Client(`127.0.0.1:${port}`, guarded ? guardCredentials(plain) : plain, {
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 100,
  });
  for await (const _line of Deno.stdin.readable) {
    let answered = 0;
    while (answered < 300 && await ask(client)) answered++;
    // deno-lint-ignore no-console -- as above
    console.log(answered);
  }
  client.close();
}

function ask(client: Client): Promise<boolean> {
  const { path, requestSerialize, responseDeserialize } = LIST_TARGETS;
  const waiting = new Metadata({ waitForReady: true });
  const options = { deadline: new Date(Date.now() + 2_000) };
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      {},
      waiting,
      options,
      (error) => resolve(error === null),
    );
  });
}
