/** Seeded pseudo-random numbers for tests: good enough for made-up data, the same on every machine. */

/** mulberry32: uniform in [0, 1). */
export function randomFraction(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

/** Whole numbers from 0 to below the given limit. */
export function randomBelow(seed: number): (limit: number) => number {
  const fraction = randomFraction(seed);
  return (limit) => Math.floor(fraction() * limit);
}
