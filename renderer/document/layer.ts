/** Layers: a placed picture, a sheet to paint on, or both; an action list says what was painted. */
import type { ImageRef } from '../../preload/request.ts';
import { type Rect, union } from './geometry.ts';
import type { Region } from './region.ts';
import { type Stroke, strokeBounds } from './stroke.ts';

/** A stored picture with its size in pixels. */
export interface PictureUse {
  readonly image: ImageRef;
  readonly width: number;
  readonly height: number;
  /** Known to have no transparent pixel: pictures that a model made. */
  readonly opaque?: boolean;
}

/** Names a stored picture's pixels: the same contents, the same key. */
export const pictureKey = ({ sha256, path }: ImageRef): string => sha256 ?? `${BY_PATH}${path}`;
export const pictureOfKey = (key: string): ImageRef =>
  key.startsWith(BY_PATH) ? { path: key.slice(BY_PATH.length) } : { sha256: key };
const BY_PATH = 'path ';

/** Strokes and regions are in the layer's own pixels; colour is `#rrggbb`. */
export type PaintOperation = { readonly colour: string; readonly erase: boolean } & (
  | { readonly kind: 'stroke'; readonly stroke: Stroke }
  | { readonly kind: 'region'; readonly region: Region; readonly opacity: number }
);

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

/** Extents of paint lists and bounds of their operations: asked for on every frame, and never changing. */
const extents = new WeakMap<readonly PaintOperation[], Rect>();
const bounds = new WeakMap<PaintOperation, Rect>();
const NOWHERE: Rect = { x: 0, y: 0, width: 0, height: 0 };

function boundsOf(operation: PaintOperation): Rect {
  const known = bounds.get(operation);
  if (known !== undefined) return known;
  const found = operation.kind === 'stroke' ? strokeBounds(operation.stroke) : operation.region.area;
  bounds.set(operation, found);
  return found;
}

function paintExtent(paint: readonly PaintOperation[]): Rect {
  const known = extents.get(paint);
  if (known !== undefined) return known;
  const all = paint.reduce((extent, operation) => union(extent, boundsOf(operation)), NOWHERE);
  const [x, y] = [Math.floor(all.x), Math.floor(all.y)];
  const found = {
    x,
    y,
    width: Math.ceil(all.x + all.width) - x,
    height: Math.ceil(all.y + all.height) - y,
  };
  extents.set(paint, found);
  return found;
}

/** The layer's own pixels: its picture, or for a sheet the part that strokes can have touched. */
export const layerExtent = ({ picture, paint }: Layer): Rect =>
  picture === null ? paintExtent(paint) : { x: 0, y: 0, width: picture.width, height: picture.height };

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
