/** How weights act on a text encoder's output. All functions return new tensors. */
import { type Tensor, tensor } from '../tensor.ts';
import type { Emphasis } from './prompt/weightedText.ts';

/**
 * Applies the weights of N chunks to `embedding` [N, T, D].
 * `empty` [1, T, D] is the embedding of the empty prompt; ComfyUI's rule needs it where a weight is not 1.
 */
export function applyWeights(
  embedding: Tensor,
  weights: readonly (readonly number[])[],
  emphasis: Emphasis,
  empty: Tensor | undefined,
): Tensor {
  if (emphasis === 'a1111') return multiplyKeepingMeans(embedding, weights);
  return empty ? interpolateFromEmpty(embedding, weights, empty) : embedding;
}

/** ComfyUI: z ← (z − z_empty)·w + z_empty at every place. */
function interpolateFromEmpty(
  embedding: Tensor,
  weights: readonly (readonly number[])[],
  empty: Tensor,
): Tensor {
  const [, places = 0, width = 0] = embedding.shape;
  const result = Float32Array.from(embedding.data, (z, i) => {
    const weight = weights[Math.floor(i / (places * width))]![Math.floor(i / width) % places]!;
    const origin = empty.data[i % (places * width)]!;
    return weight === 1 ? z : (z - origin) * weight + origin;
  });
  return tensor(result, embedding.shape);
}

/** A1111 ("Original" emphasis): z ← z·w at every place, then each chunk is scaled back to the mean it had. */
function multiplyKeepingMeans(embedding: Tensor, weights: readonly (readonly number[])[]): Tensor {
  const [, places = 0, width = 0] = embedding.shape;
  const result = embedding.data.slice();
  for (const [chunk, chunkWeights] of weights.entries()) {
    if (chunkWeights.every((weight) => weight === 1)) continue;
    const z = result.subarray(chunk * places * width, (chunk + 1) * places * width);
    const meanBefore = mean(z);
    for (let i = 0; i < z.length; i++) z[i]! *= chunkWeights[Math.floor(i / width)]!;
    const scale = meanBefore / mean(z);
    // A mean of exactly 0 (all weights 0) cannot be restored; the weighted values stay as they are.
    if (Number.isFinite(scale)) for (let i = 0; i < z.length; i++) z[i]! *= scale;
  }
  return tensor(result, embedding.shape);
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
