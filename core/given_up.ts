/**
 * What roll-up took from each entry's rows: the entry's marginal less what its rows still hold. It is what a bound needs
 * to know of one value, where `lostMax` knows only of the worst of all.
 */
import { REQUESTS } from "./measures.ts";
import type { Bucket, Dictionary, NumberColumn } from "./bucket.ts";
import { BlockDictionary, inBlock } from "./bucket_block.ts";

/**
 * Requests that each entry of dimension `d` has counted and its rows no longer hold; undefined when no entry has lost any.
 * That of OTHER is 0. Cost: none, when the bucket lies in a block.
 */
export function givenUp(bucket: Bucket, d: number): NumberColumn | undefined {
  return hasLost(bucket.dictionaries[d]) ? dictionaryInBlock(bucket, d).givenUp[REQUESTS] : undefined;
}

/** Requests that entries of dimension `d` had counted when they folded into OTHER. */
export function foldedRequests(bucket: Bucket, d: number): number {
  return hasLost(bucket.dictionaries[d]) ? dictionaryInBlock(bucket, d).folded[REQUESTS] : 0;
}

/** The dictionary itself when it lies in a block, else one that does. */
export function dictionaryInBlock(bucket: Bucket, d: number): BlockDictionary {
  const dictionary = bucket.dictionaries[d];
  return dictionary instanceof BlockDictionary ? dictionary : inBlock(bucket).dictionaries[d];
}

/** Whether any row can have given up this dimension. */
export function hasLost({ lostMax, foldedMax }: Dictionary): boolean {
  return lostMax[REQUESTS] > 0 || foldedMax[REQUESTS] > 0;
}
