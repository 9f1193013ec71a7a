/** The result that waits, or the running step's preview, in its place on the canvas. */
import Konva from 'konva';
import type { Rect } from '../document/geometry.ts';
import type { Candidate } from '../stores/candidates.ts';
import { pictureNow } from '../surfaces/pictures.ts';

/** A preview while the job runs, at latent size. */
export interface Preview {
  readonly url: string;
  readonly frame: Rect;
}

export function resultView(group: Konva.Group, changed: () => void) {
  const node = new Konva.Image({ image: undefined, listening: false, visible: false });
  const previewNode = smoothImage();
  group.add(node, previewNode);
  const previewImage = new Image();
  let preview: Preview | null = null;
  previewImage.addEventListener('load', () => {
    if (preview === null) return;
    previewNode.setAttrs({ image: previewImage, ...preview.frame, visible: true });
    node.visible(false);
    changed();
  });

  return {
    /** `zoom` is device pixels per document pixel. */
    show(
      candidate: Candidate | null,
      running: Preview | null,
      blended: ImageBitmap | null,
      zoom: number,
    ): void {
      if (running !== null) {
        if (preview?.url !== running.url) previewImage.src = running.url;
        preview = running;
        return;
      }
      preview = null;
      const bitmap = candidate === null ? null : (blended ?? pictureNow(candidate.image, zoom));
      if (candidate === null) node.visible(false);
      // While its pixels are on their way, the last preview stays.
      else if (bitmap !== null) node.setAttrs({ image: bitmap, ...candidate.frame, visible: true });
      previewNode.visible(candidate !== null && bitmap === null && previewNode.visible());
    },
  };
}

/** An image that is drawn softly at any zoom: a preview has a pixel where the picture will have 8 × 8. */
function smoothImage(): Konva.Image {
  const node = new Konva.Image({ image: undefined, listening: false, visible: false });
  node.sceneFunc((context, shape) => {
    const image = (shape as Konva.Image).image();
    if (image === undefined) return;
    const canvas = context._context;
    canvas.imageSmoothingEnabled = true;
    canvas.imageSmoothingQuality = 'high';
    canvas.drawImage(image, 0, 0, shape.width(), shape.height());
  });
  return node;
}
