import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import bcrypt from "bcryptjs";
import { PasswordGate, type Passwords, readPasswords } from "./password_gate.ts";
import { fakeSite } from "./fake_site.ts";

/** As `htpasswd -nbB -C 4 ada lovelace` writes it. */
const ADA = `ada:${bcrypt.hashSync("lovelace", 4).replace("$2b$", "$2y$")}`;
const CLIENT = "192.0.2.1";

function basic(text: string): string {
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(text)))}`;
}

function gateOf(text: string, nowMs: () => number = () => 0): { gate: PasswordGate; read: (text: string) => void } {
  let passwords: Passwords = readPasswords(text);
  return {
    gate: new PasswordGate({ current: () => passwords }, nowMs),
    read: (text) => void (passwords = readPasswords(text)),
  };
}

Deno.test("who brings the right name and password is let in, nobody else", async () => {
  const { gate } = gateOf(`# staff\n\n${ADA}\r\n`);
  assertEquals(await gate.refusal(basic("ada:lovelace"), CLIENT), undefined);
  for (
    const wrong of [
      null,
      "",
      "Basic",
      "Bearer x",
      "Basic !!!",
      basic("ada"),
      basic("ada:Lovelace"),
      basic("eve:lovelace"),
    ]
  ) {
    assertEquals(await gate.refusal(wrong, CLIENT), "unknown", String(wrong));
  }
});

Deno.test("who is taken out of the file is out at once, also when remembered", async () => {
  const { gate, read } = gateOf(ADA);
  assertEquals(await gate.refusal(basic("ada:lovelace"), CLIENT), undefined);
  read(ADA.replace("ada", "grace"));
  assertEquals(await gate.refusal(basic("ada:lovelace"), CLIENT), "unknown");
  assertEquals(await gate.refusal(basic("grace:lovelace"), CLIENT), undefined);
});

Deno.test("a client may be wrong only so often, and others are not hindered by it", async () => {
  let nowMs = 0;
  const { gate } = gateOf(ADA, () => nowMs), wrong = basic("ada:guess");
  const answers: unknown[] = [];
  for (let i = 0; i < 12; i++) answers.push(await gate.refusal(wrong, CLIENT));
  assertEquals(answers, [...Array(10).fill("unknown"), "too often", "too often"]);
  assertEquals(await gate.refusal(basic("ada:lovelace"), CLIENT), "too often", "not even the right one is looked at");
  assertEquals(await gate.refusal(basic("ada:lovelace"), "192.0.2.2"), undefined);
  nowMs = 6000;
  assertEquals(await gate.refusal(wrong, CLIENT), "unknown");
});

Deno.test("the right password counts against nobody, however often the page reloads", async () => {
  let nowMs = 0;
  const { gate } = gateOf(ADA, () => nowMs);
  for (let i = 0; i < 50; i++, nowMs += 299_000) {
    assertEquals(await gate.refusal(basic("ada:lovelace"), CLIENT), undefined);
  }
});

Deno.test("many people behind one address may all come at once", async () => {
  const names = Array.from({ length: 40 }, (_, i) => `user${i}`);
  const { gate } = gateOf(names.map((name) => ADA.replace("ada", name)).join("\n"));
  for (const name of names) assertEquals(await gate.refusal(basic(`${name}:lovelace`), CLIENT), undefined, name);
});

Deno.test("a file that cannot be used says which line and what to do", () => {
  const reason = (text: string): string => assertThrows(() => readPasswords(text), Error).message;
  assertStringIncludes(reason(""), "nobody is in it");
  assertStringIncludes(reason(`${ADA}\nno colon`), "line 2 is no name:hash");
  assertStringIncludes(reason("bob:$apr1$x$y"), "line 1 (bob) is not bcrypt; make it with htpasswd -B");
  assertStringIncludes(reason(ADA.replace("$04$", "$15$")), "2^15 rounds");
});

Deno.test("no header and no file makes anything throw but an Error that says why", async () => {
  const { gate } = gateOf(ADA);
  await fc.assert(fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
    assertEquals(await gate.refusal(text, CLIENT), "unknown");
  }));
  fc.assert(fc.property(fc.string(), (text) => {
    try {
      readPasswords(text);
    } catch (error) {
      assertEquals(error instanceof Error && error.message.length > 0, true);
    }
  }));
});

Deno.test("without the password nothing is told, not even what the style is", async () => {
  const { gate } = gateOf(ADA), site = fakeSite({}, { passwords: gate });
  for (const path of ["/", "/targets", "/?raw=1", "/style.css", "/nothing"]) {
    const response = await site.get(path);
    assertEquals([response.status, response.headers.get("www-authenticate")?.split(" ")[0]], [401, "Basic"]);
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
  }
  assertEquals(site.asked.topN, []);
  const response = await site.get("/", { headers: { authorization: basic("ada:lovelace") } });
  assertEquals(response.status, 200);
});
