/**
 * The n-th largest of many numbers, without sorting them: a heap of the n largest seen so far, least on top.
 */

/** The n-th largest of `values`; -Infinity when there are fewer. Cost: linear for n far below their number. */
export function nthLargest(values: Float64Array, n: number): number {
  if (n > values.length) return -Infinity;
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
