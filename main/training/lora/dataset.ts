/** The pictures of a run: found in a folder with their captions, put in buckets, encoded (latents stay in the run's folder). */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { openSafetensors } from '../../../native-models/weights/safetensors.ts';
import { floatSource, writeSafetensors } from '../../../native-models/weights/safetensorsWriter.ts';
import { readFloat32 } from '../../../native-models/weights/tensors.ts';
import type { LoraTrainingRequest } from '../../../preload/training.ts';
import { decodePixels } from '../../images/codec.ts';
import { crop } from '../../images/compose.ts';
import { type Pixels, pixelsOf, toTensor } from '../../images/pixels.ts';
import { resizePixels } from '../../images/resample.ts';
import { type Tensor, tensor } from '../../pipeline/tensor.ts';
import type { BaseModel } from './baseModel.ts';
import { bucketSizes, coverBucket, nearestBucket, type PictureSize } from './buckets.ts';
import { TrainingError } from './trainingError.ts';

export interface TrainingPicture {
  readonly path: string;
  readonly caption: string;
  readonly bucket: PictureSize;
  /** [1, 4, H/8, W/8]; the second is mirrored, where the run flips. */
  readonly latents: readonly Tensor[];
}

/**
 * Reads and encodes all pictures; latents already in `cacheFolder` are taken from there.
 * Throws PictureError for a file that is no picture, the signal's reason when aborted.
 */
export async function loadPictures(
  request: LoraTrainingRequest,
  model: BaseModel,
  cacheFolder: string,
  { onPicture, signal }: { onPicture?: (done: number) => void; signal?: AbortSignal },
): Promise<TrainingPicture[]> {
  mkdirSync(cacheFolder, { recursive: true });
  const buckets = bucketSizes(request.resolution, pixelStep(model));
  const pictures: TrainingPicture[] = [];
  for (const { path, caption } of request.pictures) {
    signal?.throwIfAborted();
    const pixels = await decodePixels(path, { channels: 3 });
    const bucket = nearestBucket(pixels, buckets);
    const views = request.flip ? VIEWS : VIEWS.slice(0, 1);
    const latents: Tensor[] = [];
    for (const { name, view } of views) {
      const key = cacheKey(model.path, path, bucket, name);
      latents.push(
        await cached(join(cacheFolder, key), () =>
          model.encodeImage(toTensor([view(pixels, bucket)], 'signed')),
        ),
      );
    }
    pictures.push({ path, bucket, latents, caption: caption.trim() || request.triggerWord });
    onPicture?.(pictures.length);
  }
  return pictures;
}

const VIEWS = [
  { name: 'plain', view: fitted },
  { name: 'mirrored', view: mirrored },
] as const;

/** Sides must be halved by the VAE three times and by the U-Net once per level. */
function pixelStep({ config }: BaseModel): number {
  return 8 * 2 ** (config.unet.channelMult.length - 1);
}

/** Scaled to cover the bucket, the middle cut out. */
function fitted(pixels: Pixels, bucket: PictureSize): Pixels {
  const { width, height, x, y } = coverBucket(pixels, bucket);
  return crop(resizePixels(pixels, width, height, 'lanczos'), { ...bucket, x, y });
}

function mirrored(pixels: Pixels, bucket: PictureSize): Pixels {
  const { width, height, channels, data } = fitted(pixels, bucket);
  const out = new Uint8Array(data.length);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const column = pixel % width;
    const from = channels * (pixel - column + (width - 1 - column));
    for (let c = 0; c < channels; c++) out[channels * pixel + c] = data[from + c]!;
  }
  return pixelsOf(out, width, height, channels);
}

/** A latent belongs to a checkpoint, a picture's bytes, a size and a direction. */
function cacheKey(checkpoint: string, picture: string, { width, height }: PictureSize, view: string): string {
  const hash = createHash('sha256').update(readFileSync(picture));
  hash.update(`\n${checkpoint}\n${width}×${height}\n${view}`);
  return `${hash.digest('hex').slice(0, 32)}.safetensors`;
}

async function cached(path: string, encode: () => Promise<Tensor>): Promise<Tensor> {
  if (existsSync(path)) {
    const file = openSafetensors(path);
    return tensor(readFloat32(file, 'latent'), file.tensors.get('latent')!.shape);
  }
  const latent = await encode();
  await writeSafetensors(path, [floatSource('latent', latent.shape, latent.data)]);
  return latent;
}

const PICTURES = /\.(png|jpe?g|webp|avif|gif|tiff?)$/i;
const CAPTIONS = ['.txt', '.caption'];
const MAX_CAPTION = 2000;

/** Pictures by name, with their captions; `caption` for those without a text file. Throws TrainingError when there are none. */
export function pictureFolder(folder: string, caption = ''): LoraTrainingRequest['pictures'] {
  const names = namesIn(folder);
  const pictures = names.filter((name) => PICTURES.test(name)).sort();
  if (pictures.length === 0)
    throw new TrainingError(
      `${folder}: there are no pictures in it; name a folder with PNG, JPEG or WebP files`,
    );
  return pictures.map((name) => {
    const stem = name.slice(0, -extname(name).length);
    const text = CAPTIONS.map((ending) => stem + ending).find((file) => names.includes(file));
    const own = text === undefined ? caption : readFileSync(join(folder, text), 'utf8').trim();
    return { path: join(folder, name), caption: own.slice(0, MAX_CAPTION) };
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    throw new TrainingError(`${folder}: this folder cannot be read; check its name and permissions`);
  }
}
