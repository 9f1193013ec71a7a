/** The job "upscale": a picture file and an upscaler file → the enlarged picture. */
import { openWeights } from '../../../native-models/weights/open.ts';
import { type UpscaleRequest, upscaleRequestSchema } from '../../../preload/request.ts';
import { MAX_PIXELS } from '../../images/codec.ts';
import { badInput } from '../border/failures.ts';
import type { EngineResult } from '../border/protocol.ts';
import type { EngineHost } from '../loading/host.ts';
import { openUpscaler, upscaleImage, upscaleSteps } from '../networks/upscaler.ts';
import type { JobContext } from './context.ts';
import { progressReporter } from './progress.ts';
import { fileOf, readPicture } from './requestFiles.ts';

/** Throws EngineError when a file is missing or the result would be too large, PictureError and WeightsError for bad files. */
export async function upscale(
  host: EngineHost,
  untrusted: UpscaleRequest,
  { settings, signal, onProgress }: JobContext,
): Promise<EngineResult> {
  const { image, upscaler: model, scale, tile } = upscaleRequestSchema.parse(untrusted);
  const progress = progressReporter(onProgress);
  progress.begin('load');
  const picture = await readPicture(image, 'image');
  const upscaler = await openUpscaler(openWeights(fileOf(model, 'upscaler')), await host.session(settings));
  try {
    const factor = Math.max(upscaler.config.scale, scale ?? 0);
    const size = picture.width * picture.height * factor ** 2;
    if (size > MAX_PIXELS)
      throw badInput(
        `The enlarged picture would have ${Math.round(size / 1e6)} megapixels.`,
        `${Math.round(MAX_PIXELS / 1e6)} are the limit; choose a smaller picture.`,
      );
    progress.begin('upscale', upscaleSteps(picture, upscaler, tile));
    const onTile = (): void => progress.advance();
    const enlarged = await upscaleImage(picture, upscaler, {
      tile,
      onTile,
      signal,
      ...(scale !== undefined && { scale }),
    });
    return { kind: 'images', images: [enlarged], seeds: [], notes: [], timings: progress.timings() };
  } finally {
    await upscaler.release();
  }
}
