/**
 * The standard reflection service, so that grpcurl and its like need no .proto file. The usual package
 * (`@grpc/reflection`) reads its .proto files from disk, which would cost every role a read permission, and brings a
 * second copy of the proto loader. Each of our .proto files is a package of its own that imports nothing, which makes
 * the two questions that tools ask (which services are there, which file declares this symbol) lookups in a table.
 */
import { type Server, type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { PackageDefinition } from "@grpc/proto-loader";
import { reflectionAlphaProto, reflectionProto, serviceOf } from "./packages.ts";
import { type ReflectionRequest, type ReflectionResponse } from "./schema.ts";

type Reflect = (request: ReflectionRequest) => Omit<ReflectionResponse, "valid_host" | "original_request">;

/** Describes these packages, under the protocol's present name and under the one that most tools still use. */
export function addReflectionService(server: Server, protos: Readonly<Record<string, PackageDefinition>>): void {
  const reflect = reflector(protos);
  const implementation = {
    ServerReflectionInfo(call: ServerDuplexStream<ReflectionRequest, ReflectionResponse>): void {
      call.on("data", (request: ReflectionRequest) => {
        const response = { valid_host: request.host, original_request: request, ...reflect(request) };
        // One question at a time: whoever asks without reading answers waits.
        if (!call.write(response)) call.pause();
      });
      call.on("drain", () => call.resume());
      call.on("end", () => call.end());
      call.on("error", () => {}); // the peer is gone
    },
  };
  server.addService(serviceOf(reflectionProto, "grpc.reflection.v1.ServerReflection"), implementation);
  server.addService(serviceOf(reflectionAlphaProto, "grpc.reflection.v1alpha.ServerReflection"), implementation);
}

/** Answers questions about packages; the keys are file names. */
export function reflector(protos: Readonly<Record<string, PackageDefinition>>): Reflect {
  const services: string[] = [];
  /** Encoded file by file name, and by every symbol that the file declares. */
  const files = new Map<string, Uint8Array>(), symbols = new Map<string, Uint8Array>();
  for (const [fileName, proto] of Object.entries(protos)) {
    const [file] = Object.values(proto).flatMap((definition) =>
      "fileDescriptorProtos" in definition && Array.isArray(definition.fileDescriptorProtos)
        ? definition.fileDescriptorProtos
        : []
    );
    files.set(fileName, file);
    for (const [name, definition] of Object.entries(proto)) {
      symbols.set(name, file);
      if ("format" in definition) continue;
      services.push(name);
      for (const method of Object.keys(definition)) symbols.set(`${name}.${method}`, file);
    }
  }
  const fileOf = (file: Uint8Array | undefined, what: string): ReturnType<Reflect> =>
    file === undefined
      ? { error_response: { error_code: status.NOT_FOUND, error_message: `there is no ${what}` } }
      : { file_descriptor_response: { file_descriptor_proto: [file] } };
  return (request) => {
    switch (request.message_request) {
      case "list_services":
        return { list_services_response: { service: services.map((name) => ({ name })) } };
      case "file_containing_symbol":
        return fileOf(symbols.get(request.file_containing_symbol ?? ""), "such symbol");
      case "file_by_filename":
        return fileOf(files.get(request.file_by_filename ?? ""), "such file");
      default:
        return { error_response: { error_code: status.NOT_FOUND, error_message: "there are no extensions" } };
    }
  };
}
