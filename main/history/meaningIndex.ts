/**
 * Nearest pictures by CLIP embedding. Rows are kept as int8; large collections are first sieved by the sign of each
 * number (Hamming distance of centred vectors), then the best few thousand are compared in full.
 * 100 000 × 512: sieve 5 ms + comparison 5 ms, where comparing everything takes 90 ms.
 */
const FULL_COMPARISON = 8_000_000;
/** How many rows survive the sieve. */
const SIEVED = 4000;

/** Vectors of one length, by picture id. */
export class MeaningIndex {
  readonly width: number;
  readonly #words: number;
  readonly #rowOf = new Map<number, number>();
  #ids = new Int32Array(1024);
  #rows: Int8Array<ArrayBuffer>;
  #scales = new Float32Array(1024);
  #signs: Int32Array<ArrayBuffer>;
  #count = 0;
  /** Sum of the vectors so far; signs are taken relative to the mean, and taken anew when there are twice as many. */
  readonly #sum: Float64Array;
  #centre: Float32Array;
  #centredAt = 0;

  constructor(width: number) {
    this.width = width;
    this.#words = Math.ceil(width / 32);
    this.#rows = new Int8Array(1024 * width);
    this.#signs = new Int32Array(1024 * this.#words);
    this.#sum = new Float64Array(width);
    this.#centre = new Float32Array(width);
  }

  get size(): number {
    return this.#rowOf.size;
  }

  has(id: number): boolean {
    return this.#rowOf.has(id);
  }

  /** `vector` has unit length. Throws RangeError for one of another width. */
  set(id: number, vector: Float32Array): void {
    const { width } = this;
    if (vector.length !== width) {
      throw new RangeError(`an embedding has ${vector.length} numbers, expected ${width}`);
    }
    const row = this.#rowOf.get(id) ?? this.#count++;
    if (row >= this.#ids.length) this.#grow();
    this.#rowOf.set(id, row);
    this.#ids[row] = id;
    const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
    this.#scales[row] = largest / 127;
    for (let k = 0; k < width; k++) {
      this.#rows[row * width + k] = Math.round((vector[k]! / largest) * 127);
      this.#sum[k]! += vector[k]!;
    }
    this.#writeSigns(row);
  }

  remove(id: number): void {
    const row = this.#rowOf.get(id);
    if (row === undefined) return;
    this.#rowOf.delete(id);
    this.#ids[row] = -1;
  }

  /** Best first: cosine of the angle to the query, for ids that `allowed` accepts. */
  search(
    query: Float32Array,
    limit: number,
    allowed: (id: number) => boolean,
  ): { id: number; score: number }[] {
    this.#recentre();
    let candidates = usableRows(this.#ids, this.#count, allowed);
    if (candidates.length * this.width > FULL_COMPARISON) {
      const wanted = signsOf((k) => query[k]!, this.#centre, this.#words);
      candidates = sieve(candidates, this.#signs, wanted, this.#words);
    }
    return Array.from(candidates, (row) => {
      const score = product(this.#rows, row * this.width, query) * this.#scales[row]!;
      return { id: this.#ids[row]!, score };
    })
      .sort((a, b) => b.score - a.score)
      .slice(0, limit);
  }

  #grow(): void {
    this.#ids = enlarged(this.#ids, new Int32Array(this.#ids.length * 2));
    this.#rows = enlarged(this.#rows, new Int8Array(this.#rows.length * 2));
    this.#scales = enlarged(this.#scales, new Float32Array(this.#scales.length * 2));
    this.#signs = enlarged(this.#signs, new Int32Array(this.#signs.length * 2));
  }

  #writeSigns(row: number): void {
    const scale = this.#scales[row]!;
    const value = (k: number) => this.#rows[row * this.width + k]! * scale;
    this.#signs.set(signsOf(value, this.#centre, this.#words), row * this.#words);
  }

  #recentre(): void {
    if (this.#count === 0 || this.#count < this.#centredAt * 2) return;
    this.#centre = Float32Array.from(this.#sum, (value) => value / this.#count);
    this.#centredAt = this.#count;
    for (let row = 0; row < this.#count; row++) this.#writeSigns(row);
  }
}

function enlarged<T extends Int32Array | Int8Array | Float32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

function usableRows(ids: Int32Array, count: number, allowed: (id: number) => boolean): Int32Array {
  const found = new Int32Array(count);
  let length = 0;
  for (let row = 0; row < count; row++) {
    const id = ids[row]!;
    if (id >= 0 && allowed(id)) found[length++] = row;
  }
  return found.subarray(0, length);
}

function signsOf(value: (k: number) => number, centre: Float32Array, words: number): Int32Array {
  const signs = new Int32Array(words);
  for (let k = 0; k < centre.length; k++) {
    if (value(k) > centre[k]!) signs[k >> 5]! |= 1 << (k & 31);
  }
  return signs;
}

/** The SIEVED rows whose signs differ least, by counting sort over the distance. */
function sieve(candidates: Int32Array, signs: Int32Array, wanted: Int32Array, words: number): Int32Array {
  const distances = new Uint16Array(candidates.length);
  const histogram = new Int32Array(words * 32 + 1);
  for (let i = 0; i < candidates.length; i++) {
    const offset = candidates[i]! * words;
    let distance = 0;
    for (let k = 0; k < words; k++) distance += bitCount(signs[offset + k]! ^ wanted[k]!);
    distances[i] = distance;
    histogram[distance]! += 1;
  }
  let limit = 0;
  for (let kept = histogram[0]!; kept < SIEVED && limit < histogram.length - 1; ) {
    limit += 1;
    kept += histogram[limit]!;
  }
  return candidates.filter((_, i) => distances[i]! <= limit);
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
    even += rows[offset + k]! * query[k]!;
    odd += rows[offset + k + 1]! * query[k + 1]!;
  }
  if (pairs < query.length) odd += rows[offset + pairs]! * query[pairs]!;
  return even + odd;
}
