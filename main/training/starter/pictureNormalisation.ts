/**
 * The image tower is trained on −1…1; readers of CLIP hand it (p − mean)/deviation of p in 0–1. That is a linear map:
 * the patch kernel takes a factor per channel, what is left is the same for every patch and goes into the positions.
 */
import { CLIP_DEVIATION, CLIP_MEAN } from '../../../native-models/models/configs.ts';
import { type ParameterSet, view } from '../parameters.ts';
import { STARTER_VISION } from './models.ts';

/** In place: a tower for −1…1 becomes one for normalised pictures. */
export function normalisePictures(pair: ParameterSet): void {
  const shift = (channel: number): number => 2 * CLIP_MEAN[channel]! - 1;
  fold(pair, (channel) => [2 * CLIP_DEVIATION[channel]!, shift(channel)]);
}

/** In place: the way back. */
export function denormalisePictures(pair: ParameterSet): void {
  const factor = (channel: number): number => 1 / (2 * CLIP_DEVIATION[channel]!);
  fold(pair, (channel) => [factor(channel), -(2 * CLIP_MEAN[channel]! - 1) * factor(channel)]);
}

/** Old input = factor · new input + shift, per channel. */
function fold(pair: ParameterSet, map: (channel: number) => readonly [factor: number, shift: number]): void {
  const kernel = view(pair, 'vision_model.embeddings.patch_embedding.weight');
  const positions = view(pair, 'vision_model.embeddings.position_embedding.weight');
  const { width, patchSize } = STARTER_VISION;
  const area = patchSize ** 2;
  for (let out = 0; out < width; out++) {
    let constant = 0;
    for (let i = 0; i < 3 * area; i++) {
      const [factor, shift] = map(Math.floor(i / area));
      const at = out * 3 * area + i;
      constant += kernel[at]! * shift;
      kernel[at]! *= factor;
    }
    // Row 0 belongs to the class token, which sees no pixels.
    for (let row = width; row < positions.length; row += width) positions[row + out]! += constant;
  }
}
