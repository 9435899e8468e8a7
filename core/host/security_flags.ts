/** The flags of TLS and tokens, of both sides of gRPC. What they lead to is in `security.ts`. */
import type { Flag } from "./flag_table.ts";
import type { FlagValues } from "./flags.ts";

/** Characters of a token, at least and at most: it must not be guessed, and travels in a header. */
export const TOKEN_CHARS_MIN = 16, TOKEN_CHARS_MAX = 4096;

const PATH = "PATH";

export const SERVER_SECURITY_FLAGS: readonly Flag[] = [
  {
    name: "tls-cert",
    kind: "text",
    placeholder: PATH,
    help: "certificate (PEM, with its chain) to serve gRPC with TLS",
    touches: "reads",
  },
  { name: "tls-key", kind: "text", placeholder: PATH, help: "its private key (PEM)", touches: "reads" },
  {
    name: "tls-client-ca",
    kind: "text",
    placeholder: PATH,
    help: "authorities (PEM): only clients with a certificate that one of them signed may call",
    touches: "reads",
  },
  {
    name: "token-file",
    kind: "text",
    placeholder: PATH,
    help: `file with a token of at least ${TOKEN_CHARS_MIN} characters that every call must bring`,
    touches: "reads",
  },
];

export const CLIENT_SECURITY_FLAGS: readonly Flag[] = [
  { name: "tls", kind: "switch", help: "speak TLS, and believe the authorities that the runtime knows" },
  {
    name: "tls-ca",
    kind: "text",
    placeholder: PATH,
    help: "speak TLS, and believe these authorities (PEM)",
    touches: "reads",
  },
  {
    name: "client-cert",
    kind: "text",
    placeholder: PATH,
    help: "certificate (PEM) to show to servers that ask for one",
    touches: "reads",
  },
  { name: "client-key", kind: "text", placeholder: PATH, help: "its private key (PEM)", touches: "reads" },
];

/** The token that a client brings; an aggregator, which is server and client, has another name for it. */
export function tokenFlag(name: string): Flag {
  const help = "file with the token to bring to servers that ask for one";
  return { name, kind: "text", placeholder: PATH, help, touches: "reads" };
}

/** Whether any flag of the client's side was set. */
export function securityGiven(flags: FlagValues, token = "token-file"): boolean {
  return [...CLIENT_SECURITY_FLAGS.map(({ name }) => name), token].some((name) => flags.given(name));
}
