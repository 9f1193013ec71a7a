/** What an inpaint model reads where no node prepared it: the latent itself as the picture, or no picture at all. */
import { latentMask } from '../../images/masks.ts';
import { inpaintChannels, joinedChannels } from '../../pipeline/inpaint.ts';
import { nchw, type Tensor, tensor, zeros } from '../../pipeline/tensor.ts';
import type { ReadyModel } from '../parts/models.ts';
import type { LatentValue } from '../parts/sockets.ts';

/** [1, 5, h, w]: rounded mask and picture; undefined for models that read no more than the latent. */
export async function inpaintFallback(
  { networks, config: { unet, vae } }: ReadyModel,
  { samples, scalingFactor, noiseMask }: LatentValue,
): Promise<Tensor | undefined> {
  if (unet.inChannels !== 9) return undefined;
  const [, channels, height, width] = nchw(samples);
  const plane = height * width;
  if (!noiseMask) {
    const grey = zeros([1, 3, 8 * height, 8 * width]);
    return inpaintChannels(networks.encodeImage, grey, ones(8 * height, 8 * width), ones(height, width));
  }
  const rounded = latentMask(noiseMask, width, height).data.map((share) => (share > 0.5 ? 1 : 0));
  const picture = samples.data
    .slice(0, channels * plane)
    .map((value) => (value * vae.scalingFactor) / scalingFactor);
  return joinedChannels(
    tensor(rounded, [1, 1, height, width]),
    tensor(picture, [1, channels, height, width]),
  );
}

function ones(height: number, width: number): Tensor {
  return tensor(new Float32Array(height * width).fill(1), [1, 1, height, width]);
}
