/** A layer's pixels: its picture with what was painted on it, as one canvas that strokes change in place. */
import { covers, type Rect } from '../document/geometry.ts';
import { type Layer, layerExtent } from '../document/layer.ts';
import { inkCanvas } from './inkCanvas.ts';
import { pictureNow } from './pictures.ts';

export interface LayerPixels {
  readonly source: CanvasImageSource;
  /** In layer pixels: where `source` lies. */
  readonly extent: Rect;
}

/** Gives each layer its pixels, and keeps what can be kept from one document to the next. */
export function layerSurfaces() {
  const painted = new Map<string, ReturnType<typeof paintedSurface>>();
  return {
    /** Null while the layer's picture is still on its way. */
    pixels(layer: Layer): LayerPixels | null {
      const bitmap = layer.picture === null ? null : pictureNow(layer.picture.image);
      if (layer.picture !== null && bitmap === null) return null;
      if (layer.paint.length === 0)
        return bitmap === null ? null : { source: bitmap, extent: layerExtent(layer) };
      const extent = layerExtent(layer);
      const known = painted.get(layer.id);
      const fits = known !== undefined && known.bitmap === bitmap && covers(known.extent, extent);
      const surface = fits ? known : paintedSurface(bitmap, layer.picture === null ? roomy(extent) : extent);
      painted.set(layer.id, surface);
      surface.show(layer.paint);
      return { source: surface.canvas, extent: surface.extent };
    },
    /** Frees what belongs to layers that are gone. */
    prune(layers: readonly Layer[]): void {
      for (const id of painted.keys()) if (!layers.some((layer) => layer.id === id)) painted.delete(id);
    },
  };
}

/** Sheets grow in steps, so that not every stroke needs a larger canvas. */
const STEP = 512;
function roomy({ x, y, width, height }: Rect): Rect {
  const left = Math.floor(x / STEP) * STEP;
  const top = Math.floor(y / STEP) * STEP;
  return {
    x: left,
    y: top,
    width: Math.ceil((x + width - left) / STEP) * STEP,
    height: Math.ceil((y + height - top) / STEP) * STEP,
  };
}

function paintedSurface(bitmap: ImageBitmap | null, extent: Rect) {
  const ground = (context: OffscreenCanvasRenderingContext2D) => {
    if (bitmap !== null) context.drawImage(bitmap, 0, 0);
  };
  return { ...inkCanvas(extent, '#000000', ground), bitmap };
}
