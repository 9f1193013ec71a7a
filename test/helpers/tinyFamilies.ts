/** Tiny SD 2 and SDXL checkpoints, put together from the reference data and a vocabulary of the real size. */
import { join } from 'node:path';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import {
  floatSource,
  type TensorSource,
  writeSafetensors,
} from '../../native-models/weights/safetensorsWriter.ts';
import { readTensor, type TensorInfo } from '../../native-models/weights/tensors.ts';
import { GOLDEN_DIR } from './golden.ts';
import { TINY_CHECKPOINT } from './tinyModel.ts';

/** CLIP's own; the reference encoders have 600 tokens. */
const VOCABULARY = 49_408;

export type TinyFamily = 'sd2' | 'sdxl';

/** Writes the checkpoint below `folder` and returns its path. */
export async function writeTinyFamily(
  family: TinyFamily,
  folder: string,
  metadata: Readonly<Record<string, string>> = {},
): Promise<string> {
  const path = join(folder, `${family}-tiny.safetensors`);
  const files = [
    join(GOLDEN_DIR, `ldm-unet-${family}`, 'weights.safetensors'),
    join(GOLDEN_DIR, 'clip-text', `${family}_weights.safetensors`),
    TINY_CHECKPOINT,
  ];
  const tensors = files.flatMap((file, index) =>
    [...openSafetensors(file).tensors.values()].filter(
      ({ name }) => index < 2 || name.startsWith('first_stage_model.'),
    ),
  );
  const config = JSON.stringify({ unet: { headChannels: 16 } });
  await writeSafetensors(path, tensors.map(sourceOf), { 'emulsion.config': config, ...metadata });
  return path;
}

function sourceOf(info: TensorInfo): TensorSource {
  if (!info.name.endsWith('token_embedding.weight')) return { ...info, read: () => readTensor(info) };
  const shape = [VOCABULARY, info.shape[1]!];
  const table = Float32Array.from({ length: shape[0]! * shape[1]! }, (_, i) => 0.1 * Math.sin(i * 12.9898));
  return floatSource(info.name, shape, table, 'F16');
}
