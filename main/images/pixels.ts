/** Pictures as plain 8-bit pixels, and the way from pixels to the tensors of the models and back. */
import { type Tensor, zeros } from '../pipeline/tensor.ts';

/** RGB or RGBA rows from the top left, 8 bits a channel, sRGB, alpha not premultiplied. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** How 0…255 maps to numbers: `signed` = [-1, 1] (VAE), `unit` = [0, 1] (ControlNet hints, upscalers). */
export type TensorRange = 'signed' | 'unit';

/** Wraps `data`; throws when its length does not fit the size. */
export function pixelsOf(
  data: Uint8Array<ArrayBuffer>,
  width: number,
  height: number,
  channels: 3 | 4,
): Pixels {
  if (data.length !== width * height * channels) {
    throw new RangeError(`${data.length} bytes cannot fill ${width}×${height}×${channels} pixels`);
  }
  return { width, height, channels, data };
}

/** Pixels without alpha; the colours of transparent pixels stay as they are. */
export function withoutAlpha(pixels: Pixels): Pixels {
  if (pixels.channels === 3) return pixels;
  const { width, height, data } = pixels;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from]!;
    rgb[to + 1] = data[from + 1]!;
    rgb[to + 2] = data[from + 2]!;
  }
  return pixelsOf(rgb, width, height, 3);
}

/** The pixels with `alpha` (one byte per pixel) as their fourth channel. */
export function withAlpha(pixels: Pixels, alpha: Uint8Array): Pixels {
  const { width, height, channels, data } = pixels;
  const rgba = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgba[i * 4 + c] = data[i * channels + c]!;
    rgba[i * 4 + 3] = alpha[i]!;
  }
  return pixelsOf(rgba, width, height, 4);
}

/**
 * RGB pictures of one size → float32 NCHW tensor [B, 3, H, W]; alpha is dropped.
 * Rounded as torch does it in float32: `x = byte / 255`, then `x·2 - 1` for `signed`.
 */
export function toTensor(pictures: readonly Pixels[], range: TensorRange): Tensor {
  const first = pictures[0];
  if (!first) throw new RangeError('no picture to make a tensor of');
  const { width, height } = first;
  const values = valueTable(range);
  const result = zeros([pictures.length, 3, height, width]);
  pictures.forEach((picture, index) => {
    if (picture.width !== width || picture.height !== height) {
      throw new RangeError(
        `pictures of one batch differ in size: ${width}×${height} and ${picture.width}×${picture.height}`,
      );
    }
    fillPlanes(picture, values, result.data.subarray(index * 3 * height * width));
  });
  return result;
}

/** Float32 NCHW tensor [B, 3, H, W] → B pictures; values are clamped and rounded to the nearest byte. NaN becomes 0. */
export function fromTensor(image: Tensor, range: TensorRange): Pixels[] {
  const [batch, channels, height, width] = image.shape;
  if (image.shape.length !== 4 || channels !== 3) {
    throw new RangeError(`a picture tensor is [B, 3, H, W], not [${image.shape.join(', ')}]`);
  }
  const plane = height! * width!;
  return Array.from({ length: batch! }, (_, index) =>
    interleave(image.data.subarray(index * 3 * plane, (index + 1) * 3 * plane), width!, height!, range),
  );
}

function valueTable(range: TensorRange): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => {
    const unit = Math.fround(byte / 255);
    return range === 'unit' ? unit : unit * 2 - 1;
  });
}

function fillPlanes({ data, channels, width, height }: Pixels, values: Float32Array, out: Float32Array) {
  const plane = width * height;
  for (let i = 0, from = 0; i < plane; i++, from += channels) {
    out[i] = values[data[from]!]!;
    out[plane + i] = values[data[from + 1]!]!;
    out[2 * plane + i] = values[data[from + 2]!]!;
  }
}

function interleave(planes: Float32Array, width: number, height: number, range: TensorRange): Pixels {
  const plane = width * height;
  const scale = range === 'signed' ? 127.5 : 255;
  const offset = range === 'signed' ? 127.5 : 0;
  // A clamped array rounds half to even and clamps by itself.
  const rounded = new Uint8ClampedArray(plane * 3);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) rounded[i * 3 + c] = planes[c * plane + i]! * scale + offset;
  }
  return pixelsOf(new Uint8Array(rounded.buffer), width, height, 3);
}
