/**
 * Basic authentication against a file as `htpasswd -B` writes it: `name:$2y$…`, one a line, `#` comments. Only bcrypt is
 * taken: the older forms can be tried by the billion.
 *
 * bcrypt is slow on purpose, and pages reload for hours: what was right is remembered for a while, under a hash with a
 * key of this process. What was wrong is not, and each client may be wrong only so often.
 */
import { createHmac, randomBytes } from "node:crypto";
import bcrypt from "bcryptjs";
import type { CredentialFiles } from "@/core/host/credential_files.ts";
import { ClientRate } from "./client_rate.ts";

/** Names to hashes. */
export type Passwords = ReadonlyMap<string, string>;

/** Lines of the file. */
const NAMES_MAX = 10_000;

/** Characters of what a client sends: name, colon, password. bcrypt looks at 72 bytes of a password. */
const CREDENTIALS_CHARS_MAX = 1024;

/** Right answers remembered, and for how long. */
const REMEMBERED_MAX = 1024, REMEMBERED_MS = 300_000;

/** Wrong passwords a second that a client may send on average, and at once. */
const WRONG_PER_S = 0.2, WRONG_BURST = 10;

/** Passwords looked at at once, and those that may wait for it: each costs tens of milliseconds. */
const CHECKS_MAX = 8;

/** Lowest number of rounds (as a power of two) that `htpasswd -B` takes. */
const HASH = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** Highest: a hash of 2^15 rounds takes seconds, during which nobody is answered. */
const ROUNDS_MAX = 14;

/** Reads a password file. Throws Error that names the line. */
export function readPasswords(text: string): Passwords {
  const passwords = new Map<string, string>();
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === "" || line.startsWith("#")) return;
    const colon = line.indexOf(":"), name = line.slice(0, colon), hash = line.slice(colon + 1).trim();
    if (colon < 1) throw new Error(`line ${i + 1} is no name:hash; make it with htpasswd -B`);
    const match = HASH.exec(hash);
    if (match === null) throw new Error(`line ${i + 1} (${name}) is not bcrypt; make it with htpasswd -B`);
    if (Number(match[1]) > ROUNDS_MAX) {
      throw new Error(`line ${i + 1} (${name}) takes 2^${match[1]} rounds; use htpasswd -B -C ${ROUNDS_MAX} at most`);
    }
    passwords.set(name, hash);
  });
  if (passwords.size === 0) throw new Error("nobody is in it; add somebody with htpasswd -B");
  if (passwords.size > NAMES_MAX) throw new Error(`${passwords.size} names are in it; at most ${NAMES_MAX} are taken`);
  return passwords;
}

export class PasswordGate {
  readonly #key = randomBytes(32);
  readonly #remembered = new Map<string, number>();
  readonly #wrong: ClientRate;
  #passwords: Passwords | undefined;
  #checking = 0;

  constructor(readonly file: CredentialFiles<Passwords>, readonly nowMs: () => number) {
    this.#wrong = new ClientRate(WRONG_PER_S, nowMs, WRONG_BURST);
  }

  /** Why a request with this `Authorization` is not answered; undefined when it is. */
  async refusal(authorization: string | null, client: string): Promise<"unknown" | "too often" | undefined> {
    const passwords = this.file.current();
    // Whoever was taken out of the file is out at once.
    if (passwords !== this.#passwords) this.#remembered.clear();
    this.#passwords = passwords;
    const credentials = readBasic(authorization);
    if (credentials === undefined) return "unknown";
    const digest = createHmac("sha256", this.#key).update(credentials).digest("base64");
    if (this.nowMs() - (this.#remembered.get(digest) ?? -Infinity) < REMEMBERED_MS) return undefined;
    if (this.#checking >= CHECKS_MAX || !this.#wrong.allows(client)) return "too often";
    this.#checking++;
    try {
      if (!await isRight(passwords, credentials)) return "unknown";
    } finally {
      this.#checking--;
    }
    this.#wrong.giveBack(client);
    this.#remembered.delete(digest);
    this.#remembered.set(digest, this.nowMs());
    if (this.#remembered.size > REMEMBERED_MAX) this.#remembered.delete(this.#remembered.keys().next().value!);
    return undefined;
  }
}

/** Somebody who is not in the file takes as long as somebody who is. */
async function isRight(passwords: Passwords, credentials: string): Promise<boolean> {
  const colon = credentials.indexOf(":"), hash = passwords.get(credentials.slice(0, colon));
  const anyHash = hash ?? passwords.values().next().value ?? "";
  return await bcrypt.compare(credentials.slice(colon + 1), anyHash) && hash !== undefined;
}

/** `name:password`, or undefined when it is nothing of the kind. RFC 7617, UTF-8. */
function readBasic(authorization: string | null): string | undefined {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization ?? "");
  if (match === null || match[1].length > 2 * CREDENTIALS_CHARS_MAX) return undefined;
  try {
    const bytes = Uint8Array.from(atob(match[1]), (character) => character.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes(":") && text.length <= CREDENTIALS_CHARS_MAX ? text : undefined;
  } catch {
    return undefined;
  }
}
