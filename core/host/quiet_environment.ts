/**
 * Imported for its effect, before gRPC: that asks for some twenty variables while it loads, and where the runtime neither
 * allows nor ignores them it would end in the stack of a library. This says what is missing instead.
 */
import { EXIT } from "./exit.ts";
import { writeErr } from "./output.ts";

/** One of those that gRPC asks for. Ignored, it is "denied"; allowed, "granted". */
const VARIABLE = "GRPC_TRACE";

if (Deno.permissions.querySync({ name: "env", variable: VARIABLE }).state === "prompt") {
  writeErr(
    "nginx-logtail: Cannot load gRPC: it looks for variables of the environment, which were neither allowed nor ignored; " +
      "start it with --ignore-env beside what it has\n",
  );
  Deno.exit(EXIT.refused);
}
