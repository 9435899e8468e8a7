/** `deno task chaos`: the crash test at length. `--kills=60`, `--seed=` to repeat a run. */
import { chaos } from "./chaos.ts";

const flag = (name: string, otherwise: number): number => {
  const given = Deno.args.find((arg) => arg.startsWith(`--${name}=`));
  return given === undefined ? otherwise : Number(given.slice(name.length + 3));
};
const kills = flag("kills", 60), seed = flag("seed", crypto.getRandomValues(new Uint32Array(1))[0]);
const folder = await Deno.makeTempDir({ prefix: "logtail-chaos-" });
say(`${kills} kills, seed ${seed}, in ${folder}`);
const landed = await chaos({ kills, seed, folder, say });
say(Object.entries(landed).map(([landing, count]) => `${landing}: ${count}`).join(", "));
await Deno.remove(folder, { recursive: true });

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
