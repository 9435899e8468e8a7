/** Prometheus' own tool, asked what it thinks of what we write. */
import { programPath } from "./need.ts";

/** Exit code and all that it said, empty when it has nothing to complain of. */
export interface Verdict {
  readonly code: number;
  readonly said: string;
}

/** A page of metrics: `promtool check metrics`. */
export function checkMetrics(page: string): Promise<Verdict> {
  return ask(["check", "metrics"], page);
}

/** A file of rules, or its tests. @param command such as `check rules` */
export function askOf(command: string, path: string): Promise<Verdict> {
  return ask([...command.split(" "), path], "");
}

async function ask(args: readonly string[], input: string): Promise<Verdict> {
  const child = new Deno.Command(programPath("promtool") ?? "promtool", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output(), decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}
