/** Each layer's pixels: its picture with what was painted on it, as one canvas that operations change in place. */
import { covers, type Rect } from '../document/geometry.ts';
import { type Layer, layerExtent, pictureKey } from '../document/layer.ts';
import { inkRaster, roomy } from './inkRaster.ts';
import type { InkTiles } from './protocol.ts';

export interface LayerPixels {
  readonly source: OffscreenCanvas | ImageBitmap;
  /** In layer pixels: where `source` lies. */
  readonly extent: Rect;
}

type Painted = ReturnType<typeof inkRaster> & { readonly bitmap: ImageBitmap | null };

/** Gives each layer its pixels, and keeps what can be kept from one document to the next. */
export function layerRasters(load: (key: string) => Promise<ImageBitmap>) {
  const painted = new Map<string, Painted>();
  /** Null: an empty sheet. */
  const pixels = async (layer: Layer): Promise<LayerPixels | null> => {
    const bitmap = layer.picture === null ? null : await load(pictureKey(layer.picture.image));
    const known = painted.get(layer.id);
    const extent = layerExtent(layer);
    if (layer.paint.length === 0 && known === undefined)
      return bitmap === null ? null : { source: bitmap, extent };
    const fits = known !== undefined && known.bitmap === bitmap && covers(known.extent, extent);
    const raster = fits ? known : paintedLayer(bitmap, bitmap === null ? roomy(extent) : extent);
    painted.set(layer.id, raster);
    raster.show(layer.paint);
    return { source: raster.canvas, extent: raster.extent };
  };
  return {
    pixels,
    /** Brings a painted layer up to date; one that is only a picture needs nothing. */
    async refresh(layer: Layer): Promise<void> {
      if (layer.paint.length > 0 || painted.has(layer.id)) await pixels(layer);
    },
    /** What changed of a layer's pixels since this was asked last; null when nothing did. */
    drain: (id: string): InkTiles | null => painted.get(id)?.drain(id) ?? null,
    /** Frees what belongs to layers that are gone. */
    prune(layers: readonly Layer[]): void {
      for (const id of painted.keys()) if (!layers.some((layer) => layer.id === id)) painted.delete(id);
    },
  };
}

function paintedLayer(bitmap: ImageBitmap | null, extent: Rect): Painted {
  const ground = (context: OffscreenCanvasRenderingContext2D) => {
    if (bitmap !== null) context.drawImage(bitmap, 0, 0);
  };
  return { ...inkRaster(extent, ground), bitmap };
}
