/**
 * `deno task fleet-chaos`: a fleet whose collectors and aggregator are killed again and again, at length. `--collectors=8`,
 * `--seconds=180`, `--outage=60`, `--life=20`, `--no-aggregator-state`, and `--seed=` for the same kills again. With `--relays=2`
 * there are relays between them, both following all collectors, or `--shared=N` of them and half of the rest;
 * `--no-relay-state`. `--long=300` is the first outage of the last collector and of the aggregator.
 */
import { fleetChaos } from "./fleet_chaos.ts";

const flag = (name: string, otherwise: number): number => {
  const given = Deno.args.find((arg) => arg.startsWith(`--${name}=`));
  return given === undefined ? otherwise : Number(given.slice(name.length + 3));
};
const collectors = flag("collectors", 8), seconds = flag("seconds", 180);
const outageSeconds = flag("outage", 60), lifeSeconds = flag("life", 20);
const seed = flag("seed", crypto.getRandomValues(new Uint32Array(1))[0]);
const relays = flag("relays", 0),
  shared = flag("shared", collectors),
  relayState = !Deno.args.includes("--no-relay-state");
const aggregatorState = !Deno.args.includes("--no-aggregator-state");
const folder = await Deno.makeTempDir({ prefix: "logtail-fleet-chaos-" });
const longSeconds = flag("long", 0);
const tree = relays === 0 ? "" : `, ${relays} relays that share ${shared}`;
say(`${collectors} collectors${tree} for ${seconds} s, outages up to ${outageSeconds} s, seed ${seed}, in ${folder}`);
const figures = await fleetChaos({
  collectors,
  seconds,
  outageSeconds,
  longSeconds,
  lifeSeconds,
  seed,
  relays,
  shared,
  aggregatorState,
  relayState,
  renames: aggregatorState && (relays === 0 || relayState),
  folder,
  say,
});
say(Object.entries(figures).map(([name, value]) => `${name}: ${Math.round(value)}`).join(", "));
await Deno.remove(folder, { recursive: true });

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
