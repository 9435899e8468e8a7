import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HTTP_BYTES_MAX, HTTP_CONNECTIONS_MAX } from "@/core/bounds.ts";
import { MachineRefusal } from "./endings.ts";
import { type HttpServing, plain, serveHttp } from "./http.ts";
import { openLog } from "./log.ts";

const lines: string[] = [];

function serve(port = 0, headersMsMax?: number): Promise<HttpServing> {
  return serveHttp({
    headersMsMax,
    address: { hostname: "127.0.0.1", port },
    pageAt: (path) => {
      if (path === "/broken") throw new Error("a bug");
      return path === "/here" ? plain(200, "hé\n") : undefined;
    },
    log: openLog("collector", (line) => void lines.push(line)),
  });
}

/** Sends bytes as they are; what comes back until the server closes. */
async function say(port: number, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  let answer = "";
  for await (const part of connection.readable.pipeThrough(new TextDecoderStream())) answer += part;
  return answer;
}

Deno.test("a page is answered, whatever its query; any other path is 404, any other method 405, a bug 500", async () => {
  const serving = await serve(), url = `http://127.0.0.1:${serving.port}`;
  const statuses: number[] = [];
  for (const [path, method] of [["/here?x=1", "GET"], ["/there", "GET"], ["/here", "POST"], ["/broken", "GET"]]) {
    const response = await fetch(`${url}${path}`, { method });
    statuses.push(response.status);
    const body = await response.text();
    if (response.status === 200) assertEquals([body, response.headers.get("content-length")], ["hé\n", "4"]);
  }
  assertEquals(statuses, [200, 404, 405, 500]);
  assertStringIncludes(lines.join("\n"), 'why="a bug"');
  const head = await fetch(`${url}/here`, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
  serving.stop();
});

Deno.test("what is no HTTP is refused and closed", async () => {
  const serving = await serve();
  for (const text of ["\0\x01\x02\r\n\r\n", `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n\r\n`]) {
    const answer = await say(serving.port, text);
    assert(answer === "" || /^HTTP\/1\.1 4/.test(answer), answer);
  }
  serving.stop();
});

Deno.test("half a request is given up after a while", async () => {
  const serving = await serve(0, 200), began = performance.now();
  const answer = await say(serving.port, "GET /here HTTP/1.1\r\nHo");
  assert(answer === "" || answer.startsWith("HTTP/1.1 408"), answer);
  const ms = performance.now() - began;
  assert(ms > 100 && ms < 5_000, `${ms}`);
  serving.stop();
});

Deno.test("no more connections than allowed are open", async () => {
  const serving = await serve(), open: Deno.Conn[] = [];
  for (let i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
    open.push(await Deno.connect({ hostname: "127.0.0.1", port: serving.port }));
  }
  const one = open[0],
    request = new TextEncoder().encode("GET /here HTTP/1.1\r\nHost: x\r\n\r\n"),
    into = new Uint8Array(99);
  await one.write(request);
  assert((await one.read(into) ?? 0) > 0, "those that are open are served");
  const more = await Deno.connect({ hostname: "127.0.0.1", port: serving.port });
  const refused = await more.write(request).then(() => more.read(into)).catch(() => null);
  assertEquals(refused, null);
  for (const connection of [...open, more]) connection.close();
  serving.stop();
});

Deno.test("readers that do not read are held as many pages as there is room for, and no more", async () => {
  // Larger than what the system takes off our hands for a reader that does not read: some 4 MB on Linux.
  const page = plain(200, "x".repeat(HTTP_BYTES_MAX / 2));
  const log = openLog("collector", () => {}), address = { hostname: "127.0.0.1", port: 0 };
  const serving = await serveHttp({ address, pageAt: (path) => path === "/large" ? page : plain(200, "ok\n"), log });
  const ask = async (path: string): Promise<[Deno.Conn, string]> => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: serving.port }), into = new Uint8Array(12);
    await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`));
    await connection.read(into);
    return [connection, new TextDecoder().decode(into)];
  };
  const open: Deno.Conn[] = [], statuses: string[] = [];
  for (const path of ["/large", "/large", "/large", "/small"]) {
    const [connection, status] = await ask(path);
    open.push(connection);
    statuses.push(status.slice(-3));
  }
  // Whether the role is well can be asked all the time.
  assertEquals(statuses, ["200", "200", "503", "200"]);
  open[0].close();
  let again = "";
  // Once the server has noticed that a reader is gone.
  for (let tries = 0; again !== "HTTP/1.1 200" && tries < 200; tries++) {
    const [connection, status] = await ask("/large");
    connection.close();
    again = status;
  }
  assertEquals(again, "HTTP/1.1 200");
  for (const connection of open.slice(1)) connection.close();
  serving.stop();
});

Deno.test("a port that is taken is refused with the next step", async () => {
  const serving = await serve();
  const error = await assertRejects(() => serve(serving.port), MachineRefusal);
  assertEquals(
    error.message,
    `Cannot listen on TCP 127.0.0.1:${serving.port}: another process listens there; stop it or choose another port`,
  );
  serving.stop();
});
