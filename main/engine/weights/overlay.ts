/**
 * LoRAs that cannot run live, merged: a small float32 file of just the touched tensors, which take the place of the
 * checkpoint's own when its graphs are built. Made once per checkpoint, files and weights, and found again by its name.
 */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { MergedModule } from '../../../native-models/lora/bind.ts';
import { mergedBias, mergedWeight } from '../../../native-models/lora/merge.ts';
import type { LoraNetwork, Site } from '../../../native-models/lora/sites.ts';
import type { CanonicalTensors } from '../../../native-models/weights/keys.ts';
import {
  floatSource,
  type TensorSource,
  writeSafetensors,
} from '../../../native-models/weights/safetensorsWriter.ts';
import { readTensorFloat32, type TensorInfo } from '../../../native-models/weights/tensors.ts';
import { sizeOf } from '../../pipeline/tensor.ts';
import { badInput } from '../border/failures.ts';
import { cacheProblem, copyAt } from './cacheFolder.ts';
import type { CheckpointParts } from './checkpoint.ts';
import { stampOf } from './stamp.ts';

/** A change of weights that cannot run live, with its share. */
export interface WeightedMerge {
  readonly module: MergedModule;
  readonly weight: number;
}

/** Where the overlay of a checkpoint lies. `parts` are the checkpoint's own: a float32 copy changes whenever it is used. */
export function overlayPath(
  parts: CheckpointParts,
  merges: readonly WeightedMerge[],
  cacheDir: string,
): string {
  return join(cacheDir, `${overlayKey(parts, merges)}.overlay.safetensors`);
}

/**
 * `parts` with `merges` in their weights, from a copy at `path`. Throws WeightsError when a change does not fit its layer, bad input when the cache
 * folder takes no file: nothing else can stand in for the merged weights.
 */
export async function overlaid(
  parts: CheckpointParts,
  merges: readonly WeightedMerge[],
  path: string,
  signal: AbortSignal,
): Promise<CheckpointParts> {
  if (merges.length === 0) return parts;
  const make = (): Promise<void> => writeSafetensors(path, overlaySources(parts, merges, signal));
  const tensors = await copyAt(path, make).catch((error: unknown) => {
    const problem = cacheProblem(dirname(path), error);
    if (problem === undefined) throw error;
    throw badInput(
      `A LoRA of this request is merged into the model's weights, and ${problem}.`,
      'Make room there, or leave that LoRA out.',
    );
  });
  const over = (part: CanonicalTensors, network: LoraNetwork): CanonicalTensors => {
    const own = [...tensors].filter(([name]) => name.startsWith(`${network}:`));
    return new Map([...part, ...own.map(([name, info]) => [name.slice(network.length + 1), info] as const)]);
  };
  return {
    ...parts,
    unet: over(parts.unet, 'unet'),
    textEncoders: parts.textEncoders.map((part, index) => over(part, `textEncoder.${index}`)),
  };
}

/** What identifies the merged weights: the files by place, size and time, and the weight of every module. */
export function overlayKey(parts: CheckpointParts, merges: readonly WeightedMerge[]): string {
  const base = [parts.unet, ...parts.textEncoders].flatMap((part) => [...part.values()].slice(0, 1));
  const files = new Set(
    [...base, ...merges.flatMap(({ module }) => Object.values(module.tensors))].map(({ path }) => path),
  );
  const uses = merges.map(({ module, weight }) => [
    module.site.network,
    module.site.path,
    Object.values(module.tensors).map(({ name }) => name),
    weight,
  ]);
  return createHash('sha256')
    .update(JSON.stringify([[...files].map(stampOf), uses]))
    .digest('hex')
    .slice(0, 32);
}

/** One source per touched tensor; several LoRAs on the same layer are merged one after the other. */
function overlaySources(
  parts: CheckpointParts,
  merges: readonly WeightedMerge[],
  signal: AbortSignal,
): TensorSource[] {
  const bySite = Map.groupBy(merges, ({ module }) => module.site);
  return [...bySite].flatMap(([site, own]) => {
    const biased = own.filter(({ module }) => module.tensors.biasDiff);
    const weight = sourceOf(parts, site, 'weight', (base) => {
      signal.throwIfAborted();
      return own.reduce((values, { module, weight: share }) => mergedWeight(module, values, share), base);
    });
    if (biased.length === 0) return [weight];
    const bias = sourceOf(parts, site, 'bias', (base) =>
      biased.reduce((values, { module, weight: share }) => mergedBias(module, values, share), base),
    );
    return [weight, bias];
  });
}

function sourceOf(
  parts: CheckpointParts,
  { network, path, shape }: Site,
  kind: 'weight' | 'bias',
  merge: (base: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer>,
): TensorSource {
  const part = network === 'unet' ? parts.unet : parts.textEncoders[Number(network.split('.')[1])]!;
  const info: TensorInfo | undefined = part.get(`${path}.${kind}`);
  const stored = info?.shape ?? (kind === 'bias' ? shape.slice(0, 1) : shape);
  const size = sizeOf(stored);
  const read = (): Uint8Array => {
    const base = info ? readTensorFloat32(info) : new Float32Array(size);
    return floatSource('', stored, merge(base)).read();
  };
  return { name: `${network}:${path}.${kind}`, dtype: 'F32', shape: stored, read };
}
