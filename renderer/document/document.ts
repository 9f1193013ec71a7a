/** The document: all that one project is, as one immutable value of plain JSON. Actions are the only way from one to the next. */
import type { ModelRef } from '../../preload/request.ts';
import { type Draft, FIRST_DRAFT } from './draft.ts';
import { type Rect, union } from './geometry.ts';
import type { Layer, PictureUse } from './layer.ts';
import { EMPTY_MASK, type Mask } from './mask.ts';
import type { Stroke } from './stroke.ts';
import { FIRST_TRAINING, type TrainingDraft } from './training.ts';

/** A pen line of the sketch in document pixels. */
export interface SketchStroke {
  readonly stroke: Stroke;
  readonly erase: boolean;
}

/** What the Upscale page works on. */
export interface UpscaleDraft {
  readonly picture: PictureUse | null;
  /** Null: the first one that the library has. */
  readonly upscaler: ModelRef | null;
  /** Final scale; null: the upscaler's own. */
  readonly scale: number | null;
  /** Edge of a tile in pixels. */
  readonly tile: number;
}

export interface StudioDocument {
  /** The picture's extent in document pixels. It grows when an outpainted result is accepted; its origin may be negative. */
  readonly bounds: Rect;
  /** Back to front. */
  readonly layers: readonly Layer[];
  readonly activeLayer: string | null;
  readonly mask: Mask;
  readonly sketch: readonly SketchStroke[];
  /** What is sent to the model, one document pixel to one pixel of the request. */
  readonly frame: Rect;
  readonly draft: Draft;
  readonly upscale: UpscaleDraft;
  readonly training: TrainingDraft;
  /** History pictures deleted from here, so that undo brings them back. */
  readonly deletedPictures: readonly number[];
  /** History pictures taken off boards from here, so that undo puts them back. */
  readonly takenOff: readonly TakenOff[];
}

export interface TakenOff {
  readonly boardId: number;
  readonly ids: readonly number[];
}

export function emptyDocument({
  width,
  height,
}: {
  readonly width: number;
  readonly height: number;
}): StudioDocument {
  const bounds = { x: 0, y: 0, width, height };
  return {
    bounds,
    layers: [],
    activeLayer: null,
    mask: EMPTY_MASK,
    sketch: [],
    frame: bounds,
    draft: { ...FIRST_DRAFT, width, height },
    upscale: { picture: null, upscaler: null, scale: null, tile: 256 },
    training: FIRST_TRAINING,
    deletedPictures: [],
    takenOff: [],
  };
}

/** A stored document with what came later filled in: projects are older than the program that opens them. */
export function completeDocument(
  stored: Partial<StudioDocument>,
  size: { readonly width: number; readonly height: number },
): StudioDocument {
  const empty = emptyDocument(size);
  const draft = { ...empty.draft, ...stored.draft };
  return {
    ...empty,
    ...stored,
    draft: { ...draft, control: { ...empty.draft.control, ...stored.draft?.control } },
    upscale: { ...empty.upscale, ...stored.upscale },
  };
}

export const activeLayer = (document: StudioDocument): Layer | null =>
  document.layers.find((layer) => layer.id === document.activeLayer) ?? null;

/** Everything that a mask or a sketch can lie on. */
export const workArea = (document: StudioDocument): Rect => union(document.bounds, document.frame);
