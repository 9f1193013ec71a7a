/** Runs of layers that stay as they are, as one bitmap made by the worker: a document of fifty layers is drawn like one of a few. */
import type { StudioDocument } from '../document/document.ts';
import { type Rect, union, wholePixels } from '../document/geometry.ts';
import { type Layer, layerBounds } from '../document/layer.ts';
import { levelFor, reducedBitmap } from './levels.ts';
import { askRaster } from './raster.ts';

/** So many layers are drawn by themselves before they are worth a bitmap, … */
const ENOUGH = 6;
/** … which has at most so many pixels: a document of 8192². */
const LARGEST = 2 ** 26;
/** The newest, and the one before it for who undoes. */
const KEPT = 2;

const NOWHERE: Rect = { x: 0, y: 0, width: 1, height: 1 };

/** The first `count` layers of a run. */
export interface Flattened {
  readonly count: number;
  readonly source: ImageBitmap;
  readonly area: Rect;
}

interface Made {
  readonly layers: readonly Layer[];
  readonly picture: ImageBitmap;
  readonly area: Rect;
}

/** Remembers one run; `changed` is called when a new bitmap or a smaller copy of it can be drawn. */
export function flattenedRun(changed: () => void) {
  let made: readonly Made[] = [];
  let asking = false;
  /** A run that could not be had: it is not asked for again. */
  let refused: readonly Layer[] | null = null;

  const ask = async (document: StudioDocument, layers: readonly Layer[]) => {
    asking = true;
    // A sheet with nothing on it lies nowhere.
    const [first = NOWHERE, ...others] = layers.map(layerBounds).filter(({ width }) => width > 0);
    const area = wholePixels(others.reduce(union, first));
    const ids = layers.map(({ id }) => id);
    // Without the bitmap the layers are drawn one by one; a picture that is missing is reported where it is drawn.
    const picture =
      area.width * area.height > LARGEST
        ? null
        : await askRaster(document, 'flatten', { ids, area }).catch(() => null);
    asking = false;
    if (picture === null) {
      refused = layers;
      return;
    }
    const all = [{ layers, picture, area }, ...made];
    made = all.slice(0, KEPT);
    // Whoever draws an old one draws another from now on.
    changed();
    for (const old of all.slice(KEPT)) old.picture.close();
  };

  return {
    /** What can be drawn in place of the beginning of `run`; `scale` is screen pixels per document pixel. */
    of(document: StudioDocument, run: readonly Layer[], scale: number): Flattened | null {
      const known = made
        .filter(({ layers }) => startsWith(run, layers))
        .toSorted((a, b) => b.layers.length - a.layers.length)[0];
      const whole = onPixels(run);
      const missing = whole.length - (known?.layers.length ?? 0);
      const isRefused = refused !== null && startsWith(run, refused);
      if (missing >= ENOUGH && !asking && !isRefused) void ask(document, whole);
      if (known === undefined) return null;
      const { layers, picture, area } = known;
      const source = reducedBitmap(picture, levelFor(scale), changed);
      return source === null ? null : { count: layers.length, source, area };
    },
  };
}

const startsWith = (run: readonly Layer[], beginning: readonly Layer[]): boolean =>
  beginning.length <= run.length && beginning.every((layer, i) => layer === run[i]);

/** The beginning whose pixels are the document's own: a layer of another scale would lose or blur some. */
function onPixels(run: readonly Layer[]): readonly Layer[] {
  const end = run.findIndex(({ scale, x, y }) => scale !== 1 || !Number.isInteger(x) || !Number.isInteger(y));
  return end < 0 ? run : run.slice(0, end);
}
