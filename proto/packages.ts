/**
 * The three `.proto` files as gRPC's servers and its reflection want them, with their descriptors. A client does without:
 * what it needs is in `schema.ts`.
 */
import { fromJSON, type PackageDefinition, type ServiceDefinition } from "@grpc/proto-loader";
import healthText from "./health.proto" with { type: "text" };
import logtailText from "./logtail.proto" with { type: "text" };
import reflectionText from "./reflection.proto" with { type: "text" };
import { counted, type Method, OBJECTS, parse } from "./schema.ts";

/** `LogtailService`. */
export const logtailProto: PackageDefinition = compile(logtailText);
/** The standard health service. */
export const healthProto: PackageDefinition = compile(healthText);
/** The standard reflection service. */
export const reflectionProto: PackageDefinition = compile(reflectionText);
/** The same under the name that most clients still ask for. */
export const reflectionAlphaProto: PackageDefinition = compile(
  reflectionText.replaceAll("grpc.reflection.v1", "grpc.reflection.v1alpha"),
);

/** A service of one of the packages above. Throws for a name that is not one. */
export function serviceOf(proto: PackageDefinition, name: string): ServiceDefinition {
  const service = proto[name];
  if (service === undefined || "format" in service) throw new Error(`No service ${name} in the .proto text`);
  return service as ServiceDefinition;
}

/**
 * A call of one of the packages above, with the types that are claimed for it; the tests stand for them. Throws for a name
 * that is not one.
 */
export function methodOf<Request, Response>(
  proto: PackageDefinition,
  service: string,
  name: string,
): Method<Request, Response> {
  const method = serviceOf(proto, service)[name];
  if (method === undefined) throw new Error(`No call ${name} in ${service}`);
  return method as unknown as Method<Request, Response>;
}

/** What arrives is counted before it is decoded. */
function compile(text: string): PackageDefinition {
  const root = parse(text), proto = fromJSON(root.toJSON(), { ...OBJECTS, keepCase: true });
  for (const [serviceName, definition] of Object.entries(proto)) {
    if ("format" in definition) continue;
    for (const [name, method] of Object.entries(definition as ServiceDefinition)) {
      const { resolvedRequestType, resolvedResponseType } = root.lookupService(serviceName).methods[name];
      method.requestDeserialize = counted(resolvedRequestType, method.requestDeserialize);
      method.responseDeserialize = counted(resolvedResponseType, method.responseDeserialize);
    }
  }
  return proto;
}
