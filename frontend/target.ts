/**
 * `target=`: whom a page asks. Only addresses that the operator named are ever connected to (--target, --target-allow);
 * a source that the target lists is answered through the target, as a filter. So no URL makes this server connect
 * anywhere else.
 */
import { allOf, type Filter } from "@/core/filter_tree.ts";
import type { TargetInfo } from "@/core/answer.ts";
import type { Client } from "@/proto/client.ts";
import { ANSWER_MS_MAX, type Problem, problemOf } from "./answers.ts";
import { visibleText } from "./visible.ts";

/** Names of sources that a refusal lists. */
const NAMES_SHOWN_MAX = 12;

/** What `target=` may choose from. */
export interface TargetRules {
  /** Address of --target. */
  readonly target: string;
  /** Addresses of --target-allow. */
  readonly targetAllow: readonly string[];
  /** Only ever called with one of those addresses. */
  readonly clientFor: (address: string) => Client;
}

/** Whom to ask, and what to add to the question. */
export interface Chosen {
  readonly client: Client;
  readonly address: string;
  readonly filter: Filter;
}

/** Finds whom `wanted` (empty: the default) means. */
export async function chooseTarget(
  wanted: string,
  filter: Filter,
  { target, targetAllow, clientFor }: TargetRules,
): Promise<Chosen | { readonly problem: Problem }> {
  if (wanted === "" || wanted === target) return { client: clientFor(target), address: target, filter };
  if (targetAllow.includes(wanted)) return { client: clientFor(wanted), address: wanted, filter };
  const client = clientFor(target);
  let listed: readonly TargetInfo[];
  try {
    listed = await client.targets(ANSWER_MS_MAX);
  } catch (error) {
    return { problem: problemOf(error, target) };
  }
  const source = listed.find(({ name }) => name === wanted) ?? listed.find(({ address }) => address === wanted);
  if (source === undefined) return { problem: notAllowed(wanted, target, targetAllow, listed) };
  if (source.name === "") return { problem: notNamedYet(wanted, target, source) };
  const through: Filter = { kind: "compare", dimension: "source", operator: "=", value: source.name };
  return { client, address: target, filter: allOf(filter, through) };
}

function notAllowed(
  wanted: string,
  target: string,
  targetAllow: readonly string[],
  listed: readonly TargetInfo[],
): Problem {
  const names = listed.map(({ name, address }) => visibleText(name || address));
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ") + (names.length > NAMES_SHOWN_MAX ? ", …" : "");
  return {
    status: 400,
    title: "This target is not allowed",
    reason: `Cannot ask ${visibleText(wanted)}: it is neither a source that ${target} lists nor in --target-allow.`,
    advice: [
      names.length === 0 ? `${target} lists no sources yet.` : `Sources that ${target} lists: ${shown}.`,
      ...(targetAllow.length === 0 ? [] : [`Allowed besides: ${targetAllow.join(", ")}.`]),
      "To ask another collector or aggregator, start this frontend with --target-allow=host:port.",
    ],
    passing: false,
  };
}

function notNamedYet(wanted: string, target: string, { problem }: TargetInfo): Problem {
  return {
    status: 502,
    title: "This source has not delivered yet",
    reason: `Cannot show ${visibleText(wanted)}: ${target} follows it but has not learned its name${
      problem === "" ? "" : ` (${visibleText(problem)})`
    }.`,
    advice: ["See that the collector runs there.", "Leave target= out to see the sources that deliver."],
    passing: true,
  };
}
