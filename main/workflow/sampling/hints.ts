/** Hint pictures at the size a ControlNet sees: eight times the latent, covered and cut in the middle as ComfyUI does it. */
import { crop } from '../../images/compose.ts';
import { centreCut } from '../../images/fit.ts';
import { toTensor } from '../../images/pixels.ts';
import { interpolate } from '../../pipeline/numerics/interpolate.ts';
import { nchw, type Tensor } from '../../pipeline/tensor.ts';
import type { ControlUse } from '../parts/sockets.ts';

/** [1, 3, 8h, 8w], 0–1, for a latent [B, C, h, w]. */
export function hintFor({ image }: ControlUse, latent: Tensor): Tensor {
  const [, , h, w] = nchw(latent);
  const [height, width] = [8 * h, 8 * w];
  const cut = centreCut(image.width, image.height, width, height);
  const whole = cut.width === image.width && cut.height === image.height;
  return interpolate(toTensor([whole ? image : crop(image, cut)], 'unit'), width, height, 'nearest-exact');
}
