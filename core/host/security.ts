/**
 * TLS and tokens of gRPC: what the flags of both sides (`security_flags.ts`) lead to. Without any of them gRPC is plain
 * text, for loopback and private networks.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { type CredentialFile, type CredentialFiles, openCredentialFiles } from "./credential_files.ts";
import { UsageError } from "./endings.ts";
import type { FlagValues } from "./flags.ts";
import type { Log } from "./log.ts";
import { TOKEN_CHARS_MAX, TOKEN_CHARS_MIN } from "./security_flags.ts";

/** Seconds before its end from which on a certificate is warned about. */
const EXPIRY_WARNING_SECONDS = 14 * 86_400;

/** PEM texts. */
export interface ServerCertificates {
  readonly cert: string;
  readonly key: string;
  /** Certificates of authorities: given, a client must show a certificate that one of them has signed. */
  readonly clientCa?: string;
}

/** PEM texts. */
export interface ClientCertificates {
  /** Authorities that servers are believed by; the runtime's own list when absent. */
  readonly ca?: string;
  /** What this client shows, both or neither. */
  readonly cert?: string;
  readonly key?: string;
}

/** Flags that are texts, by name; empty when not given. */
export type FlagTexts = Pick<FlagValues, "text">;

/** What a server asks of its peers. Each part may be absent. */
export interface ServerSecurity {
  readonly tls?: CredentialFiles<ServerCertificates>;
  /** Every call must bring it. */
  readonly token?: CredentialFiles<string>;
}

/** What a client shows. Each part may be absent. */
export interface ClientSecurity {
  readonly tls?: CredentialFiles<ClientCertificates>;
  readonly token?: CredentialFiles<string>;
}

/**
 * What the flags of SERVER_SECURITY_FLAGS say.
 *
 * @throws UsageError with every mistake in how they go together; MachineRefusal for files that cannot be used
 */
export function serverSecurity(flags: FlagTexts, log: Log): ServerSecurity {
  const mistakes = [...pairMistakes(flags, "tls-cert", "tls-key")];
  if (flags.text("tls-client-ca") !== "" && flags.text("tls-cert") === "") {
    mistakes.push("--tls-client-ca: needs --tls-cert and --tls-key; without TLS nobody shows a certificate");
  }
  if (mistakes.length > 0) throw new UsageError(mistakes);
  const security = {
    ...flags.text("tls-cert") === "" ? {} : { tls: serverTls(flags, log) },
    ...flags.text("token-file") === "" ? {} : { token: tokenOf("token-file", flags, log) },
  };
  if (security.token !== undefined && !("tls" in security)) {
    log.warn("the token travels in plain text; give --tls-cert and --tls-key wherever others can listen");
  }
  return security;
}

/**
 * What the flags of CLIENT_SECURITY_FLAGS say, and the token of the flag `token`.
 *
 * @throws UsageError with every mistake in how they go together; MachineRefusal for files that cannot be used
 */
export function clientSecurity(flags: FlagValues, log: Log, token = "token-file"): ClientSecurity {
  const mistakes = pairMistakes(flags, "client-cert", "client-key");
  const given = CLIENT_FILES.filter((flag) => flags.text(flag) !== "");
  if (mistakes.length > 0) throw new UsageError(mistakes);
  return {
    ...given.length === 0 && !flags.on("tls") ? {} : { tls: clientTls(given, flags, log) },
    ...flags.text(token) === "" ? {} : { token: tokenOf(token, flags, log) },
  };
}

/**
 * What --tls-cert and --tls-key of a server of HTTP say; undefined without them.
 *
 * @throws UsageError when one is missing; MachineRefusal for files that cannot be used
 */
export function httpsCertificates(flags: FlagValues, log: Log): CredentialFiles<ServerCertificates> | undefined {
  const names = ["tls-cert", "tls-key"], mistakes = pairMistakes(flags, names[0], names[1]);
  if (mistakes.length > 0) throw new UsageError(mistakes);
  if (flags.text(names[0]) === "") return undefined;
  return openCredentialFiles(filesOf(names, flags), ([cert, key]) => {
    checkPair(cert, key, log);
    return { cert, key };
  }, log);
}

const CLIENT_FILES = ["tls-ca", "client-cert", "client-key"];

function pairMistakes(flags: FlagTexts, cert: string, key: string): string[] {
  if ((flags.text(cert) === "") === (flags.text(key) === "")) return [];
  const [there, missing] = flags.text(key) === "" ? [cert, key] : [key, cert];
  return [`--${there}: needs --${missing} beside it`];
}

function serverTls(flags: FlagTexts, log: Log): CredentialFiles<ServerCertificates> {
  const files = filesOf(["tls-cert", "tls-key", "tls-client-ca"].filter((flag) => flags.text(flag) !== ""), flags);
  return openCredentialFiles(files, ([cert, key, clientCa]) => {
    checkPair(cert, key, log);
    if (clientCa !== undefined) checkCertificate(clientCa);
    return { cert, key, clientCa };
  }, log);
}

function clientTls(given: readonly string[], flags: FlagValues, log: Log): CredentialFiles<ClientCertificates> {
  return openCredentialFiles(filesOf(given, flags), (texts) => {
    const [ca, cert, key] = CLIENT_FILES.map((flag) => given.includes(flag) ? texts[given.indexOf(flag)] : undefined);
    if (ca !== undefined) checkCertificate(ca);
    if (cert !== undefined && key !== undefined) checkPair(cert, key, log);
    return { ca, cert, key };
  }, log);
}

function tokenOf(flag: string, flags: FlagTexts, log: Log): CredentialFiles<string> {
  return openCredentialFiles(filesOf([flag], flags), ([text]) => {
    const token = text.trim();
    if (token.length < TOKEN_CHARS_MIN || token.length > TOKEN_CHARS_MAX) {
      throw new Error(`a token of ${token.length} characters; use ${TOKEN_CHARS_MIN} to ${TOKEN_CHARS_MAX}`);
    }
    if (!/^[!-~]+$/.test(token)) throw new Error("a token of more than printable ASCII characters without blanks");
    return token;
  }, log);
}

function filesOf(names: readonly string[], flags: FlagTexts): CredentialFile[] {
  return names.map((flag) => ({ flag, path: flags.text(flag) }));
}

function checkPair(cert: string, key: string, log: Log): void {
  const certificate = checkCertificate(cert);
  let belongs = false;
  try {
    belongs = certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw new Error("the key is no private key in PEM without a passphrase");
  }
  if (!belongs) throw new Error("the key is not that of the certificate");
  const endMs = Date.parse(certificate.validTo);
  if (endMs - Date.now() < 1000 * EXPIRY_WARNING_SECONDS) {
    log.warn("a certificate ends soon or has ended", { subject: certificate.subject, valid_to: certificate.validTo });
  }
}

function checkCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new Error("not a certificate in PEM");
  }
}
