/**
 * What can go wrong between us and a target, in a sentence for an operator: which target, what happened, what would
 * help.
 */
import { type ServiceError, status } from "@grpc/grpc-js";

/**
 * - `unreachable`: nobody answers there, or the connection broke;
 * - `timeout`: no answer in time;
 * - `refused`: the target would not answer now (too many streams, no permission, an answer too large);
 * - `invalid`: the question is wrong, and will be wrong tomorrow;
 * - `protocol`: what listens there speaks another language, or nonsense.
 */
export type RemoteErrorCode = "unreachable" | "timeout" | "refused" | "invalid" | "protocol";

export class RemoteError extends Error {
  override readonly name = "RemoteError";

  constructor(readonly code: RemoteErrorCode, message: string) {
    super(message);
  }
}

/** Characters of what a target says about itself: it may be no friend, and this is logged and shown. */
const DETAILS_CHARS_MAX = 1000;

/** The error for what gRPC reports of a call to `target`. */
export function remoteError(target: string, error: unknown, timeoutMs?: number): RemoteError {
  if (error instanceof RemoteError) return error;
  if (!isServiceError(error)) return new RemoteError("protocol", `Cannot ask ${target}: ${String(error)}`);
  const details = error.details.slice(0, DETAILS_CHARS_MAX).toWellFormed();
  switch (error.code) {
    case status.UNAVAILABLE:
    case status.CANCELLED:
      return new RemoteError("unreachable", `Cannot reach ${target}: ${unreachable(details)}`);
    case status.DEADLINE_EXCEEDED: {
      const within = timeoutMs === undefined ? "in time" : `within ${timeoutMs / 1000} s`;
      return new RemoteError(
        "timeout",
        `Cannot reach ${target}: no answer ${within}; check that packets get there, or allow more time`,
      );
    }
    case status.INVALID_ARGUMENT:
    case status.OUT_OF_RANGE:
      return new RemoteError("invalid", details);
    case status.UNIMPLEMENTED:
      return new RemoteError(
        "protocol",
        `Cannot ask ${target}: what runs there does not know this call; is it an older or another program?`,
      );
    case status.RESOURCE_EXHAUSTED:
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
    case status.FAILED_PRECONDITION:
      return new RemoteError("refused", `${target} refuses: ${details}`);
    default:
      return new RemoteError("protocol", `Cannot ask ${target}: ${details || status[error.code]}`);
  }
}

/** Whether the same call may succeed when made again at once: the connection broke before an answer. */
export function isWorthAnotherTry(error: unknown): boolean {
  return isServiceError(error) && (error.code === status.UNAVAILABLE || error.code === status.CANCELLED);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error &&
    typeof error.details === "string";
}

/** gRPC hands on what the runtime says, embedded in prose of its own that differs by version. */
function unreachable(details: string): string {
  if (/ECONNREFUSED|connection refused/i.test(details)) {
    return "connection refused; is a collector or an aggregator running there?";
  }
  if (/ENOTFOUND|EAI_AGAIN|name resolution failed/i.test(details)) {
    // A host that --allow-net leaves out looks just like one that does not exist.
    return "the host name has no address; check the name, and that --allow-net has it";
  }
  if (/Requires net access|NotCapable/i.test(details)) {
    return "the runtime was not given this address; start it with --allow-net for it";
  }
  if (/Protocol error/i.test(details)) return "what listens there does not speak HTTP/2; is it another program?";
  if (/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/i.test(details)) return "there is no route to it; check address and firewall";
  if (/InvalidContentType|wrong version number/i.test(details)) {
    return "it does not speak TLS; ask without --tls, --tls-ca and --client-cert";
  }
  if (/self-signed|unable to (get|verify)|UnknownIssuer|UnknownCA|certificate has expired/i.test(details)) {
    return "its certificate is not one that is believed here; name the authority that signed it with --tls-ca";
  }
  if (/NotValidForName|altname|does not match certificate/i.test(details)) {
    return "its certificate is for another name; reach it by a name that the certificate has";
  }
  if (/EPIPE|CertificateRequired|HandshakeFailure/i.test(details)) {
    return "the connection was closed; it may ask for a certificate (--client-cert, --client-key)";
  }
  if (/ECONNRESET|ECONNABORTED|connection dropped|cancel|Failed to connect/i.test(details)) {
    return "the connection was closed; try again, with --tls-ca if it speaks TLS";
  }
  return `${details || "the connection was closed"}; try again`;
}
