/** What an inpaint model reads where no node prepared it: the latent itself as the picture, or no picture at all. */
import type { CheckpointConfig } from '../../../native-models/models/configs.ts';
import { latentMask } from '../../images/masks.ts';
import { joinedChannels } from '../../pipeline/inpaint.ts';
import { type Tensor, tensor } from '../../pipeline/tensor.ts';
import type { LatentValue } from '../parts/sockets.ts';

/** A grey picture as SD's VAE encodes it, × scalingFactor. */
const GREY_LATENT = [0.8223, -0.6876, 0.6364, 0.138];

/** [1, 5, h, w]: rounded mask and picture; undefined for models that read no more than the latent. */
export function inpaintFallback(
  { unet, vae }: CheckpointConfig,
  { samples, scalingFactor, noiseMask }: LatentValue,
): Tensor | undefined {
  if (unet.inChannels !== 9) return undefined;
  const [, channels, height, width] = samples.shape as [number, number, number, number];
  const plane = height * width;
  const picture = Float32Array.from({ length: channels * plane }, (_, i) =>
    noiseMask ? (samples.data[i]! * vae.scalingFactor) / scalingFactor : GREY_LATENT[Math.floor(i / plane)]!,
  );
  const mask = noiseMask
    ? latentMask(noiseMask, width, height).data.map((share) => (share > 0.5 ? 1 : 0))
    : new Float32Array(plane).fill(1);
  return joinedChannels(tensor(mask, [1, 1, height, width]), tensor(picture, [1, channels, height, width]));
}
