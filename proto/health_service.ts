/**
 * The standard health service. The usual package (`grpc-health-check`) reads its .proto file from disk when it is
 * imported, which would cost every role a read permission; over the same .proto text as an import, the service is what
 * follows.
 */
import { type sendUnaryData, type Server, type ServerUnaryCall, status } from "@grpc/grpc-js";
import { healthProto, serviceOf } from "./packages.ts";
import { type HealthCheckRequest, type HealthCheckResponse } from "./schema.ts";
import type { OpenStreams, OutStream } from "./stream_out.ts";

const SERVING = 1, SERVICE_UNKNOWN = 3;

/**
 * Answers for these services and, under the empty name, for all of them. While this program serves, it is serving:
 * when it stops, watchers' streams end with UNAVAILABLE, and a check finds nobody.
 */
export function addHealthService(server: Server, services: readonly string[], streams: OpenStreams): void {
  const known = (service: string): boolean => service === "" || services.includes(service);
  server.addService(serviceOf(healthProto, "grpc.health.v1.Health"), {
    Check(
      call: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
      answer: sendUnaryData<HealthCheckResponse>,
    ): void {
      if (known(call.request.service)) answer(null, { status: SERVING });
      else answer({ code: status.NOT_FOUND, details: `unknown service; use one of ${services.join(", ")}` });
    },
    Watch(call: OutStream<HealthCheckResponse, HealthCheckRequest>): void {
      if (!streams.open(call, () => {})) return;
      call.write({ status: known(call.request.service) ? SERVING : SERVICE_UNKNOWN });
    },
  });
}
