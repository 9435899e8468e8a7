/**
 * What is exchanged in the commands and snippets of the pages before they are tried: this machine has neither their hosts
 * nor their folders, and they would take hours. Everything else is run as it is written.
 */
import { ROOT } from "@/cli/e2e/roles.ts";

/** What stands in for the world of the pages. */
export interface Places {
  /** Below it are /etc, /run and /var. */
  readonly folder: string;
  readonly collector: string;
  readonly metrics: string;
  readonly aggregator: string;
  readonly frontend: string;
  /** Of the collector that a page has started with a certificate. */
  readonly secured: string;
  /** An address where nobody listens yet; another one each time. */
  freeAddress(): string;
}

/** The table: what stands in a page, and what is run instead. The first that fits a place counts. */
function exchanges(places: Places): readonly (readonly [RegExp, string | (() => string)])[] {
  return [
    // Hosts of the fleet are one collector, whoever aggregates is the aggregator.
    [/\bweb1:9090,web2:9090\b/g, places.collector],
    [/\b(web1|web2|localhost):9090\b/g, places.collector],
    [/\b(agg|agg-1|localhost):9091\b/g, places.aggregator],
    [/\bweb3:9090\b/g, places.secured],
    [/\bIP:192\.0\.2\.3\b/g, "IP:127.0.0.1"],
    [/\blocalhost:8080\b/g, places.frontend],
    [/\blocalhost:(9100|9190)\b/g, places.metrics],
    [/\bssh web1 /g, ""],
    // A name that nginx would look up.
    [/\bcollector:1514\b/g, "127.0.0.1:1514"],
    // A program that is started listens where nothing else does.
    [/(?<=--(listen|prom-listen|udp-listen)[= ])\S+/g, () => places.freeAddress()],
    [/(?<=--syslog-listen[= ])(udp|tcp):\/\/\S*:\d+/g, () => `udp://${places.freeAddress()}`],
    // Nothing is installed, and nobody is asked for a password.
    [/\bsudo /g, ""],
    [/\bapt-get install\b/g, "apt-get --simulate install"],
    // Two hundred collectors, for minutes.
    [/\bdeno task fleet\b(?!-).*/g, "deno task fleet --collectors=4 --rows=200 --flood=0 --minutes=0.5 --idle=1"],
    // Five million lines, six times.
    [/\bdeno task compare\b.*/g, "deno task compare --lines=2000 --rounds=1 --programs=wc,logtail"],
  ];
}

/** Folders of the system are folders of the test. */
export function inFolder(text: string, folder: string): string {
  return text.replace(/(?<![\w.])\/(?=(etc|run|var)\/)/g, `${folder}/`);
}

/** The text as it is run here. */
export function exchanged(text: string, places: Places): string {
  for (const [from, to] of exchanges(places)) {
    text = text.replace(from, () => typeof to === "string" ? to : to());
  }
  return inFolder(text, places.folder);
}

/**
 * What is not of this test in a command that was exchanged: it may touch its own folder, read the checkout and what the
 * kernel tells, and nothing else of the machine.
 */
export function strangers(command: string, { folder }: Places): readonly string[] {
  const paths =
    command.match(/(?<![\w.:/?&=$^~*)\\'|-])\/[\w.-]+\/[^\s'"),|]*|(?<==)\/(etc|run|var|home|root|usr)\/\S*/g) ?? [];
  return paths.filter((path) => ![`${folder}/`, ROOT, "/proc/", "/dev/"].some((own) => path.startsWith(own)));
}
