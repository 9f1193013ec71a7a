/** Small dealings with canvases outside the page. */
import type { Pixels } from '../document/blend.ts';
import type { Rect } from '../document/geometry.ts';

/** A canvas with room for at least one pixel. */
export function surface(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const canvas = new OffscreenCanvas(Math.max(width, 1), Math.max(height, 1));
  return canvas.getContext('2d', { willReadFrequently: true })!;
}

/** Pixels as something that can be drawn. */
export function drawable({ width, height, data }: Pixels): OffscreenCanvas {
  const context = surface(width, height);
  context.putImageData(new ImageData(data, width, height), 0, 0);
  return context.canvas;
}

export const bitmapOf = (pixels: Pixels): ImageBitmap => drawable(pixels).transferToImageBitmap();

export const pixelsOf = (context: OffscreenCanvasRenderingContext2D): Pixels =>
  context.getImageData(0, 0, context.canvas.width, context.canvas.height);

/** A copy of a part of a canvas. */
export function copyOf(canvas: OffscreenCanvas, part: Rect): OffscreenCanvas {
  const context = surface(part.width, part.height);
  context.drawImage(canvas, -part.x, -part.y);
  return context.canvas;
}

/** PNG, lossless. */
export const fileOf = (canvas: OffscreenCanvas): Promise<Blob> => canvas.convertToBlob({ type: 'image/png' });
