/** What the worker knows: the document as it was told, with the pixels of its mask, its sketch and its layers. */
import { covers, type Rect, sameRect } from '../document/geometry.ts';
import type { Layer, PaintOperation } from '../document/layer.ts';
import { EMPTY_MASK, type Mask } from '../document/mask.ts';
import { inkRaster, roomy } from './inkRaster.ts';
import { layerRasters } from './layerRasters.ts';
import { maskPicture, maskRaster } from './maskRaster.ts';
import { changedList, type Follow, type FromRaster } from './protocol.ts';

const NOWHERE: Rect = { x: 0, y: 0, width: 1, height: 1 };
/** White on black is what ControlNets for scribbles were trained on. */
const INK = '#ffffff';
const blankSketch = (extent: Rect) => inkRaster(extent, () => undefined);

export interface Told {
  readonly revision: number;
  readonly area: Rect;
  readonly frame: Rect;
  readonly layers: readonly Layer[];
  readonly mask: Mask;
  readonly sketch: readonly PaintOperation[];
  readonly cells: boolean;
}

const NOTHING: Told = {
  revision: 0,
  area: NOWHERE,
  frame: NOWHERE,
  layers: [],
  mask: EMPTY_MASK,
  sketch: [],
  cells: false,
};

/** The next document from the last one and what changed. */
function told(before: Told, news: Follow): Told {
  const { revision, area, frame, cells } = news;
  const layers = news.layers.map((layer): Layer => {
    const known = before.layers.find(({ id }) => id === layer.id);
    return { ...layer, paint: changedList(known?.paint ?? [], layer.paint) };
  });
  const { grow, feather, operations } = news.mask;
  const same = before.mask.grow === grow && before.mask.feather === feather;
  const list = changedList(before.mask.operations, operations);
  const mask = same && list === before.mask.operations ? before.mask : { grow, feather, operations: list };
  const add = news.sketch.add.map((line): PaintOperation => ({ kind: 'stroke', colour: INK, ...line }));
  const sketch = changedList(before.sketch, { keep: news.sketch.keep, add });
  return { revision, area, frame, layers, mask, sketch, cells };
}

export function rasterState(load: (key: string) => Promise<ImageBitmap>) {
  let now = NOTHING;
  let shown: Told | null = null;
  const mask = maskRaster();
  const layers = layerRasters(load);
  let sketch = blankSketch(NOWHERE);
  let sketched = false;

  const maskNews = (): FromRaster[] => {
    const same =
      shown !== null &&
      shown.mask === now.mask &&
      sameRect(shown.area, now.area) &&
      shown.cells === now.cells &&
      (!now.cells || sameRect(shown.frame, now.frame));
    if (same) return [];
    return [maskPicture(mask.follow(now.mask.operations, now.area), now.mask, now.cells ? now.frame : null)];
  };

  return {
    now: (): Told => now,
    layers,
    follow(news: Follow): void {
      now = told(now, news);
    },
    rawMask: () => mask.follow(now.mask.operations, now.area),
    sketch() {
      if (!covers(sketch.extent, now.area)) sketch = blankSketch(roomy(now.area));
      sketch.show(now.sketch);
      sketched = true;
      return sketch;
    },
    /** Everything that looks different since this was asked last. */
    async news(): Promise<FromRaster[]> {
      const current = now;
      const all: (FromRaster | null)[] = [];
      for (const layer of current.layers) {
        // A picture that cannot be loaded is reported by the window, which misses it too.
        await layers.refresh(layer).catch(() => undefined);
        all.push(layers.drain(layer.id));
      }
      layers.prune(current.layers);
      // A sketch that was never begun needs no canvas of the document's size.
      if (sketched || current.sketch.length > 0) all.push(this.sketch().drain('sketch'));
      all.push(...maskNews());
      shown = current;
      return all.filter((message) => message !== null);
    },
  };
}

export type RasterState = ReturnType<typeof rasterState>;
