/** Colours as the networks of the field were trained on them: relative to the mean and deviation of many pictures. */
import type { Tensor } from '../pipeline/tensor.ts';

/** Of pictures in 0–1, for red, green, blue. */
export interface ColourStatistics {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** (p − mean) / deviation for every colour of [B, 3, H, W]. */
export function normalised({ data, shape }: Tensor, { mean, deviation }: ColourStatistics): Tensor {
  const [, colours = 0, height = 0, width = 0] = shape;
  const plane = height * width;
  if (colours !== 3) throw new RangeError(`[${shape.join(', ')}] is not [pictures, 3, height, width]`);
  const values = data.slice();
  for (let start = 0; start < values.length; start += plane) {
    const colour = ((start / plane) % 3) as 0 | 1 | 2;
    for (let i = start; i < start + plane; i++) values[i] = (values[i]! - mean[colour]) / deviation[colour];
  }
  return { data: values, shape };
}
