/**
 * Memory mode "cached": a float32 copy of a checkpoint beside the app's data. ONNX Runtime maps it into memory, so
 * opening takes no conversion, pages are shared between sessions and given back under pressure.
 */
import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TensorSource, writeSafetensors } from '../../../native-models/weights/safetensorsWriter.ts';
import { isFloat, readTensorFloat32, type TensorInfo } from '../../../native-models/weights/tensors.ts';
import { cacheProblem, copyAt } from './cacheFolder.ts';
import { type CheckpointParts, checkpointOf, type OpenedCheckpoint } from './checkpoint.ts';

/** `checkpoint` with its weights in float32, from a copy in the cache folder. */
export async function cachedWeights(
  checkpoint: OpenedCheckpoint,
  cacheDir: string,
  signal: AbortSignal,
  limit?: number,
): Promise<OpenedCheckpoint> {
  const path = cachePath(checkpoint.path, cacheDir);
  const make = (): Promise<void> =>
    writeSafetensors(path, float32Sources(checkpoint.parts, signal), { 'emulsion.cache': 'float32' });
  const tensors = await copyAt(path, make, limit);
  const below = (prefix: string): Map<string, TensorInfo> =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, info]) => [name.slice(prefix.length), info]),
    );
  const parts: CheckpointParts = {
    unet: below('unet.'),
    vae: below('vae.'),
    textEncoders: checkpoint.parts.textEncoders.map((_, index) => below(`text${index}.`)),
  };
  return checkpointOf(path, checkpoint.config, parts, checkpoint.target);
}

/** As `cachedWeights`, or the checkpoint itself where the folder takes no file; `problem` is why, as half a sentence. */
export async function copyOrOriginal(
  checkpoint: OpenedCheckpoint,
  cacheDir: string,
  signal: AbortSignal,
): Promise<{ readonly checkpoint: OpenedCheckpoint; readonly problem?: string }> {
  try {
    return { checkpoint: await cachedWeights(checkpoint, cacheDir, signal) };
  } catch (error) {
    const problem = cacheProblem(cacheDir, error);
    if (problem === undefined) throw error;
    return { checkpoint, problem };
  }
}

/** Where the copy of a checkpoint is; a file is known by where it is, how long it is and when it was written. */
export function cachePath(path: string, cacheDir: string): string {
  const real = realpathSync(path);
  const { size, mtimeMs } = statSync(real);
  const key = createHash('sha256').update(`${real}\n${size}\n${mtimeMs}`).digest('hex').slice(0, 32);
  return join(cacheDir, `${key}.f32.safetensors`);
}

function float32Sources(parts: CheckpointParts, signal: AbortSignal): TensorSource[] {
  const named = [
    ...prefixed('unet.', parts.unet),
    ...prefixed('vae.', parts.vae),
    ...parts.textEncoders.flatMap((part, index) => prefixed(`text${index}.`, part)),
  ];
  return named.map(([name, info]) => ({
    name,
    dtype: 'F32',
    shape: info.shape,
    read: () => {
      signal.throwIfAborted();
      const values = readTensorFloat32(info);
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    },
  }));
}

function prefixed(prefix: string, part: ReadonlyMap<string, TensorInfo>): [string, TensorInfo][] {
  return [...part].filter(([, info]) => isFloat(info.dtype)).map(([name, info]) => [prefix + name, info]);
}
