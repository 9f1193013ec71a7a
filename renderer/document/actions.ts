/** Actions: plain data in, the next document and its inverse delta out. */
import { castDraft, type Draft as Editable, enablePatches, type Patch, produceWithPatches } from 'immer';
import type { SketchStroke, StudioDocument, TakenOff, UpscaleDraft } from './document.ts';
import type { Draft } from './draft.ts';
import { clamp, type Rect, SIZE_STEP, snap, union } from './geometry.ts';
import { type Layer, layerBounds, type PaintOperation } from './layer.ts';
import { EMPTY_MASK, type MaskOperation } from './mask.ts';
import { PICTURE_LIMIT, type TrainingPicture, type TrainingSettings } from './training.ts';

enablePatches();

/** Smallest and largest edge of a frame in pixels (those of a request). */
const FRAME_MIN = 64;
const FRAME_MAX = 4096;

export type LayerChange = Partial<Pick<Layer, 'name' | 'x' | 'y' | 'scale' | 'opacity' | 'visible'>>;

export type Action =
  /** Right above the active layer. */
  | { readonly type: 'layer added'; readonly layer: Layer }
  | { readonly type: 'layer removed'; readonly id: string }
  | { readonly type: 'layer changed'; readonly id: string; readonly change: LayerChange }
  | { readonly type: 'layer raised'; readonly id: string; readonly by: 1 | -1 }
  | { readonly type: 'layer chosen'; readonly id: string }
  | { readonly type: 'layer painted'; readonly id: string; readonly operation: PaintOperation }
  | { readonly type: 'mask painted'; readonly operation: MaskOperation }
  | { readonly type: 'mask shaped'; readonly grow?: number; readonly feather?: number }
  | { readonly type: 'mask cleared' }
  | { readonly type: 'sketch painted'; readonly stroke: SketchStroke }
  | { readonly type: 'sketch cleared' }
  | { readonly type: 'frame moved'; readonly frame: Rect }
  | { readonly type: 'draft changed'; readonly change: Partial<Draft> }
  /** A first picture, or a result: becomes the topmost layer; the document grows to hold it. */
  | { readonly type: 'picture placed'; readonly layer: Layer; readonly clearMask: boolean }
  | { readonly type: 'upscale changed'; readonly change: Partial<UpscaleDraft> }
  | { readonly type: 'training changed'; readonly change: Partial<TrainingSettings> }
  | { readonly type: 'training pictures added'; readonly pictures: readonly TrainingPicture[] }
  | { readonly type: 'training picture captioned'; readonly id: string; readonly caption: string }
  | { readonly type: 'training picture removed'; readonly id: string }
  | { readonly type: 'pictures deleted'; readonly ids: readonly number[] }
  | ({ readonly type: 'pictures taken off' } & TakenOff);

export type ActionType = Action['type'];

/** What an action changed, and how to change it back: both apply with `applyPatches`. */
export interface Change {
  readonly document: StudioDocument;
  readonly forward: readonly Patch[];
  readonly backward: readonly Patch[];
}

/** The only way a document changes. An action that names a missing layer changes nothing. */
export function applyAction(document: StudioDocument, action: Action): Change {
  const [next, forward, backward] = produceWithPatches(document, (draft) => {
    change(draft, action);
  });
  return { document: next, forward, backward };
}

function change(draft: Editable<StudioDocument>, action: Action): void {
  switch (action.type) {
    case 'layer added':
      addLayer(draft, action.layer);
      break;
    case 'layer removed':
    case 'layer changed':
    case 'layer raised':
    case 'layer chosen':
    case 'layer painted':
      changeLayer(draft, action);
      break;
    case 'mask painted':
      draft.mask.operations.push(castDraft(action.operation));
      break;
    case 'mask shaped':
      if (action.grow !== undefined) draft.mask.grow = clamp(action.grow, -256, 256);
      if (action.feather !== undefined) draft.mask.feather = clamp(action.feather, 0, 256);
      break;
    case 'mask cleared':
      draft.mask.operations = [];
      break;
    case 'sketch painted':
      draft.sketch.push(castDraft(action.stroke));
      break;
    case 'sketch cleared':
      draft.sketch = [];
      break;
    case 'frame moved':
      setFrame(draft, action.frame);
      break;
    case 'draft changed':
      changeDraft(draft, action.change);
      break;
    case 'picture placed':
      placePicture(draft, action.layer, action.clearMask);
      break;
    case 'upscale changed':
      Object.assign(draft.upscale, action.change);
      break;
    case 'training changed':
    case 'training pictures added':
    case 'training picture captioned':
    case 'training picture removed':
      changeTraining(draft, action);
      break;
    case 'pictures deleted':
      draft.deletedPictures.push(...action.ids);
      break;
    case 'pictures taken off':
      draft.takenOff.push({ boardId: action.boardId, ids: [...action.ids] });
      break;
  }
}

type TrainingAction = Extract<Action, { type: `training ${string}` }>;
function changeTraining({ training }: Editable<StudioDocument>, action: TrainingAction): void {
  if (action.type === 'training changed') Object.assign(training.settings, action.change);
  else if (action.type === 'training pictures added') {
    const room = PICTURE_LIMIT - training.pictures.length;
    training.pictures.push(...castDraft(action.pictures).slice(0, Math.max(0, room)));
  } else {
    const index = training.pictures.findIndex(({ id }) => id === action.id);
    const picture = training.pictures[index];
    if (picture === undefined) return;
    if (action.type === 'training picture captioned') picture.caption = action.caption;
    else training.pictures.splice(index, 1);
  }
}

function addLayer(draft: Editable<StudioDocument>, layer: Layer): void {
  const active = draft.layers.findIndex(({ id }) => id === draft.activeLayer);
  draft.layers.splice(active < 0 ? draft.layers.length : active + 1, 0, castDraft(layer));
  draft.activeLayer = layer.id;
}

type LayerAction = Extract<Action, { type: `layer ${string}`; id: string }>;
function changeLayer(draft: Editable<StudioDocument>, action: LayerAction): void {
  const index = draft.layers.findIndex((layer) => layer.id === action.id);
  const layer = draft.layers[index];
  if (layer === undefined) return;
  if (action.type === 'layer chosen') draft.activeLayer = action.id;
  else if (action.type === 'layer changed') Object.assign(layer, action.change);
  else if (action.type === 'layer painted') layer.paint.push(castDraft(action.operation));
  else if (action.type === 'layer raised') {
    draft.layers.splice(index, 1);
    draft.layers.splice(clamp(index + action.by, 0, draft.layers.length), 0, layer);
  } else {
    draft.layers.splice(index, 1);
    if (draft.activeLayer === action.id) draft.activeLayer = draft.layers.at(-1)?.id ?? null;
  }
}

/** The frame and the draft's width and height are one thing seen from two sides. */
function setFrame(draft: Editable<StudioDocument>, frame: Rect): void {
  const size = (value: number) => clamp(snap(value, SIZE_STEP), FRAME_MIN, FRAME_MAX);
  const next = {
    x: Math.round(frame.x),
    y: Math.round(frame.y),
    width: size(frame.width),
    height: size(frame.height),
  };
  Object.assign(draft.frame, next);
  draft.draft.width = next.width;
  draft.draft.height = next.height;
}

function changeDraft(draft: Editable<StudioDocument>, patch: Partial<Draft>): void {
  Object.assign(draft.draft, patch);
  if (patch.width === undefined && patch.height === undefined) return;
  const { frame } = draft;
  const { width, height } = draft.draft;
  setFrame(draft, { x: frame.x, y: frame.y, width, height });
  if (draft.layers.length === 0) draft.bounds = { ...draft.frame };
}

function placePicture(draft: Editable<StudioDocument>, layer: Layer, clearMask: boolean): void {
  const place = layerBounds(layer);
  draft.bounds = draft.layers.length === 0 ? place : union(draft.bounds, place);
  draft.layers.push(castDraft(layer));
  draft.activeLayer = layer.id;
  if (clearMask) draft.mask.operations = castDraft(EMPTY_MASK.operations);
}
