/** Putting pictures together: pasting by mask, enlarging the canvas, cropping to the mask and pasting back. */
import { type Mask, maskOf } from './masks.ts';
import { type Pixels, pixelsOf, withAlpha, withoutAlpha } from './pixels.ts';
import { resizePixels } from './resample.ts';

/** A rectangle in pixels; inside its picture, width and height at least 1. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels to add on each side. */
export interface Margins {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * `painted` over `source` where the mask says so. Where the mask is 0 every byte is the source's own;
 * where it is 1 every byte is the painted one's. A source's alpha stays, made opaque by as much as was repainted.
 */
export function composite(source: Pixels, painted: Pixels, mask: Mask): Pixels {
  sameSize(source, painted);
  sameSize(source, mask);
  const out = Uint8Array.from(source.data);
  for (let i = 0; i < mask.data.length; i++) {
    const weight = Math.min(1, mask.data[i]!);
    if (!(weight > 0)) continue;
    for (let c = 0; c < source.channels; c++) {
      const under = source.data[i * source.channels + c]!;
      const over = c < painted.channels ? painted.data[i * painted.channels + c]! : 255;
      out[i * source.channels + c] = Math.round(under + (over - under) * weight);
    }
  }
  return pixelsOf(out, source.width, source.height, source.channels);
}

/**
 * The "only masked" way back: `patch`, resized to `region`, over `source`. With `mask` (of the source's size) blended by it;
 * outside the region, and where the mask is 0, every byte is the source's own.
 */
export function paste(source: Pixels, patch: Pixels, region: Region, mask?: Mask): Pixels {
  const fitted = resizePixels(patch, region.width, region.height, 'lanczos');
  const under = crop(source, region);
  const blended = mask
    ? composite(under, fitted, crop(mask, region))
    : matchChannels(fitted, source.channels);
  const out = Uint8Array.from(source.data);
  const rowBytes = region.width * source.channels;
  for (let y = 0; y < region.height; y++) {
    const to = ((region.y + y) * source.width + region.x) * source.channels;
    out.set(blended.data.subarray(y * rowBytes, (y + 1) * rowBytes), to);
  }
  return pixelsOf(out, source.width, source.height, source.channels);
}

/** The part of a picture or mask inside `region`. Throws RangeError where the region leaves it. */
export function crop<T extends Pixels | Mask>(from: T, region: Region): T {
  const { x, y, width, height } = region;
  if (x < 0 || y < 0 || width < 1 || height < 1 || x + width > from.width || y + height > from.height) {
    throw new RangeError(
      `region ${width}×${height} at ${x},${y} leaves the ${from.width}×${from.height} picture`,
    );
  }
  const channels = 'channels' in from ? from.channels : 1;
  const data = from.data.slice(0, width * height * channels);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * from.width + x) * channels;
    data.set(from.data.subarray(start, start + width * channels), row * width * channels);
  }
  return { ...from, width, height, data };
}

/**
 * Room for outpainting: the canvas enlarged by `margins`, its border pixels drawn out to the new edge, and the mask of
 * the new room (1). Within `feather` pixels of an enlarged side the old picture is repainted too, falling off quadratically.
 */
export function padForOutpaint(
  source: Pixels,
  margins: Margins,
  feather = 0,
): { canvas: Pixels; mask: Mask } {
  const { channels } = source;
  const width = source.width + margins.left + margins.right;
  const height = source.height + margins.top + margins.bottom;
  const canvas = new Uint8Array(width * height * channels);
  const mask = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const inY = clamp(y - margins.top, source.height);
    for (let x = 0; x < width; x++) {
      const inX = clamp(x - margins.left, source.width);
      const from = (inY * source.width + inX) * channels;
      const to = y * width + x;
      for (let c = 0; c < channels; c++) canvas[to * channels + c] = source.data[from + c]!;
      const inside = inX === x - margins.left && inY === y - margins.top;
      mask[to] = inside ? featherAt(inX, inY, source, margins, feather) : 1;
    }
  }
  return { canvas: pixelsOf(canvas, width, height, channels), mask: maskOf(mask, width, height) };
}

/** The smallest region that holds every pixel to be repainted; undefined for an empty mask. */
export function maskBounds(mask: Mask): Region | undefined {
  let left = mask.width;
  let right = -1;
  let top = -1;
  let bottom = -1;
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      if (!(mask.data[y * mask.width + x]! > 0)) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      if (top < 0) top = y;
      bottom = y;
    }
  }
  return bottom < 0 ? undefined : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * The "only masked" area: the mask's bounds and `padding` pixels around them, widened to the shape of
 * width × height (the size it will be painted at), all inside the picture. Undefined for an empty mask.
 */
export function maskedArea(mask: Mask, padding: number, width: number, height: number): Region | undefined {
  const bounds = maskBounds(mask);
  if (!bounds) return undefined;
  const x = Math.max(0, bounds.x - padding);
  const y = Math.max(0, bounds.y - padding);
  const padded = {
    x,
    y,
    width: Math.min(mask.width, bounds.x + bounds.width + padding) - x,
    height: Math.min(mask.height, bounds.y + bounds.height + padding) - y,
  };
  return aspectWidened(padded, width / height, mask);
}

function aspectWidened(area: Region, aspect: number, limits: Mask): Region {
  if (aspect > area.width / area.height) {
    const [x, width] = widened(area.x, area.width, Math.round(area.height * aspect), limits.width);
    return { ...area, x, width };
  }
  const [y, height] = widened(area.y, area.height, Math.round(area.width / aspect), limits.height);
  return { ...area, y, height };
}

/** A span made `wanted` long about its middle, moved and cut to lie within 0…limit. */
function widened(
  start: number,
  length: number,
  wanted: number,
  limit: number,
): [start: number, length: number] {
  const size = Math.min(limit, Math.max(length, wanted));
  const middle = start - Math.floor((size - length) / 2);
  return [Math.min(Math.max(0, middle), limit - size), size];
}

/** Falls from 1 at an enlarged side to 0 at `feather` pixels from it, squared; sides that stay count for nothing. */
function featherAt(x: number, y: number, source: Pixels, margins: Margins, feather: number): number {
  if (feather <= 0) return 0;
  const distance = Math.min(
    margins.left > 0 ? x : feather,
    margins.top > 0 ? y : feather,
    margins.right > 0 ? source.width - 1 - x : feather,
    margins.bottom > 0 ? source.height - 1 - y : feather,
  );
  return distance >= feather ? 0 : ((feather - distance) / feather) ** 2;
}

function matchChannels(pixels: Pixels, channels: 3 | 4): Pixels {
  if (pixels.channels === channels) return pixels;
  if (channels === 3) return withoutAlpha(pixels);
  return withAlpha(pixels, new Uint8Array(pixels.width * pixels.height).fill(255));
}

function clamp(position: number, size: number): number {
  return Math.min(size - 1, Math.max(0, position));
}

function sameSize(a: { width: number; height: number }, b: { width: number; height: number }): void {
  if (a.width !== b.width || a.height !== b.height) {
    throw new RangeError(`sizes differ: ${a.width}×${a.height} and ${b.width}×${b.height}`);
  }
}
