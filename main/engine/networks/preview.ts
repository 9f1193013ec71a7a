/** Latent → a small picture by one 4×3 matrix: nearly free, good enough to see where a run is heading. */
import type { CheckpointConfig, LatentToRgb } from '../../../native-models/models/configs.ts';
import { nchw, type Tensor } from '../../pipeline/tensor.ts';
import type { RawImage } from '../border/protocol.ts';

/** Fitted by the field to the two families of VAEs. */
const SD: LatentToRgb = {
  matrix: [
    [0.3512, 0.2297, 0.3227],
    [0.325, 0.4974, 0.235],
    [-0.2829, 0.1762, 0.2721],
    [-0.212, -0.2616, -0.7177],
  ],
  offset: [0, 0, 0],
};

const SDXL: LatentToRgb = {
  matrix: [
    [0.3651, 0.4232, 0.4341],
    [-0.2533, -0.0042, 0.1068],
    [0.1076, 0.1111, -0.0362],
    [-0.3165, -0.2492, -0.2188],
  ],
  offset: [0.1084, -0.0175, -0.0011],
};

/** The first picture of `latent` [B, 4, h, w] at latent size. */
export function previewOf(latent: Tensor, config: CheckpointConfig): RawImage {
  const [, channels, height, width] = nchw(latent);
  const { matrix, offset } = config.vae.latentToRgb ?? (config.architecture === 'sdxl' ? SDXL : SD);
  const plane = height * width;
  const data = new Uint8Array(plane * 3);
  for (const [color, start] of offset.entries()) {
    const values = new Float32Array(plane).fill(start);
    // Channels one after the other: both sides are then read in order.
    for (let c = 0; c < channels; c++) {
      const share = matrix[c]?.[color] ?? 0;
      for (let pixel = 0; pixel < plane; pixel++) values[pixel]! += share * latent.data[c * plane + pixel]!;
    }
    for (let pixel = 0; pixel < plane; pixel++)
      data[pixel * 3 + color] = Math.min(255, Math.max(0, Math.round((values[pixel]! + 1) * 127.5)));
  }
  return { width, height, channels: 3, data };
}
