/** Aspect buckets: the few picture sizes of a run, all of about the same area, and which suits a picture best. */

import { TrainingError } from './trainingError.ts';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Sides are between half and twice the resolution, as in kohya's trainer. */
const SHORTEST = 1 / 2;
const LONGEST = 2;

/**
 * All sizes whose sides are multiples of `step` and whose area is at most resolution². `step` is what the VAE and the
 * U-Net can halve all the way down: 8·2^(levels − 1), 64 for Stable Diffusion.
 */
export function bucketSizes(resolution: number, step: number): PictureSize[] {
  const area = resolution ** 2;
  const sizes: PictureSize[] = [];
  for (let width = step; width <= LONGEST * resolution; width += step) {
    const height = Math.min(Math.floor(area / width / step) * step, LONGEST * resolution);
    if (Math.min(width, height) >= SHORTEST * resolution) sizes.push({ width, height });
  }
  return sizes;
}

/** The bucket with the nearest aspect; of equal ones the largest. Throws TrainingError when the resolution allows none. */
export function nearestBucket({ width, height }: PictureSize, buckets: readonly PictureSize[]): PictureSize {
  const aspect = Math.log(width / height);
  const distance = (bucket: PictureSize): number => Math.abs(Math.log(bucket.width / bucket.height) - aspect);
  const area = (bucket: PictureSize): number => bucket.width * bucket.height;
  const best = buckets.toSorted((a, b) => distance(a) - distance(b) || area(b) - area(a))[0];
  if (!best) throw new TrainingError('the resolution is too small for this model; use at least 64');
  return best;
}

/** Size to which a picture is scaled so that it covers the bucket, and where the bucket lies in it (the middle). */
export function coverBucket(
  picture: PictureSize,
  bucket: PictureSize,
): PictureSize & { x: number; y: number } {
  const scale = Math.max(bucket.width / picture.width, bucket.height / picture.height);
  const width = Math.max(bucket.width, Math.round(picture.width * scale));
  const height = Math.max(bucket.height, Math.round(picture.height * scale));
  return { width, height, x: (width - bucket.width) >> 1, y: (height - bucket.height) >> 1 };
}
