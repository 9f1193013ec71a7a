/** The tiny SD 1.x checkpoint of the reference data, and requests that suit it. */
import { join } from 'node:path';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { writeSafetensors } from '../../native-models/weights/safetensorsWriter.ts';
import { readTensor, type WeightsFile } from '../../native-models/weights/tensors.ts';
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

/** What its weights cannot tell: the reference's text encoder has three heads. With this the engine computes its numbers. */
const STATED = { 'emulsion.config': JSON.stringify({ clip: { heads: 3 } }) };

/** The same as a file that states its whole architecture. */
export function statedCheckpoint(folder: string): Promise<string> {
  return copyWith(join(folder, 'sd1-tiny-stated.safetensors'), new Map());
}

/** The same as a 9-channel inpaint model. */
export function inpaintCheckpoint(folder: string): Promise<string> {
  const override = openSafetensors(join(GOLDEN_DIR, '_shared', 'sd1-inpaint-override.safetensors'));
  return copyWith(join(folder, 'sd1-tiny-inpaint.safetensors'), override.tensors);
}

async function copyWith(path: string, replaced: WeightsFile['tensors']): Promise<string> {
  const tensors = [...openSafetensors(TINY_CHECKPOINT).tensors.values()].map((info) => {
    const used = replaced.get(info.name) ?? info;
    return { ...used, read: () => readTensor(used) };
  });
  await writeSafetensors(path, tensors, STATED);
  return path;
}
