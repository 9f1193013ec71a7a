/**
 * Nearest pictures by CLIP embedding. Rows are kept as int8; large collections are first sieved by the sign of each
 * number (Hamming distance of centred vectors), then the best few thousand are compared in full.
 * 100 000 × 512: sieve 5 ms + comparison 5 ms, where comparing everything takes 90 ms.
 */
const FULL_COMPARISON = 8_000_000;
/** How many rows survive the sieve. */
const SIEVED = 4000;

export interface MeaningIndex {
  readonly width: number;
  /** `vector` has unit length; all vectors of an index are equally long. */
  set(id: number, vector: Float32Array): void;
  remove(id: number): void;
  has(id: number): boolean;
  size(): number;
  /** Best first: cosine of the angle to the query, for ids that `allowed` accepts. */
  search(
    query: Float32Array,
    limit: number,
    allowed: (id: number) => boolean,
  ): { id: number; score: number }[];
}

export function createMeaningIndex(width: number): MeaningIndex {
  const words = Math.ceil(width / 32);
  const rowOf = new Map<number, number>();
  let ids = new Int32Array(1024);
  let rows = new Int8Array(1024 * width);
  let scales = new Float32Array(1024);
  let signs = new Int32Array(1024 * words);
  let count = 0;
  /** Mean of the vectors so far; the signs are taken relative to it, and taken anew when it has moved. */
  const sum = new Float64Array(width);
  let centre = new Float32Array(width);
  let centredAt = 0;

  const grow = () => {
    ids = enlarged(ids, new Int32Array(ids.length * 2));
    rows = enlarged(rows, new Int8Array(rows.length * 2));
    scales = enlarged(scales, new Float32Array(scales.length * 2));
    signs = enlarged(signs, new Int32Array(signs.length * 2));
  };
  const writeSigns = (row: number) => {
    const scale = scales[row] as number;
    const value = (k: number) => (rows[row * width + k] as number) * scale;
    signs.set(signsOf(value, centre, words), row * words);
  };
  const recentre = () => {
    if (count < centredAt * 2 || count === 0) return;
    centre = Float32Array.from(sum, (value) => value / count);
    centredAt = count;
    for (let row = 0; row < count; row++) writeSigns(row);
  };

  return {
    width,
    set: (id, vector) => {
      if (vector.length !== width)
        throw new RangeError(`an embedding has ${vector.length} numbers, expected ${width}`);
      const row = rowOf.get(id) ?? count++;
      if (row >= ids.length) grow();
      rowOf.set(id, row);
      ids[row] = id;
      const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
      scales[row] = largest / 127;
      for (let k = 0; k < width; k++) {
        rows[row * width + k] = Math.round(((vector[k] as number) / largest) * 127);
        sum[k]! += vector[k] as number;
      }
      writeSigns(row);
    },
    remove: (id) => {
      const row = rowOf.get(id);
      if (row === undefined) return;
      rowOf.delete(id);
      ids[row] = -1;
    },
    has: (id) => rowOf.has(id),
    size: () => rowOf.size,
    search: (query, limit, allowed) => {
      recentre();
      let candidates = usableRows(ids, count, allowed);
      if (candidates.length * width > FULL_COMPARISON) {
        const wanted = signsOf((k) => query[k] as number, centre, words);
        candidates = sieve(candidates, signs, wanted, words);
      }
      return Array.from(candidates, (row) => {
        const score = product(rows, row * width, query) * (scales[row] as number);
        return { id: ids[row] as number, score };
      })
        .sort((a, b) => b.score - a.score)
        .slice(0, limit);
    },
  };
}

function enlarged<T extends Int32Array | Int8Array | Float32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

function usableRows(ids: Int32Array, count: number, allowed: (id: number) => boolean): Int32Array {
  const found = new Int32Array(count);
  let length = 0;
  for (let row = 0; row < count; row++) {
    const id = ids[row] as number;
    if (id >= 0 && allowed(id)) found[length++] = row;
  }
  return found.subarray(0, length);
}

function signsOf(value: (k: number) => number, centre: Float32Array, words: number): Int32Array {
  const signs = new Int32Array(words);
  for (let k = 0; k < centre.length; k++) {
    if (value(k) > (centre[k] as number)) signs[k >> 5]! |= 1 << (k & 31);
  }
  return signs;
}

/** The SIEVED rows whose signs differ least, by counting sort over the distance. */
function sieve(candidates: Int32Array, signs: Int32Array, wanted: Int32Array, words: number): Int32Array {
  const distances = new Uint16Array(candidates.length);
  const histogram = new Int32Array(words * 32 + 1);
  for (let i = 0; i < candidates.length; i++) {
    const offset = (candidates[i] as number) * words;
    let distance = 0;
    for (let k = 0; k < words; k++)
      distance += bitCount((signs[offset + k] as number) ^ (wanted[k] as number));
    distances[i] = distance;
    histogram[distance]! += 1;
  }
  let limit = 0;
  for (let kept = histogram[0] as number; kept < SIEVED && limit < histogram.length - 1; ) {
    limit += 1;
    kept += histogram[limit] as number;
  }
  return candidates.filter((_, i) => (distances[i] as number) <= limit);
}

/** Set bits of a 32-bit word (Warren, Hacker's Delight, figure 5-2). */
function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  bits = (bits + (bits >>> 4)) & 0x0f0f0f0f;
  return Math.imul(bits, 0x01010101) >>> 24;
}

function product(rows: Int8Array, offset: number, query: Float32Array): number {
  let even = 0;
  let odd = 0;
  const pairs = query.length & ~1;
  for (let k = 0; k < pairs; k += 2) {
    even += (rows[offset + k] as number) * (query[k] as number);
    odd += (rows[offset + k + 1] as number) * (query[k + 1] as number);
  }
  if (pairs < query.length) odd += (rows[offset + pairs] as number) * (query[pairs] as number);
  return even + odd;
}
