/** Bringing a picture to another shape without stretching it: the middle is kept. */
import { roundHalfEven } from '../pipeline/numerics/rounding.ts';
import { crop, type Region } from './compose.ts';
import type { Pixels } from './pixels.ts';
import { resizePixels } from './resample.ts';

/** The largest middle part with the proportions of width × height, to the pixel as ComfyUI's "center" crop takes it. */
export function centreCut(oldWidth: number, oldHeight: number, width: number, height: number): Region {
  const [oldAspect, aspect] = [oldWidth / oldHeight, width / height];
  const x = oldAspect > aspect ? roundHalfEven((oldWidth - oldWidth * (aspect / oldAspect)) / 2) : 0;
  const y = oldAspect < aspect ? roundHalfEven((oldHeight - oldHeight * (oldAspect / aspect)) / 2) : 0;
  return {
    x: Math.min(x, (oldWidth - 1) >> 1),
    y: Math.min(y, (oldHeight - 1) >> 1),
    width: Math.max(1, oldWidth - 2 * x),
    height: Math.max(1, oldHeight - 2 * y),
  };
}

/** The middle of a picture at width × height. */
export function covering(picture: Pixels, width: number, height: number): Pixels {
  const cut = centreCut(picture.width, picture.height, width, height);
  const whole = cut.width === picture.width && cut.height === picture.height;
  return resizePixels(whole ? picture : crop(picture, cut), width, height, 'lanczos');
}
