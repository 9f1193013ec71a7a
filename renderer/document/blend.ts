/** Putting a generated picture into the old one through the soft mask, and taking it out again, so that the mask can change afterwards. */
import type { Coverage } from './coverage.ts';

/** RGBA, 8 bits a channel, rows from the top left; the shape of the browser's ImageData. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** Below this mask value a blended pixel says too little about what was generated. */
const READABLE = 1 / 8;

/**
 * What the model made, from the blended result: result = source + m · (made − source).
 * Where m is too small to divide by, the source stands for it: the two are nearly alike there.
 */
export function unblend(result: Pixels, source: Pixels, mask: Coverage): Pixels {
  const data = new Uint8ClampedArray(result.data.length);
  for (let i = 0; i < mask.data.length; i++) {
    const m = mask.data[i]!;
    for (let c = i * 4; c < i * 4 + 3; c++) {
      const from = source.data[c]!;
      data[c] = m < READABLE ? from : from + (result.data[c]! - from) / m;
    }
    data[i * 4 + 3] = 255;
  }
  return { width: result.width, height: result.height, data };
}

/** The made picture with the mask as its alpha: laid over the source it is the blend, and pixels where the mask is 0 stay as they are. */
export function cutOut(made: Pixels, mask: Coverage): Pixels {
  const data = new Uint8ClampedArray(made.data);
  for (let i = 0; i < mask.data.length; i++) data[i * 4 + 3] = Math.round(mask.data[i]! * 255);
  return { width: made.width, height: made.height, data };
}

/** The mask as the request carries it: grey, opaque, white = repaint; 8 bits. */
export function maskPixels(mask: Coverage): Pixels {
  const data = new Uint8ClampedArray(mask.data.length * 4);
  for (let i = 0; i < mask.data.length; i++) {
    data.fill(Math.round(mask.data[i]! * 255), i * 4, i * 4 + 3);
    data[i * 4 + 3] = 255;
  }
  return { width: mask.area.width, height: mask.area.height, data };
}

/** Raises the mask to 1 wherever the picture has holes, so that empty parts of the frame are painted (outpainting). */
export function coverHoles(
  mask: Coverage,
  picture: Pixels,
): { readonly mask: Coverage; readonly holes: number } {
  const data = new Float32Array(mask.data);
  let holes = 0;
  for (let i = 0; i < data.length; i++) {
    const hole = 1 - picture.data[i * 4 + 3]! / 255;
    if (hole > 0) holes++;
    data[i] = Math.max(data[i]!, hole);
  }
  return { mask: { area: mask.area, data }, holes };
}

/** Pixels along the edge of what one value of the latent stands for. */
export const latentCellSize = 8;

/** Each cell's mean mask value: about what the latent is told to repaint. Cells start at the frame's corner. */
export function latentCells(mask: Coverage, cell = latentCellSize): Coverage {
  const width = Math.ceil(mask.area.width / cell);
  const height = Math.ceil(mask.area.height / cell);
  const data = new Float32Array(width * height);
  for (let y = 0; y < mask.area.height; y++) {
    const row = Math.floor(y / cell) * width;
    for (let x = 0; x < mask.area.width; x++)
      data[row + Math.floor(x / cell)]! += mask.data[y * mask.area.width + x]! / (cell * cell);
  }
  return { area: { x: mask.area.x, y: mask.area.y, width, height }, data };
}
