/** Hint pictures by changing tones or detail: inverted, black and white, blurred, reduced to tiles. */
import { gaussianPlane, type Mask, maskFromGrey, maskOf } from '../masks.ts';
import { type Pixels, pixelsOf, withoutAlpha } from '../pixels.ts';
import { resizePixels } from '../resample.ts';
import { greyPixels } from './lines.ts';

/** Black lines on white become white on black. Unless `always`, a picture that is dark already stays as it is. */
export function invert(pixels: Pixels, always: boolean): Pixels {
  const rgb = withoutAlpha(pixels);
  if (!always && !isLight(maskFromGrey(rgb))) return rgb;
  return { ...rgb, data: rgb.data.map((value) => 255 - value) };
}

/** White where the grey value is above `level` (0–255), black elsewhere. */
export function threshold(pixels: Pixels, level: number): Pixels {
  const grey = maskFromGrey(pixels);
  return greyPixels(
    maskOf(
      grey.data.map((value) => (Math.round(value * 255) > level ? 1 : 0)),
      grey.width,
      grey.height,
    ),
  );
}

/** Gaussian blur with standard deviation `sigma` pixels. */
export function blur(pixels: Pixels, sigma: number): Pixels {
  const { width, height, channels, data } = pixels;
  const out = new Uint8Array(width * height * 3);
  for (let c = 0; c < 3; c++) {
    const plane = Float32Array.from({ length: width * height }, (_, i) => data[i * channels + c]!);
    gaussianPlane(plane, width, height, sigma).forEach((value, i) => {
      out[i * 3 + c] = Math.round(value);
    });
  }
  return pixelsOf(out, width, height, 3);
}

/** The picture with its detail below `factor` pixels taken away: averaged down, then enlarged again. */
export function tile(pixels: Pixels, factor: number): Pixels {
  const rgb = withoutAlpha(pixels);
  const { width, height } = rgb;
  if (factor <= 1) return rgb;
  const small = resizePixels(
    rgb,
    Math.max(1, Math.round(width / factor)),
    Math.max(1, Math.round(height / factor)),
    'area',
  );
  return resizePixels(small, width, height, 'bicubic');
}

/** Most of a light picture, its background, is lighter than middle grey. */
function isLight({ data }: Mask): boolean {
  return data.reduce((light, value) => light + (value > 0.5 ? 1 : 0), 0) > data.length / 2;
}
