/** Byte-pair merging of one word in O(n log n), so that a pasted page without spaces cannot stall the app. Sennrich et al. 2016. */
import { pairKey } from './vocabulary.ts';

/** A candidate is one number, merged id · 2^32 + position: the smallest is the earliest-learned pair, leftmost first. */
const POSITION_RANGE = 2 ** 32;
const NONE = -1;

/**
 * Merges `ids` (one per byte) until no pair of neighbours is in `merges`, always taking the earliest-learned pair.
 * A token merged away is marked and its neighbours linked past it; outdated candidates are recognised when popped.
 */
export function mergePairs(ids: readonly number[], merges: ReadonlyMap<number, number>): number[] {
  const tokens = Int32Array.from(ids);
  const next = Int32Array.from(ids, (_, i) => (i + 1 < ids.length ? i + 1 : NONE));
  const previous = Int32Array.from(ids, (_, i) => i - 1);
  const heap: number[] = [];

  const mergedAt = (position: number): number | undefined => {
    const right = position === NONE ? NONE : next[position]!;
    return right === NONE ? undefined : merges.get(pairKey(tokens[position]!, tokens[right]!));
  };
  const propose = (position: number): void => {
    const merged = mergedAt(position);
    if (merged !== undefined) push(heap, merged * POSITION_RANGE + position);
  };

  for (let i = 0; i < ids.length; i++) propose(i);
  for (let candidate = pop(heap); candidate !== undefined; candidate = pop(heap)) {
    const merged = Math.floor(candidate / POSITION_RANGE);
    const position = candidate % POSITION_RANGE;
    if (tokens[position] === NONE || mergedAt(position) !== merged) continue;
    const gone = next[position]!;
    tokens[position] = merged;
    tokens[gone] = NONE;
    next[position] = next[gone]!;
    if (next[gone] !== NONE) previous[next[gone]!] = position;
    propose(previous[position]!);
    propose(position);
  }
  return Array.from(tokens).filter((token) => token !== NONE);
}

/** Adds to a binary min-heap. */
function push(heap: number[], value: number): void {
  let child = heap.push(value) - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[child] = heap[parent]!;
    child = parent;
  }
  heap[child] = value;
}

/** Takes the smallest value off a binary min-heap. */
function pop(heap: number[]): number | undefined {
  const smallest = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return smallest;
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= last) break;
    heap[parent] = heap[child]!;
    parent = child;
  }
  heap[parent] = last;
  return smallest;
}
