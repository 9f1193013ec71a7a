/** From the document to what a request needs: the picture inside the frame, the soft mask, the hint; one document pixel to one pixel. */
import { coverHoles, cutOut, maskPixels, type Pixels, unblend } from '../document/blend.ts';
import { blankCoverage, type Coverage } from '../document/coverage.ts';
import { intersect, type Rect } from '../document/geometry.ts';
import { cropCoverage } from '../document/mask.ts';
import { soften } from '../document/morphology.ts';
import { flood } from '../document/region.ts';
import type { Calls } from './protocol.ts';
import type { RasterState } from './state.ts';
import { bitmapOf, drawable, fileOf, pixelsOf, surface } from './surfaces.ts';

/** Blur radii in pixels with which the picture is spread into empty parts, nearest first. */
const SPREAD = [8, 32, 96];

type Work = {
  readonly [Name in keyof Calls]: (args: Calls[Name]['args']) => Promise<Calls[Name]['answer']>;
};

/** The calls over one worker's state. */
export function rasterCalls(state: RasterState, load: (key: string) => Promise<ImageBitmap>): Work {
  const made = madePictures(load);
  return {
    edit: ({ whole }) => exportEdit(state, whole),
    async sketch() {
      if (state.now().sketch.length === 0) return null;
      const { frame } = state.now();
      const { canvas, extent } = state.sketch();
      const context = surface(frame.width, frame.height);
      context.fillStyle = '#000';
      context.fillRect(0, 0, frame.width, frame.height);
      context.drawImage(canvas, extent.x - frame.x, extent.y - frame.y);
      return fileOf(context.canvas);
    },
    async reblend({ frame, holes, file, ...keys }) {
      const pixels = await made(keys, frame);
      const soft = soften(cropCoverage(state.rawMask(), frame), state.now().mask);
      const cut = cutOut(pixels, withHoles(soft, holes));
      if (!file) return { picture: bitmapOf(cut) };
      return { file: await fileOf(drawable(cut)), width: cut.width, height: cut.height };
    },
    async flatten({ ids, area }) {
      const wanted = new Set(ids);
      const layers = state.now().layers.filter(({ id }) => wanted.has(id));
      return (await flatten(state, area, layers)).canvas.transferToImageBitmap();
    },
    async flood(wanted) {
      const { area, frame } = state.now();
      // Without a picture the flood would run over the whole document; it is meant for the frame.
      const clip = intersect(area, state.now().layers.length === 0 ? frame : area) ?? frame;
      const pixels = pixelsOf(await flatten(state, clip));
      return flood({ ...wanted, pixels, mask: cropCoverage(state.rawMask(), clip) });
    },
  };
}

/** The visible layers inside `area`, transparent where nothing lies. */
async function flatten(
  state: RasterState,
  area: Rect,
  layers = state.now().layers,
): Promise<OffscreenCanvasRenderingContext2D> {
  const context = surface(area.width, area.height);
  for (const layer of layers.filter(({ visible, opacity }) => visible && opacity > 0)) {
    const pixels = await state.layers.pixels(layer);
    if (pixels === null) continue;
    const { extent, source } = pixels;
    context.globalAlpha = layer.opacity;
    const x = layer.x + extent.x * layer.scale - area.x;
    const y = layer.y + extent.y * layer.scale - area.y;
    context.drawImage(source, x, y, extent.width * layer.scale, extent.height * layer.scale);
  }
  context.globalAlpha = 1;
  return context;
}

async function exportEdit(state: RasterState, whole: boolean): Promise<Calls['edit']['answer']> {
  const { frame, mask } = state.now();
  const context = await flatten(state, frame);
  const pixels = pixelsOf(context);
  const soft = soften(cropCoverage(state.rawMask(), frame), mask);
  const { mask: holes, holes: count } = coverHoles(blankCoverage(frame), pixels);
  if (count === holes.data.length && holes.data.every((value) => value === 1)) return null;
  if (count > 0) fillHoles(context);
  const picture = whole && count === 0 ? null : await fileOf(context.canvas);
  const masked = soft.data.some((value) => value > 0);
  if (!masked && count === 0) return { picture, mask: null, holes: null };
  const covered = coverHoles(soft, pixels).mask;
  return { picture, mask: await fileOf(drawable(maskPixels(covered))), holes: count > 0 ? holes : null };
}

/** Empty parts get the colours around them, ever softer: a calm start for outpainting. */
function fillHoles(context: OffscreenCanvasRenderingContext2D): void {
  const { width, height } = context.canvas;
  const source = surface(width, height);
  source.drawImage(context.canvas, 0, 0);
  context.globalCompositeOperation = 'destination-over';
  for (const radius of SPREAD) {
    context.filter = `blur(${radius}px)`;
    context.drawImage(source.canvas, 0, 0);
  }
  context.filter = 'none';
  const mean = surface(1, 1);
  mean.drawImage(source.canvas, 0, 0, 1, 1);
  const [red, green, blue] = pixelsOf(mean).data;
  context.fillStyle = `rgb(${red} ${green} ${blue})`;
  context.fillRect(0, 0, width, height);
}

type Keys = Pick<Calls['reblend']['args'], 'result' | 'source' | 'mask'>;

/** What the model made before it was blended; the last one is kept, so that a slider need not wait for it. */
function madePictures(load: (key: string) => Promise<ImageBitmap>) {
  let last: { readonly result: string; readonly pixels: Pixels } | null = null;
  const read = async (key: string): Promise<Pixels> => {
    const bitmap = await load(key);
    const context = surface(bitmap.width, bitmap.height);
    context.drawImage(bitmap, 0, 0);
    return pixelsOf(context);
  };
  return async (keys: Keys, frame: Rect): Promise<Pixels> => {
    if (last?.result === keys.result) return last.pixels;
    const [result, source, mask] = await Promise.all([keys.result, keys.source, keys.mask].map(read));
    const pixels = unblend(result!, source!, coverageOf(mask!, frame));
    last = { result: keys.result, pixels };
    return pixels;
  };
}

const coverageOf = ({ width, height, data }: Pixels, frame: Rect): Coverage => ({
  area: { x: frame.x, y: frame.y, width, height },
  data: Float32Array.from({ length: width * height }, (_, i) => data[i * 4]! / 255),
});

function withHoles(mask: Coverage, holes: Coverage | null): Coverage {
  if (holes === null) return mask;
  return { area: mask.area, data: mask.data.map((value, i) => Math.max(value, holes.data[i]!)) };
}
