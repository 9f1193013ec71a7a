import { expect, test } from 'vitest';
import { MeaningIndex } from '../../main/history/meaningIndex.ts';

/** Vectors around a few centres, as pictures of a few subjects are; unit length. */
function clustered(count: number, width: number): Float32Array[] {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const centres = Array.from({ length: 50 }, () => Float32Array.from({ length: width }, random));
  return Array.from({ length: count }, (_, i) => {
    const centre = centres[i % centres.length]!;
    return unit(centre.map((value) => value + 0.6 * random() + 0.2));
  });
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(cosine(vector, vector));
  return vector.map((value) => value / length);
}

function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

test('a picture is nearest to itself, and scores are cosines', () => {
  const vectors = clustered(300, 64);
  const index = new MeaningIndex(64);
  for (const [i, vector] of vectors.entries()) index.set(i + 1, vector);
  const found = index.search(vectors[41]!, 5, () => true);
  expect(found[0]!.id).toBe(42);
  expect(found[0]!.score).toBeCloseTo(1, 2);
  expect(found[1]!.score).toBeCloseTo(cosine(vectors[41]!, vectors[found[1]!.id - 1]!), 2);
});

test('removed and refused pictures are not found', () => {
  const vectors = clustered(10, 32);
  const index = new MeaningIndex(32);
  for (const [i, vector] of vectors.entries()) index.set(i, vector);
  index.remove(3);
  const ids = index.search(vectors[3]!, 10, (id) => id !== 5).map(({ id }) => id);
  expect(ids).not.toContain(3);
  expect(ids).not.toContain(5);
  expect(ids).toHaveLength(8);
});

test('the sieve keeps nearly all of the true twenty nearest', () => {
  const vectors = clustered(26_000, 320);
  const index = new MeaningIndex(320);
  for (const [i, vector] of vectors.entries()) index.set(i, vector);
  let kept = 0;
  for (const probe of [4021]) {
    const query = vectors[probe]!;
    const exact = vectors
      .map((vector, id) => ({ id, score: cosine(vector, query) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 20)
      .map(({ id }) => id);
    const found = new Set(index.search(query, 40, () => true).map(({ id }) => id));
    kept += exact.filter((id) => found.has(id)).length;
  }
  expect(kept).toBeGreaterThanOrEqual(19);
});

test('a vector of another length is refused', () => {
  expect(() => new MeaningIndex(8).set(1, new Float32Array(9))).toThrow(/9 numbers, expected 8/);
});
