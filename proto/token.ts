/**
 * Bearer tokens (RFC 6750): one secret that every call brings in its `authorization` header. It says that a peer may ask,
 * not who it is; mutual TLS does that.
 */
import { Metadata, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { CredentialFiles } from "@/core/host/credential_files.ts";

const HEADER = "authorization";

/** What a call brings. */
export function tokenMetadata(token: CredentialFiles<string> | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set(HEADER, `Bearer ${token.current()}`);
  return metadata;
}

/** Refuses every call without the token, before anything of it is read. None without a token. */
export function tokenInterceptors(token: CredentialFiles<string> | undefined): ServerInterceptor[] {
  if (token === undefined) return [];
  return [(_method, call): ServerInterceptingCall =>
    new ServerInterceptingCall(call, {
      start(next): void {
        next({
          onReceiveMetadata(metadata, go): void {
            if (isToken(metadata.get(HEADER), token.current())) return go(metadata);
            call.sendStatus({ code: status.UNAUTHENTICATED, details: REFUSAL });
          },
        });
      },
    })];
}

const REFUSAL =
  "the call did not bring the token that is asked for here; name the file that holds it with --token-file";

/** Compared by digests: how long it takes says nothing about where they differ, nor how long the secret is. */
function isToken(values: readonly (string | Uint8Array)[], token: string): boolean {
  if (values.length !== 1 || typeof values[0] !== "string") return false;
  return timingSafeEqual(digest(values[0]), digest(`Bearer ${token}`));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
