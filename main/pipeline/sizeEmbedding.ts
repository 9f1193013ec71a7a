/** SDXL's micro-conditioning (Podell et al. 2023, §2.2): sizes and crop as sinusoids. */

import { type Tensor, tensor } from './tensor.ts';

/** Width of the embedding of one number. */
const WIDTH = 256;

/** [height, width, cropTop, cropLeft, targetHeight, targetWidth] → 6 × 256 numbers, cosines first in each. Rounded to float32 where torch rounds. */
export function sizeEmbedding(sizes: readonly number[]): Float32Array<ArrayBuffer> {
  const half = WIDTH / 2;
  const embedding = new Float32Array(sizes.length * WIDTH);
  for (const [index, size] of sizes.entries()) {
    for (let i = 0; i < half; i++) {
      const exponent = Math.fround(Math.fround(-Math.log(10_000) * i) / half);
      const angle = Math.fround(size * Math.fround(Math.exp(exponent)));
      embedding[index * WIDTH + i] = Math.cos(angle);
      embedding[index * WIDTH + half + i] = Math.sin(angle);
    }
  }
  return embedding;
}

/**
 * The vector y of SDXL's U-Net: the pooled text, then original size, crop corner and target size, each as [height, width].
 * A picture is asked for as uncropped and of its own size. Throws RangeError when the U-Net wants another width.
 */
export function pooledAndSizes(pooled: Tensor, width: number, height: number, admChannels: number): Tensor {
  const sizes = sizeEmbedding([height, width, 0, 0, height, width]);
  const data = Float32Array.of(...pooled.data, ...sizes);
  if (data.length !== admChannels)
    throw new RangeError(
      `The U-Net wants a vector of ${admChannels} numbers, pooled text and sizes give ${data.length}`,
    );
  return tensor(data, [1, data.length]);
}
