/** The shipped files back to what the trainers and the evaluation work with. */
import { existsSync } from 'node:fs';
import { openSafetensors } from '../../../native-models/weights/safetensors.ts';
import { readFloat32 } from '../../../native-models/weights/tensors.ts';
import { createParameters, type ParameterSet } from '../parameters.ts';
import type { StarterModels } from './denoise/sampling.ts';
import { merged } from './loop/parameterSets.ts';
import { denormalisePictures } from './pictureNormalisation.ts';

export const STARTER_FILES = {
  checkpoint: 'starter/little-world.safetensors',
  control: 'starter/little-world-scribble.safetensors',
  upscaler: 'starter/little-world-x4.safetensors',
  woodcut: 'starter/little-world-woodcut.safetensors',
  cat: 'starter/little-world-cat.safetensors',
} as const;

/** Tensors below `prefix` under the names and shapes of training; 1×1 convolutions become the matrices they are. */
export function importPart(path: string, prefix: string, newPrefix = ''): ParameterSet {
  const file = openSafetensors(path);
  const found = [...file.tensors.values()].filter(({ name }) => name.startsWith(prefix));
  const nameOf = (name: string): string => newPrefix + name.slice(prefix.length);
  const set = createParameters(
    new Map(found.map(({ name, shape }) => [nameOf(name), trainedShape(name, shape)])),
  );
  for (const { name } of found) set.views.get(nameOf(name))!.set(readFloat32(file, name));
  return set;
}

/** The shipped checkpoint, and the ControlNet where it is there. */
export function importStarter(): StarterModels {
  const path = STARTER_FILES.checkpoint;
  const text = importPart(path, 'cond_stage_model.transformer.text_model.', 'text_model.');
  const pictures = importPart(path, 'clip_vision.');
  denormalisePictures(pictures);
  return {
    unet: importPart(path, 'model.diffusion_model.'),
    vae: importPart(path, 'first_stage_model.'),
    clip: merged(text, pictures),
    ...(existsSync(STARTER_FILES.control) && {
      control: importPart(STARTER_FILES.control, 'control_model.'),
    }),
  };
}

function trainedShape(name: string, shape: readonly number[]): readonly number[] {
  const isMatrix = /\.(proj_in|proj_out)\.weight$|\.attn_1\.[qkv]\.weight$/.test(name);
  return isMatrix ? shape.slice(0, 2) : shape;
}
