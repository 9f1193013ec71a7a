/** Pictures for a request, written by the raster worker and stored by the studio. */
import type { ImageRef } from '../../preload/request.ts';
import type { Coverage } from '../document/coverage.ts';
import type { StudioDocument } from '../document/document.ts';
import type { Rect } from '../document/geometry.ts';
import type { Layer } from '../document/layer.ts';
import { studio } from '../stores/studio.ts';
import { askRaster } from '../surfaces/raster.ts';

export interface EditPictures {
  readonly initImage: ImageRef;
  /** Absent when nothing is masked and the frame has no empty part. */
  readonly mask?: ImageRef;
  readonly outpaint: boolean;
  readonly holes: Coverage | null;
}

/** What img2img, inpainting and outpainting start from; null when the frame is empty. */
export async function exportEdit(document: StudioDocument): Promise<EditPictures | null> {
  const whole = wholePicture(document);
  const edit = await askRaster(document, 'edit', { whole: whole !== null });
  if (edit === null) return null;
  const initImage = edit.picture === null ? whole! : await upload(edit.picture);
  const { holes } = edit;
  const outpaint = holes !== null;
  return edit.mask === null
    ? { initImage, outpaint, holes }
    : { initImage, mask: await upload(edit.mask), outpaint, holes };
}

/** The stored picture that is exactly what the frame shows: on top, untouched, opaque, one to one. Keeps the lineage. */
function wholePicture({ layers, frame }: StudioDocument): ImageRef | null {
  const top = layers.findLast((layer) => layer.visible && layer.opacity > 0);
  return top !== undefined && fillsExactly(top, frame) ? top.picture!.image : null;
}

function fillsExactly({ picture, paint, opacity, scale, x, y }: Layer, frame: Rect): boolean {
  if (picture === null || paint.length > 0 || opacity < 1 || scale !== 1 || picture.opaque !== true)
    return false;
  return x === frame.x && y === frame.y && picture.width === frame.width && picture.height === frame.height;
}

/** The sketch as a hint: white lines on black at frame size; null when nothing was drawn. */
export async function exportSketch(document: StudioDocument): Promise<ImageRef | null> {
  if (document.sketch.length === 0) return null;
  const file = await askRaster(document, 'sketch', {});
  return file === null ? null : upload(file);
}

/** A PNG as a stored picture. */
export async function upload(picture: Blob): Promise<ImageRef> {
  const file = new File([picture], 'canvas.png', { type: 'image/png' });
  return (await studio().images.upload({ file })).image;
}
