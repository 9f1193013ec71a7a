/** Which pictures are seen at which step: every picture `repeats` times an epoch, each batch from one bucket. */
import type { LoraTrainingRequest } from '../../../preload/training.ts';
import { hash, type Rng, rng } from '../random.ts';
import type { PictureSize } from './buckets.ts';

export interface PlannedBatch {
  readonly bucket: PictureSize;
  /** Indices of pictures, as many as the batch has places. */
  readonly pictures: readonly number[];
}

export interface Plan {
  readonly batchesPerEpoch: number;
  /** Buckets in use and how many pictures each has. */
  readonly buckets: readonly { readonly bucket: PictureSize; readonly pictures: readonly number[] }[];
  /** The same for the same request and step, whatever was run before. */
  batchAt(step: number): PlannedBatch;
}

/** The plan for pictures of which the i-th belongs to `buckets[i]`; there must be one. */
export function planBatches(
  buckets: readonly PictureSize[],
  { batch, repeats, seed }: Pick<LoraTrainingRequest, 'batch' | 'repeats' | 'seed'>,
): Plan {
  const groups = groupByBucket(buckets);
  const counts = groups.map(({ pictures }) => Math.ceil((pictures.length * repeats) / batch));
  const batchesPerEpoch = counts.reduce((sum, count) => sum + count, 0);
  let current: { epoch: number; batches: PlannedBatch[] } | undefined;
  return {
    batchesPerEpoch,
    buckets: groups,
    batchAt(step) {
      const epoch = Math.floor(step / batchesPerEpoch);
      if (current?.epoch !== epoch)
        current = {
          epoch,
          batches: epochBatches(groups, { batch, repeats }, rng(hash('epoch', seed, epoch))),
        };
      return current.batches[step % batchesPerEpoch]!;
    },
  };
}

function groupByBucket(buckets: readonly PictureSize[]): { bucket: PictureSize; pictures: number[] }[] {
  const groups = new Map<string, { bucket: PictureSize; pictures: number[] }>();
  for (const [index, bucket] of buckets.entries()) {
    const key = `${bucket.width}×${bucket.height}`;
    const group = groups.get(key) ?? { bucket, pictures: [] };
    group.pictures.push(index);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Buckets stay together within an epoch: each has a graph of its own, and changing graphs takes seconds. */
function epochBatches(
  groups: Plan['buckets'],
  { batch, repeats }: { batch: number; repeats: number },
  random: Rng,
): PlannedBatch[] {
  return shuffled(groups, random).flatMap(({ bucket, pictures }) => {
    const order = shuffled(
      Array.from({ length: pictures.length * repeats }, (_, i) => pictures[i % pictures.length]!),
      random,
    );
    const count = Math.ceil(order.length / batch);
    return Array.from({ length: count }, (_, index) => ({
      bucket,
      // The last batch is filled up from the beginning.
      pictures: Array.from({ length: batch }, (_, place) => order[(index * batch + place) % order.length]!),
    }));
  });
}

/** Fisher–Yates. */
function shuffled<T>(items: readonly T[], random: Rng): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random.next() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
