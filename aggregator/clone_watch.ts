/**
 * Machines that were cloned with their state: two of them count on under one identity, with different content. What the first
 * delivers is taken as it is; what comes by the address of another is counted under an instance of its own, so that no line is
 * taken for one of the other's.
 *
 * The same content by several addresses is one source that is reached by several paths, and changes nothing.
 */
import { CHECKSUMS_MAX, INSTANCES_MAX } from "@/core/bounds.ts";
import type { Identity } from "@/core/bucket.ts";
import { crc32c } from "@/core/checksum.ts";
import type { IdentityRanges } from "@/core/identity_set.ts";

/** What came, by sequence number: the oldest first. */
type Seen = Map<number, { readonly checksum: number; readonly address: string }>;

/** Whose deltas count under another instance. */
export interface Apart {
  readonly address: string;
  readonly source: string;
  /** The instance that it says, and the one here. */
  readonly own: string;
  readonly here: string;
}

export class CloneWatch {
  /** By instance; the one heard of longest ago comes first. */
  readonly #seen = new Map<string, Seen>();
  /** By address and instance: the instance that it counts under here, and what it says itself. */
  readonly #apart = new Map<string, Apart>();

  /** The identity to count a delta under that came by an address. */
  identityOf(address: string, identity: Identity): Identity {
    const { source, instance, sequence, checksum } = identity;
    if (this.#apart.has(apartKey(address, source, instance))) return this.#alias(address, identity);
    const seen = this.#seenOf(`${instance}\n${source}`), before = seen.get(sequence);
    if (before === undefined) {
      seen.set(sequence, { checksum, address });
      if (seen.size > CHECKSUMS_MAX) seen.delete(seen.keys().next().value!);
      return identity;
    }
    return before.checksum === checksum || before.address === address ? identity : this.#alias(address, identity);
  }

  /** The identities to count a slot under that came by an address. */
  identitiesOf(address: string, identities: readonly IdentityRanges[]): readonly IdentityRanges[] {
    return identities.map((ranges) => {
      const clone = this.#apart.get(apartKey(address, ranges.source, ranges.instance));
      return clone === undefined ? ranges : { ...ranges, instance: clone.here };
    });
  }

  /** All that are kept apart, in the order in which they were noticed. */
  apart(): Apart[] {
    return [...this.#apart.values()];
  }

  /** Goes on where a former process stopped. @param came its last deltas, under the identity that they counted under */
  restore(apart: readonly Apart[], came: readonly { readonly by: string; readonly identity: Identity }[]): void {
    for (const one of apart) this.#apart.set(apartKey(one.address, one.source, one.own), one);
    const isAlias = new Set(apart.map(({ here }) => here));
    for (const { by, identity } of came) if (!isAlias.has(identity.instance)) this.identityOf(by, identity);
  }

  /** Whether what comes by this address is kept apart from what another delivers under the same identity. */
  isApart(address: string): boolean {
    return [...this.#apart.values()].some((clone) => clone.address === address);
  }

  /** What is known, as the source behind an address calls it. */
  as(address: string, known: readonly IdentityRanges[]): readonly IdentityRanges[] {
    const clones = [...this.#apart.values()].filter((clone) => clone.address === address);
    if (clones.length === 0) return known;
    const of = (part: "own" | "here") => ({ source, instance }: IdentityRanges) =>
      clones.find((clone) => clone.source === source && clone[part] === instance);
    return known.flatMap((ranges) => {
      if (of("own")(ranges) !== undefined) return [];
      const clone = of("here")(ranges);
      return [clone === undefined ? ranges : { ...ranges, instance: clone.own }];
    });
  }

  #alias(address: string, identity: Identity): Identity {
    const { source, instance } = identity, key = apartKey(address, source, instance);
    // The same for everybody who follows it by this address.
    const here = this.#apart.get(key)?.here ?? aliasOf(`${instance}\n${address}`);
    this.#apart.set(key, { address, source, own: instance, here });
    if (this.#apart.size > INSTANCES_MAX) this.#apart.delete(this.#apart.keys().next().value!);
    return { ...identity, instance: here };
  }

  #seenOf(key: string): Seen {
    const seen = this.#seen.get(key) ?? new Map();
    this.#seen.delete(key);
    this.#seen.set(key, seen);
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= INSTANCES_MAX) break;
      this.#seen.delete(oldest);
    }
    return seen;
  }
}

function apartKey(address: string, source: string, instance: string): string {
  return `${address}\n${instance}\n${source}`;
}

/** Sixteen hexadecimal digits, as an instance has. */
function aliasOf(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return [bytes, new TextEncoder().encode(`${text}\n`)]
    .map((part) => (crc32c(part) >>> 0).toString(16).padStart(8, "0")).join("");
}
