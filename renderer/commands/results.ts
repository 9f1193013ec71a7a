/** What to do with a result: accept it onto the canvas, discard it, send any picture to the canvas, to the sketch, to Upscale, to the bin. */
import type { Picture } from '../../preload/history.ts';
import { upload } from '../canvas/exporting.ts';
import { reblendOf } from '../canvas/reblend.ts';
import { hintFrom } from '../document/draft.ts';
import { type Layer, type PictureUse, pictureLayer } from '../document/layer.ts';
import {
  type Candidate,
  currentCandidate,
  decideAll,
  hideResults,
  useCandidates,
} from '../stores/candidates.ts';
import { currentDocument, perform, setDraft } from '../stores/document.ts';
import { choosePicture, useHistory } from '../stores/history.ts';
import { attempt } from '../stores/notices.ts';
import { clearSelection } from '../stores/selection.ts';
import { studio } from '../stores/studio.ts';
import { fitBrushes, setMode, showWhole } from '../stores/view.ts';
import { askRaster } from '../surfaces/raster.ts';
import { newLayerId } from './layers.ts';

/** Puts the shown result on the canvas as a layer, with the mask as it is now. */
export async function accept(): Promise<void> {
  const candidate = currentCandidate(useCandidates.getState());
  if (candidate === null) return;
  const layer = await attempt(() => layerOf(candidate));
  if (layer === undefined) return;
  perform({ type: 'picture placed', layer, clearMask: candidate.request.kind === 'inpaint' });
  await decideAll(candidate);
}

async function layerOf(candidate: Candidate): Promise<Layer> {
  const { frame, request } = candidate;
  const name = request.prompt.slice(0, 40) || request.kind;
  return pictureLayer(newLayerId(), name, await pictureOf(candidate), { x: frame.x, y: frame.y });
}

/** The result as it is shown: blended again where its mask has changed since. */
async function pictureOf(candidate: Candidate): Promise<PictureUse> {
  const { frame, image } = candidate;
  const document = currentDocument();
  const wanted = reblendOf(candidate, document);
  const blended = wanted === null ? null : await askRaster(document, 'reblend', { ...wanted, file: true });
  if (blended === null || !('file' in blended))
    return { image, width: frame.width, height: frame.height, opaque: true };
  const { file, width, height } = blended;
  return { image: await upload(file), width, height };
}

export const discard = (): Promise<void> => decideAll(null);

export const asUse = ({ image, width, height }: Picture): PictureUse => ({
  image,
  width,
  height,
  opaque: true,
});

/** A picture becomes a layer; on an empty canvas the frame takes its size. */
export function toCanvas(name: string, picture: PictureUse): void {
  hideResults();
  const document = currentDocument();
  const empty = document.layers.length === 0;
  const at = empty ? { x: 0, y: 0 } : middleOf(picture);
  perform(
    { type: 'picture placed', layer: pictureLayer(newLayerId(), name, picture, at), clearMask: empty },
    'to canvas',
  );
  if (empty)
    perform(
      { type: 'frame moved', frame: { ...at, width: picture.width, height: picture.height } },
      'to canvas',
    );
  if (empty) fitBrushes(Math.max(picture.width, picture.height));
  setMode('edit');
  const { bounds } = currentDocument();
  showWhole(bounds);
}

function middleOf({ width, height }: PictureUse): { x: number; y: number } {
  const { frame } = currentDocument();
  return {
    x: Math.round(frame.x + (frame.width - width) / 2),
    y: Math.round(frame.y + (frame.height - height) / 2),
  };
}

/** A picture becomes what the hint is made of. */
export function toSketch(picture: PictureUse): void {
  hideResults();
  const { control } = currentDocument().draft;
  setDraft({ useSketch: true, control: { ...hintFrom(control, 'picture'), picture } });
  setMode('sketch');
}

/** Into the bin; undo brings them back. */
export function deletePictures(ids: readonly number[]): void {
  perform({ type: 'pictures deleted', ids });
  clearSelection();
  const { chosen } = useHistory.getState();
  if (chosen !== null && ids.includes(chosen.id)) void choosePicture(null);
}

export function restorePictures(ids: readonly number[]): void {
  void attempt(() => studio().history.restore({ ids: [...ids] }));
  clearSelection();
}

export function toUpscale(picture: PictureUse): void {
  perform({ type: 'upscale changed', change: { picture } });
  setMode('upscale');
}
