/** The tiny SD 1.x checkpoint of the reference data, and requests that suit it. */
import { join } from 'node:path';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { writeSafetensors } from '../../native-models/weights/safetensorsWriter.ts';
import { readTensor } from '../../native-models/weights/tensors.ts';
import { type GenerationRequest, generationRequestSchema } from '../../preload/request.ts';
import { GOLDEN_DIR } from './golden.ts';

export const TINY_CHECKPOINT = join(GOLDEN_DIR, '_shared', 'sd1-tiny.safetensors');

/** A complete request for a 192×128 picture in few steps. */
export function tinyRequest(overrides: Readonly<Record<string, unknown>> = {}): GenerationRequest {
  return generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: { name: 'sd1-tiny', path: TINY_CHECKPOINT },
    prompt: 'a photo of a cat',
    width: 192,
    height: 128,
    steps: 3,
    seed: '7',
    ...overrides,
  });
}

/** The same as a 9-channel inpaint model, in a file of its own. */
export async function inpaintCheckpoint(folder: string): Promise<string> {
  const path = join(folder, 'sd1-tiny-inpaint.safetensors');
  const override = openSafetensors(join(GOLDEN_DIR, '_shared', 'sd1-inpaint-override.safetensors'));
  const tensors = [...openSafetensors(TINY_CHECKPOINT).tensors.values()].map((info) => {
    const used = override.tensors.get(info.name) ?? info;
    return { ...used, read: () => readTensor(used) };
  });
  await writeSafetensors(path, tensors);
  return path;
}
