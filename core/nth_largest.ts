/**
 * The n-th largest of many numbers, without sorting them: for few, a heap of the n largest seen so far, least on top; for
 * many, counting by the digits of the doubles, whose bits are in the order of their values. Neither can be made slow by the
 * numbers.
 */

/** Up to this many a heap is quicker. */
const HEAP_MAX = 1024;

/** Bits of a digit: four make a double. */
const DIGIT_BITS = 16, DIGITS = 4;

/** The n-th largest of `values`, none of them negative; -Infinity when there are fewer. Cost: linear. */
export function nthLargest(values: Float64Array, n: number): number {
  if (n > values.length) return -Infinity;
  return n <= HEAP_MAX ? leastOfHeap(values, n) : byDigits(values, n);
}

function leastOfHeap(values: Float64Array, n: number): number {
  const heap = values.slice(0, n).sort(); // ascending order is a heap
  for (let i = n; i < values.length; i++) if (values[i] > heap[0]) replaceLeast(heap, values[i]);
  return heap[0];
}

function replaceLeast(heap: Float64Array, value: number): void {
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= value) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = value;
}

/** Finds one digit after the other, the highest first, among the numbers that begin with those found before. */
function byDigits(values: Float64Array, n: number): number {
  const found = new Uint32Array(2), counts = new Uint32Array(1 << DIGIT_BITS);
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  for (let digit = 0; digit < DIGITS; digit++) {
    const word = digit < 2 ? 1 : 0, shift = digit % 2 === 0 ? DIGIT_BITS : 0; // little-endian
    counts.fill(0);
    count(words, found, digit, word, shift, counts);
    let most = counts.length - 1;
    for (; counts[most] < n; most--) n -= counts[most];
    found[word] |= most << shift;
  }
  return new Float64Array(found.buffer)[0];
}

/** Counts one digit of the numbers that begin with the digits found so far. */
function count(
  words: Uint32Array,
  [low, high]: Uint32Array,
  digit: number,
  word: number,
  shift: number,
  counts: Uint32Array,
): void {
  for (let i = 0; i < words.length; i += 2) {
    if (digit === 1 && words[i + 1] >>> DIGIT_BITS !== high >>> DIGIT_BITS) continue;
    if (digit > 1 && words[i + 1] !== high) continue;
    if (digit > 2 && words[i] >>> DIGIT_BITS !== low >>> DIGIT_BITS) continue;
    counts[words[i + word] >>> shift & 0xffff]++;
  }
}
