/** What the window and its raster worker say to each other: lists of operations go over as what changed, pixels come back as bitmaps. */
import type { Coverage } from '../document/coverage.ts';
import type { StudioDocument } from '../document/document.ts';
import type { Rect } from '../document/geometry.ts';
import type { Layer, PaintOperation } from '../document/layer.ts';
import type { Mask, MaskOperation } from '../document/mask.ts';
import type { Region } from '../document/region.ts';

/** The first `keep` items stay, `add` follow them. */
export interface ListChange<Item> {
  readonly keep: number;
  readonly add: readonly Item[];
}

/** From one list to another that shares its items; null when nothing changed. */
export function listChange<Item>(from: readonly Item[], to: readonly Item[]): ListChange<Item> {
  let keep = 0;
  if (from === to) keep = to.length;
  else while (keep < from.length && keep < to.length && from[keep] === to[keep]) keep++;
  return { keep, add: to.slice(keep) };
}

/** The same list when nothing changed, so that its identity tells. */
export const changedList = <Item>(list: readonly Item[], { keep, add }: ListChange<Item>): readonly Item[] =>
  keep === list.length && add.length === 0 ? list : [...list.slice(0, keep), ...add];

type Unpainted = Omit<Layer, 'paint'>;
/** A layer's paint, or the change of it since the last message. */
export type LayerNews = Unpainted & { readonly paint: ListChange<PaintOperation> };

/** The document as far as pixels depend on it. */
export interface Follow {
  readonly type: 'follow';
  readonly revision: number;
  /** What mask and sketch lie on. */
  readonly area: Rect;
  readonly frame: Rect;
  readonly layers: readonly LayerNews[];
  readonly mask: Omit<Mask, 'operations'> & { readonly operations: ListChange<MaskOperation> };
  readonly sketch: ListChange<StudioDocument['sketch'][number]>;
  /** Also tell what the latent sees of the mask. */
  readonly cells: boolean;
}

/** Calls with their arguments and answers. Pictures are named by their key (document/layer.ts). */
export interface Calls {
  /** What img2img, inpainting and outpainting start from; null when the frame is empty. */
  readonly edit: {
    /** `whole`: a stored picture is what the frame shows, so that none need be written unless there are holes. */
    readonly args: { readonly whole: boolean };
    readonly answer: EditExport | null;
  };
  /** The sketch at frame size, white on black; null when nothing was drawn. */
  readonly sketch: { readonly args: Record<never, never>; readonly answer: Blob | null };
  /** An inpainted result blended again with the mask as it is now. */
  readonly reblend: { readonly args: Reblend; readonly answer: Reblended };
  /** The named layers inside `area`, transparent where nothing lies. */
  readonly flatten: {
    readonly args: { readonly ids: readonly string[]; readonly area: Rect };
    readonly answer: ImageBitmap;
  };
  readonly flood: {
    readonly args: {
      readonly at: { readonly x: number; readonly y: number };
      readonly tolerance: number;
      readonly contiguous: boolean;
    };
    readonly answer: Region | null;
  };
}

export interface EditExport {
  /** Null when the stored picture serves. */
  readonly picture: Blob | null;
  /** Null when nothing is masked and the frame has no empty part. */
  readonly mask: Blob | null;
  readonly holes: Coverage | null;
}

export interface Reblend {
  readonly result: string;
  readonly source: string;
  readonly mask: string;
  readonly frame: Rect;
  /** Always taken from the result: 1 where the frame was empty. */
  readonly holes: Coverage | null;
  /** As a file to store, not as a bitmap to show. */
  readonly file: boolean;
}

export type Reblended =
  | { readonly picture: ImageBitmap }
  | { readonly file: Blob; readonly width: number; readonly height: number };

export type CallName = keyof Calls;
export type Call = {
  [Name in CallName]: {
    readonly type: 'call';
    readonly id: number;
    readonly name: Name;
    readonly args: Calls[Name]['args'];
  };
}[CallName];

export type ToRaster =
  | Follow
  | Call
  /** A picture that was wanted; null when it cannot be had. */
  | { readonly type: 'picture'; readonly key: string; readonly file: Blob | null };

export interface MaskPicture {
  readonly type: 'mask';
  /** The soft mask in its colour, smaller than its area where that is large. */
  readonly picture: ImageBitmap;
  readonly area: Rect;
  /** Closed lines of x, y pairs in document pixels. */
  readonly outlines: readonly (readonly number[])[];
  /** Mean mask value of each 8 × 8 cell of the frame; null unless asked for. */
  readonly cells: Coverage | null;
}

export interface InkTiles {
  readonly type: 'ink';
  /** A layer's id, or `sketch`. */
  readonly target: string;
  /** Where the whole canvas lies, in the target's own pixels. */
  readonly extent: Rect;
  readonly tiles: readonly { readonly x: number; readonly y: number; readonly picture: ImageBitmap }[];
}

export type FromRaster =
  | MaskPicture
  | InkTiles
  /** Everything up to this revision has been shown. */
  | { readonly type: 'followed'; readonly revision: number }
  | { readonly type: 'wanted'; readonly key: string }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'failed'; readonly id: number | null; readonly message: string };
