/** What docs/containers.md has nginx's container do is done here, by a real nginx. */
import { assert, assertEquals } from "@std/assert";
import { parseAll } from "@std/yaml";
import { pages } from "./docs/markdown.ts";
import { TestFolder } from "./lines.ts";
import { programPath, realTest } from "./need.ts";
import { eventually, freePort } from "./ports.ts";

realTest(["nginx"], "the loop beside nginx rotates its log, and nginx goes on in a new one", async () => {
  const scripts = nginxScripts();
  assertEquals(scripts.length, 2, "of the compose file and of the pod");
  assertEquals(scripts[0], scripts[1]);
  using folder = new TestFolder();
  Deno.chmodSync(folder.folder, 0o755); // nginx's workers open logs again by themselves, as another user
  const port = freePort(), logs = `${folder.folder}/log`;
  for (const name of ["bin", "log", "temp"]) Deno.mkdirSync(folder.path(name));
  Deno.writeTextFileSync(folder.path("nginx.conf"), configuration(port, folder.folder));
  const nginx = `exec ${programPath("nginx")} -p ${folder.folder} -c ${folder.path("nginx.conf")} -e stderr "$@"`;
  Deno.writeTextFileSync(folder.path("bin/nginx"), `#!/bin/sh\n${nginx}\n`);
  Deno.chmodSync(folder.path("bin/nginx"), 0o755);
  const script = scripts[0].replace("sleep 3600", "sleep 0.5").replaceAll("/var/log/nginx", logs);

  const child = new Deno.Command("/usr/bin/bash", {
    args: ["-c", `exec setsid sh -c "$0"`, script],
    env: { PATH: `${folder.path("bin")}:/usr/bin:/bin` },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const said = new Response(child.stderr).text();
  const linesOf = (name: string): number => {
    try {
      return Deno.readTextFileSync(`${logs}/${name}`).split("\n").length - 1;
    } catch {
      return 0;
    }
  };
  try {
    const ask = async (): Promise<void> => void await (await fetch(`http://127.0.0.1:${port}/`)).text();
    await eventually(() => ask().then(() => true, () => undefined), () => "nginx does not answer");
    await eventually(() => linesOf("access.log.1") > 0 || undefined, () => "the log was not rotated");
    await eventually(async () => {
      await ask();
      return linesOf("access.log") > 0 || undefined;
    }, () => "nginx does not write to a new log");
    assert(Deno.statSync(`${logs}/access.log`).mode! & 0o004, "a collector that is not root can read it");
  } finally {
    await new Deno.Command("/usr/bin/bash", { args: ["-c", `kill -TERM -- -${child.pid}`] }).output();
    await child.status;
    await said;
  }
});

/** The commands of nginx's containers on the page. */
function nginxScripts(): readonly string[] {
  const page = pages().find(({ path }) => path === "docs/containers.md");
  const documents = page?.blocks.filter(({ language }) => language === "yaml").flatMap(({ text }) => parseAll(text)) ??
    [];
  return documents.flatMap((document) => commandsIn(document)).filter(([program]) => program === "sh").map((command) =>
    command[2]
  );
}

/** Every `command` anywhere in a document. */
function commandsIn(node: unknown): readonly string[][] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === "command" && Array.isArray(value) ? [value.map(String)] : commandsIn(value)
  );
}

function configuration(port: number, folder: string): string {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path temp/${name};`);
  return `pid nginx.pid;
events {}
http {
  ${places.join(" ")}
  access_log ${folder}/log/access.log;
  server { listen 127.0.0.1:${port}; return 200 "a page\\n"; }
}
`;
}
