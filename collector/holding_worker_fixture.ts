/** An ingest thread that says what it may touch: asked of the runtime, and tried. */
import type { FromThread, ToThread } from "./thread_message.ts";

interface ThreadScope {
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  postMessage(message: FromThread): void;
}

declare const self: ThreadScope;

self.onmessage = ({ data }) => {
  if (data.kind === "stop") return self.postMessage({ kind: "stopped" });
  if (data.kind !== "start") return;
  const [log] = data.patterns,
    folder = log.slice(0, log.lastIndexOf("/")),
    modules = new URL(".", import.meta.url).pathname;
  const paths = { log, folder, modules, above: folder.slice(0, folder.lastIndexOf("/")), other: "/etc/hostname" };
  const states = Object.entries(paths).map(([name, path]) => [
    `read ${name}`,
    Deno.permissions.querySync({ name: "read", path }).state,
  ]);
  for (const name of ["read", "net", "env", "write", "run", "ffi", "sys"] as const) {
    states.push([name, Deno.permissions.querySync({ name }).state]);
  }
  const tried = [() => Deno.writeTextFileSync(`${folder}/x`, ""), () => Deno.readTextFileSync(paths.other)].map(
    (act) => {
      try {
        act();
        return "done";
      } catch (error) {
        return error instanceof Error ? error.name : "";
      }
    },
  );
  const problem = JSON.stringify([...states, ["tried", tried.join(" ")]]), { endS, nowS } = data;
  self.postMessage({ kind: "sealed", endS, nowS, problem, buckets: [], positions: [] });
};
