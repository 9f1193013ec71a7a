/** Layers: a placed picture, a sheet to paint on, or both; an action list says what was painted. */
import type { ImageRef } from '../../preload/request.ts';
import type { Rect } from './geometry.ts';
import { type Stroke, strokeBounds } from './stroke.ts';

/** A stored picture with its size in pixels. */
export interface PictureUse {
  readonly image: ImageRef;
  readonly width: number;
  readonly height: number;
  /** Known to have no transparent pixel: pictures that a model made. */
  readonly opaque?: boolean;
}

/** Points of the stroke are in the layer's own pixels; colour is `#rrggbb`. */
export interface PaintOperation {
  readonly kind: 'stroke';
  readonly stroke: Stroke;
  readonly colour: string;
  readonly erase: boolean;
}

export interface Layer {
  readonly id: string;
  readonly name: string;
  /** Null: a sheet that is as large as what was painted on it. */
  readonly picture: PictureUse | null;
  readonly paint: readonly PaintOperation[];
  /** Place of the top left corner in the document, and how many document pixels one layer pixel takes. */
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly opacity: number;
  readonly visible: boolean;
}

export const pictureLayer = (
  id: string,
  name: string,
  picture: PictureUse,
  at: { readonly x: number; readonly y: number; readonly scale?: number },
): Layer => ({
  id,
  name,
  picture,
  paint: [],
  x: at.x,
  y: at.y,
  scale: at.scale ?? 1,
  opacity: 1,
  visible: true,
});

export const paintLayer = (id: string, name: string): Layer => ({
  id,
  name,
  picture: null,
  paint: [],
  x: 0,
  y: 0,
  scale: 1,
  opacity: 1,
  visible: true,
});

/** The layer's own pixels: its picture, or for a sheet the part that strokes can have touched. */
export function layerExtent(layer: Layer): Rect {
  if (layer.picture !== null) return { x: 0, y: 0, width: layer.picture.width, height: layer.picture.height };
  const areas = layer.paint.map(({ stroke }) => strokeBounds(stroke));
  const x = Math.floor(Math.min(0, ...areas.map((area) => area.x)));
  const y = Math.floor(Math.min(0, ...areas.map((area) => area.y)));
  const right = Math.ceil(Math.max(0, ...areas.map((area) => area.x + area.width)));
  const bottom = Math.ceil(Math.max(0, ...areas.map((area) => area.y + area.height)));
  return { x, y, width: right - x, height: bottom - y };
}

/** Where the layer lies in the document. */
export function layerBounds(layer: Layer): Rect {
  const extent = layerExtent(layer);
  return {
    x: layer.x + extent.x * layer.scale,
    y: layer.y + extent.y * layer.scale,
    width: extent.width * layer.scale,
    height: extent.height * layer.scale,
  };
}
