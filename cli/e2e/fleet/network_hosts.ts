/**
 * A host of its own for a test: a network namespace, joined to this machine by a cable that can be pulled. Nothing else hears of
 * it, and it goes when the test ends. Needs root and `ip`.
 */
import { assertEquals } from "@std/assert";
import { programPath } from "@/cli/e2e/need.ts";

export interface NetworkHost extends AsyncDisposable {
  /** Its address; this machine is at the other end of the cable. */
  readonly address: string;
  /** Put before a command that is to run there. */
  readonly prefix: readonly string[];
  /** Pulls the cable: what is sent arrives nowhere, and nobody is told. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
}

/** Names of interfaces have at most 15 characters. */
export async function startNetworkHost(): Promise<NetworkHost> {
  const ip = programPath("ip")!, id = (Deno.pid % 65_536).toString(16), name = `logtail-${id}`;
  const subnet = `10.${200 + Deno.pid % 50}.${Deno.pid >> 8 & 255}`, here = `lt${id}a`, there = `lt${id}b`;
  const run = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await new Deno.Command(ip, { args: [...args], stdin: "null" }).output();
    assertEquals(code, 0, `ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  };
  await run("netns", "add", name);
  try {
    await run("link", "add", here, "type", "veth", "peer", "name", there, "netns", name);
    await run("address", "add", `${subnet}.1/30`, "dev", here);
    await run("link", "set", here, "up");
    await run("-n", name, "address", "add", `${subnet}.2/30`, "dev", there);
    await run("-n", name, "link", "set", there, "up");
  } catch (error) {
    await run("netns", "del", name);
    throw error;
  }
  return {
    address: `${subnet}.2`,
    prefix: [ip, "netns", "exec", name],
    unplug: () => run("-n", name, "link", "set", there, "down"),
    plug: () => run("-n", name, "link", "set", there, "up"),
    // Its end of the cable goes with it, and so does ours.
    [Symbol.asyncDispose]: () => run("netns", "del", name),
  };
}
