/** From the document to what a request needs: the picture inside the frame, the soft mask, the hint; one document pixel to one pixel. */
import type { ImageRef } from '../../preload/request.ts';
import { coverHoles, maskPixels, type Pixels } from '../document/blend.ts';
import type { Coverage } from '../document/coverage.ts';
import { type StudioDocument, workArea } from '../document/document.ts';
import type { Rect } from '../document/geometry.ts';
import type { Layer } from '../document/layer.ts';
import { cropCoverage } from '../document/mask.ts';
import { soften } from '../document/morphology.ts';
import { studio } from '../stores/studio.ts';
import { layerSurfaces } from '../surfaces/layerSurface.ts';
import { maskSurface } from '../surfaces/maskSurface.ts';
import { loadPicture } from '../surfaces/pictures.ts';
import { sketchSurface } from '../surfaces/sketchSurface.ts';
import { drawable } from './resultView.ts';

/** Blur radii in pixels with which the picture is spread into empty parts, nearest first. */
const SPREAD = [8, 32, 96];

/** The visible layers inside `area`, transparent where nothing lies. */
export async function flatten(document: StudioDocument, area: Rect): Promise<OffscreenCanvas> {
  const layers = document.layers.filter((layer) => layer.visible && layer.opacity > 0);
  await Promise.all(layers.map(({ picture }) => (picture === null ? null : loadPicture(picture.image))));
  const surfaces = layerSurfaces();
  const canvas = new OffscreenCanvas(area.width, area.height);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  for (const layer of layers) {
    const pixels = surfaces.pixels(layer);
    if (pixels === null) continue;
    const { extent, source } = pixels;
    context.globalAlpha = layer.opacity;
    const x = layer.x + extent.x * layer.scale - area.x;
    const y = layer.y + extent.y * layer.scale - area.y;
    context.drawImage(source, x, y, extent.width * layer.scale, extent.height * layer.scale);
  }
  return canvas;
}

export interface EditPictures {
  readonly initImage: ImageRef;
  /** Absent when nothing is masked and the frame has no empty part. */
  readonly mask?: ImageRef;
  readonly outpaint: boolean;
  readonly holes: Coverage | null;
}

/** What img2img, inpainting and outpainting start from; null when the frame is empty. */
export async function exportEdit(document: StudioDocument): Promise<EditPictures | null> {
  const { frame } = document;
  const canvas = await flatten(document, frame);
  const pixels = pixelsIn(canvas);
  const raw = maskSurface().follow(document.mask, workArea(document));
  const soft = soften(cropCoverage(raw, frame), document.mask);
  const blank: Coverage = { area: frame, data: new Float32Array(frame.width * frame.height) };
  const { mask: holes, holes: count } = coverHoles(blank, pixels);
  if (count === holes.data.length && holes.data.every((value) => value === 1)) return null;
  const whole = count === 0 ? wholePicture(document) : null;
  if (count > 0) fillHoles(canvas);
  const initImage = whole ?? (await upload(canvas));
  const masked = soft.data.some((value) => value > 0);
  if (!masked && count === 0) return { initImage, outpaint: false, holes: null };
  const { mask } = coverHoles(soft, pixels);
  return {
    initImage,
    mask: await upload(drawable(maskPixels(mask))),
    outpaint: count > 0,
    holes: count > 0 ? holes : null,
  };
}

/** The stored picture that is exactly what the frame shows: on top, untouched, opaque, one to one. Keeps the lineage. */
function wholePicture({ layers, frame }: StudioDocument): ImageRef | null {
  const top = layers.findLast((layer) => layer.visible && layer.opacity > 0);
  return top !== undefined && fillsExactly(top, frame) ? top.picture!.image : null;
}

function fillsExactly({ picture, paint, opacity, scale, x, y }: Layer, frame: Rect): boolean {
  if (picture === null || paint.length > 0 || opacity < 1 || scale !== 1 || picture.opaque !== true)
    return false;
  return x === frame.x && y === frame.y && picture.width === frame.width && picture.height === frame.height;
}

/** Empty parts get the colours around them, ever softer: a calm start for outpainting. */
function fillHoles(canvas: OffscreenCanvas): void {
  const context = canvas.getContext('2d')!;
  const source = new OffscreenCanvas(canvas.width, canvas.height);
  source.getContext('2d')!.drawImage(canvas, 0, 0);
  context.globalCompositeOperation = 'destination-over';
  for (const radius of SPREAD) {
    context.filter = `blur(${radius}px)`;
    context.drawImage(source, 0, 0);
  }
  context.filter = 'none';
  const mean = new OffscreenCanvas(1, 1);
  mean.getContext('2d')!.drawImage(source, 0, 0, 1, 1);
  const [red, green, blue] = pixelsIn(mean).data;
  context.fillStyle = `rgb(${red} ${green} ${blue})`;
  context.fillRect(0, 0, canvas.width, canvas.height);
}

const pixelsIn = (canvas: OffscreenCanvas): Pixels =>
  canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);

/** The sketch as a hint: white lines on black at frame size; null when nothing was drawn. */
export async function exportSketch({
  sketch,
  frame,
}: Pick<StudioDocument, 'sketch' | 'frame'>): Promise<ImageRef | null> {
  if (sketch.length === 0) return null;
  const { canvas: lines } = sketchSurface().follow(sketch, frame);
  const canvas = new OffscreenCanvas(frame.width, frame.height);
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#000';
  context.fillRect(0, 0, frame.width, frame.height);
  context.drawImage(lines, 0, 0);
  return upload(canvas);
}

/** A canvas as a stored picture: PNG, lossless. */
export async function upload(canvas: OffscreenCanvas): Promise<ImageRef> {
  const blob = await canvas.convertToBlob({ type: 'image/png' });
  const file = new File([blob], 'canvas.png', { type: 'image/png' });
  return (await studio().images.upload({ file })).image;
}
