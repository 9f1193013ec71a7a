/** The job "embed": pictures and texts → unit vectors whose dot product says how well they go together. */
import { CLIP_DEVIATION, CLIP_MEAN } from '../../../native-models/models/configs.ts';
import { decodePixels } from '../../images/codec.ts';
import { crop } from '../../images/compose.ts';
import { normalised } from '../../images/normalise.ts';
import { type Pixels, toTensor, withoutAlpha } from '../../images/pixels.ts';
import { resizePixels } from '../../images/resample.ts';
import type { EngineJob, EngineResult } from '../border/protocol.ts';
import type { EngineHost } from '../loading/host.ts';
import { openClipPair } from '../networks/clipPair.ts';
import type { JobContext } from './context.ts';
import { progressReporter } from './progress.ts';

const CLIP_COLOURS = { mean: CLIP_MEAN, deviation: CLIP_DEVIATION } as const;

/** Of a picture that is brought to size whole. */
const LARGEST_ASPECT = 8;

/** Pictures that go through the tower together. */
const BATCH = 8;

/** Throws PictureError for a picture that cannot be read, WeightsError for a model without both towers. */
export async function embed(
  host: EngineHost,
  { model, images, texts }: Extract<EngineJob, { kind: 'embed' }>,
  { settings, signal, onProgress }: JobContext,
): Promise<EngineResult> {
  const progress = progressReporter(onProgress);
  progress.begin('load');
  const pair = openClipPair(model, await host.session(settings));
  try {
    progress.begin('embed', images.length + texts.length);
    const ofImages: Float32Array[] = [];
    const ofTexts: Float32Array[] = [];
    for (let from = 0; from < images.length; from += BATCH) {
      signal.throwIfAborted();
      const paths = images.slice(from, from + BATCH);
      const pictures = await Promise.all(paths.map((path) => readSquare(path, pair.imageSize)));
      ofImages.push(...(await pair.embedImages(normalised(toTensor(pictures, 'unit'), CLIP_COLOURS))));
      for (const _ of paths) progress.advance();
    }
    for (const text of texts) {
      signal.throwIfAborted();
      ofTexts.push(await pair.embedText(text));
      progress.advance();
    }
    return { kind: 'embeddings', images: ofImages, texts: ofTexts };
  } finally {
    await pair.release();
  }
}

async function readSquare(path: string, side: number): Promise<Pixels> {
  return centreSquare(withoutAlpha(await decodePixels(path)), side);
}

/** CLIP's own way: the shorter side becomes `side` (bicubic), the middle is kept. */
export function centreSquare(whole: Pixels, side: number): Pixels {
  const picture = middlePart(whole);
  const { width, height } = picture;
  const scaled = (length: number): number => Math.trunc((side * length) / Math.min(width, height));
  const resized = resizePixels(picture, scaled(width), scaled(height), 'bicubic');
  const x = Math.trunc((resized.width - side) / 2);
  const y = Math.trunc((resized.height - side) / 2);
  return crop(resized, { x, y, width: side, height: side });
}

/** A strip of one pixel by thousands would grow beyond memory; what is far from the middle is cut off anyway. */
function middlePart(picture: Pixels): Pixels {
  const limit = LARGEST_ASPECT * Math.min(picture.width, picture.height);
  const [width, height] = [Math.min(picture.width, limit), Math.min(picture.height, limit)];
  const x = Math.trunc((picture.width - width) / 2);
  const y = Math.trunc((picture.height - height) / 2);
  return width * height === picture.width * picture.height ? picture : crop(picture, { x, y, width, height });
}
