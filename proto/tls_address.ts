/**
 * TLS to a target that is written as an address. gRPC asks every server for its target by name (SNI), also for
 * `10.0.0.1`, which is no name (RFC 6066, section 3) and which the runtime refuses to send. Without that, the certificate is
 * checked for the address all the same: `host` says it.
 */
import type { ChannelCredentials } from "@grpc/grpc-js";
import { isIPv4, isIPv6 } from "@/core/host/ip_address.ts";

/** What gRPC's connector keeps for `tls.connect`. The pinned version and `tls_test.ts` stand for it. */
interface Connecting {
  readonly connectionOptions?: { servername?: string };
}

/** The same credentials, good for addresses too. */
export function forAddresses(credentials: ChannelCredentials): ChannelCredentials {
  const createConnector = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...args): ReturnType<typeof createConnector> => {
    const connector = createConnector(...args);
    const { connectionOptions } = connector as Connecting, name = connectionOptions?.servername ?? "";
    if (isIPv4(name) || isIPv6(name)) delete connectionOptions?.servername;
    return connector;
  };
  return credentials;
}
