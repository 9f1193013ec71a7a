/** The result that waits, or the running step's preview, in its place on the canvas; blended again when the mask changes. */
import Konva from 'konva';
import type { ImageRef } from '../../preload/request.ts';
import { cutOut, type Pixels, unblend } from '../document/blend.ts';
import type { Coverage } from '../document/coverage.ts';
import type { StudioDocument } from '../document/document.ts';
import type { Rect } from '../document/geometry.ts';
import { cropCoverage } from '../document/mask.ts';
import { soften } from '../document/morphology.ts';
import { type Candidate, useCandidates } from '../stores/candidates.ts';
import { showError } from '../stores/notices.ts';
import { loadPicture, pictureNow } from '../surfaces/pictures.ts';

/** A preview while the job runs, at latent size. */
export interface Preview {
  readonly url: string;
  readonly frame: Rect;
}

export function resultView(group: Konva.Group, changed: () => void) {
  const node = new Konva.Image({ image: undefined, listening: false, visible: false });
  group.add(node);
  const previewImage = new Image();
  let preview: Preview | null = null;
  previewImage.addEventListener('load', () => {
    if (preview === null) return;
    node.setAttrs({ image: previewImage, ...preview.frame, visible: true });
    changed();
  });

  return {
    show(candidate: Candidate | null, running: Preview | null, blended: CanvasImageSource | null): void {
      if (running !== null) {
        if (preview?.url !== running.url) previewImage.src = running.url;
        preview = running;
        return;
      }
      preview = null;
      const bitmap = candidate === null ? null : (blended ?? pictureNow(candidate.image));
      if (candidate === null) node.visible(false);
      // While its pixels are on their way, the last preview stays.
      else if (bitmap !== null) node.setAttrs({ image: bitmap, ...candidate.frame, visible: true });
    },
  };
}

interface Made {
  readonly jobId: number;
  readonly pictureId: number;
  readonly pixels: Pixels;
}

/** Blends an inpainted result again with the mask as it is now; null when it is as it was sent (nothing to do). */
export function reblender() {
  let made: Made | null = null;
  return async (candidate: Candidate, document: StudioDocument, raw: Coverage): Promise<Pixels | null> => {
    const sent = useCandidates.getState().sent.get(candidate.jobId);
    const { request } = candidate;
    if (sent === undefined || request.kind !== 'inpaint' || sent.mask === document.mask) return null;
    if (made?.pictureId !== candidate.pictureId) {
      const [result, source, mask] = await Promise.all(
        [candidate.image, request.initImage, request.mask].map(pixelsOf),
      );
      const pixels = unblend(result!, source!, coverageOf(mask!, candidate.frame));
      made = { jobId: candidate.jobId, pictureId: candidate.pictureId, pixels };
    }
    const soft = soften(cropCoverage(raw, candidate.frame), document.mask);
    return cutOut(made.pixels, withHoles(soft, sent.holes));
  };
}

function withHoles(mask: Coverage, holes: Coverage | null): Coverage {
  if (holes === null) return mask;
  return { area: mask.area, data: mask.data.map((value, i) => Math.max(value, holes.data[i]!)) };
}

/** A picture's pixels by way of a canvas. */
async function pixelsOf(image: ImageRef): Promise<Pixels> {
  const bitmap = await loadPicture(image);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

const coverageOf = ({ width, height, data }: Pixels, frame: Rect): Coverage => ({
  area: { x: frame.x, y: frame.y, width, height },
  data: Float32Array.from({ length: width * height }, (_, i) => data[i * 4]! / 255),
});

/** Pixels as something that can be drawn. */
export function drawable({ width, height, data }: Pixels): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}

/** Runs the newest of several requests only, one after another. */
export function latest<T>(work: () => Promise<T>, done: (value: T) => void): () => void {
  let running = false;
  let again = false;
  const start = async () => {
    running = true;
    do {
      again = false;
      await work().then(done, showError);
    } while (again);
    running = false;
  };
  return () => {
    again = true;
    if (!running) void start();
  };
}
