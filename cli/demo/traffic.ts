/**
 * Made-up traffic for the demo, as lines of the `logtail` format: ordinary visitors of a dozen sites all the time, and
 * for forty minutes of every hour an attack from one network on one of them.
 *
 * Addresses, names and AS numbers are those reserved for examples (RFC 5737, 3849, 2544, 2606, 5398).
 */

/** A random number in [0, 1). */
export type Random = () => number;

/** Ordinary requests a second, on average; twice as many in an attack. */
const REQUESTS_PER_SECOND = 40;

/** Seconds between the starts of two attacks, and how long one lasts. */
const ATTACK_EVERY_S = 3600, ATTACK_S = 2400;

const SITES = [
  "shop.example",
  "www.example",
  "api.example",
  "static.example",
  "blog.example",
  "mail.example",
  "docs.example",
  "status.example",
  "img.example",
  "forum.example",
  "m.example",
  "intranet.example",
];
const PATHS = ["/", "/index.html", "/login", "/cart", "/search", "/favicon.ico", "/robots.txt", "/api/v1/items"];

/** Lines for the requests of the seconds [fromS, toS), oldest first. `attackStartS` is when the first attack begins. */
export function* trafficLines(fromS: number, toS: number, attackStartS: number, random: Random): Generator<string> {
  for (let second = Math.ceil(fromS); second < toS; second++) {
    const attacked = second >= attackStartS && (second - attackStartS) % ATTACK_EVERY_S < ATTACK_S;
    // A slow wave, so that the trend has a shape.
    const rate = REQUESTS_PER_SECOND * (1 + 0.25 * Math.sin(second / 400)) * (0.9 + 0.2 * random());
    for (let i = 0; i < rate; i++) yield visit(second + i / rate, random);
    if (attacked) { for (let i = 0; i < 2 * REQUESTS_PER_SECOND; i++) yield attack(second, random); }
  }
}

function visit(timeS: number, random: Random): string {
  const site = SITES[skewed(SITES.length, random)];
  const path = random() < 0.4 ? PATHS[skewed(PATHS.length, random)] : `/item/${skewed(2000, random)}`;
  const status = weighted(random, [[200, 88], [304, 5], [301, 2], [404, 3], [403, 1], [500, 0.5], [502, 0.5]]);
  const method = weighted(random, [["GET", 90], ["POST", 8], ["HEAD", 2]]);
  const network = skewed(400, random);
  const address = network % 5 === 0
    ? `2001:db8:${(network + 16).toString(16)}::${(1 + skewed(200, random)).toString(16)}`
    : `198.${18 + network % 2}.${network >> 1}.${1 + skewed(250, random)}`;
  const bytes = Math.floor(400 + 60_000 * random() ** 4);
  const query = random() < 0.2 ? `?q=${skewed(1000, random)}` : "";
  const tor = network % 97 === 0 ? 1 : 0;
  return line([
    site,
    address,
    timeS.toFixed(3),
    method,
    path + query,
    status,
    bytes,
    slow(0.02, random),
    tor,
    asn(network),
  ]);
}

function attack(second: number, random: Random): string {
  const address = `203.0.113.${1 + Math.floor(250 * random())}`;
  const path = random() < 0.7 ? "/login" : `/search/${Math.floor(1e9 * random()).toString(36)}`;
  const status = weighted(random, [[429, 92], [503, 5], [200, 3]]);
  const method = path === "/login" ? "POST" : "GET";
  const timeS = (second + random()).toFixed(3);
  return line(["shop.example", address, timeS, method, path, status, 178, slow(0.004, random), 0, 64_496]);
}

function line(fields: readonly (string | number)[]): string {
  return `${fields.join("\t")}\n`;
}

/** A whole number below `n`, small ones far more often. */
function skewed(n: number, random: Random): number {
  return Math.floor(n * random() ** 3);
}

function asn(network: number): number {
  return 64_497 + network % 14;
}

/** Seconds with milliseconds; now and then much slower. */
function slow(meanS: number, random: Random): string {
  return (-Math.log(1 - random()) * meanS * (random() < 0.01 ? 30 : 1)).toFixed(3);
}

function weighted<Value>(random: Random, choices: readonly (readonly [Value, number])[]): Value {
  let at = random() * choices.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of choices) if ((at -= weight) < 0) return value;
  return choices[0][0];
}
