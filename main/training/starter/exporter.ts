/** Trained parameters → the files that ship: half precision, LDM's names, what weights cannot tell in the metadata. */
import { mkdirSync } from 'node:fs';
import { DEFAULTS_KEY } from '../../../native-models/inspect/metadata.ts';
import type { VaeConfig } from '../../../native-models/models/configs.ts';
import {
  floatSource,
  type TensorSource,
  writeSafetensors,
} from '../../../native-models/weights/safetensorsWriter.ts';
import { copyParameters, type ParameterSet } from '../parameters.ts';
import type { StarterModels } from './denoise/sampling.ts';
import { STARTER_DEFAULTS, STARTER_TEXT, STARTER_UNET, STARTER_VAE, STARTER_VISION } from './models.ts';
import { normalisePictures } from './pictureNormalisation.ts';
import { latentColours } from './vae/latentColours.ts';

/** Where a trained tensor goes: the first prefix that fits, replaced. `undefined` = it stays here. */
type Renaming = readonly (readonly [from: string, to: string])[];
const CLIP_NAMES: Renaming = [
  ['text_model.', 'cond_stage_model.transformer.text_model.'],
  ['', 'clip_vision.'],
];

const CONFIG = {
  architecture: 'sd15',
  predictionType: 'eps',
  unet: { heads: STARTER_UNET.heads, normGroups: STARTER_UNET.normGroups },
  vae: { normGroups: STARTER_VAE.normGroups, scalingFactor: STARTER_VAE.scalingFactor },
  clip: { heads: STARTER_TEXT.heads, activation: STARTER_TEXT.activation },
  clipVision: { heads: STARTER_VISION.heads, activation: STARTER_VISION.activation },
};

/** The metadata every starter file carries (ModelSpec 1.0.1); `vae` is what the file's own autoencoder adds to CONFIG. */
export function starterMetadata(
  title: string,
  architecture: string,
  description: string,
  vae: Pick<VaeConfig, 'latentToRgb'> = {},
): Record<string, string> {
  return {
    'emulsion.config': JSON.stringify({ ...CONFIG, vae: { ...CONFIG.vae, ...vae } }),
    'modelspec.sai_model_spec': '1.0.1',
    'modelspec.title': title,
    'modelspec.architecture': architecture,
    'modelspec.implementation': 'https://github.com/Stability-AI/generative-models',
    'modelspec.author': 'Emulsion',
    'modelspec.license': 'MIT',
    'modelspec.description': description,
    'modelspec.resolution': '128x128',
    'modelspec.prediction_type': 'epsilon',
  };
}

/** Writes the checkpoint: U-Net, autoencoder, text encoder, and the image tower beside them. */
export async function exportCheckpoint(path: string, { unet, vae, clip }: StarterModels): Promise<void> {
  const shipped = copyParameters(clip);
  normalisePictures(shipped);
  const tensors = [
    ...sources(unet, (name) => `model.diffusion_model.${name}`),
    ...sources(vae, (name) => `first_stage_model.${name}`),
    ...sources(shipped, (name) => renamed(name, CLIP_NAMES)),
  ];
  const about =
    'Drawn scenes of a little world: sky, ground, and mostly one coloured object. Trained from nothing.';
  const metadata = starterMetadata('Little World', 'stable-diffusion-v1', about, {
    latentToRgb: await latentColours(vae),
  });
  await write(path, tensors, { ...metadata, [DEFAULTS_KEY]: JSON.stringify(STARTER_DEFAULTS) });
}

async function write(path: string, tensors: TensorSource[], metadata: Record<string, string>): Promise<void> {
  mkdirSync('starter', { recursive: true });
  await writeSafetensors(path, tensors, metadata);
}

/** Any parameters in half precision under their own names. */
export async function exportParameters(
  path: string,
  set: ParameterSet,
  metadata: Record<string, string>,
  name: (name: string) => string = (same) => same,
): Promise<void> {
  await write(path, sources(set, name), metadata);
}

function sources({ shapes, views }: ParameterSet, name: (name: string) => string): TensorSource[] {
  return [...shapes].map(([key, shape]) =>
    floatSource(name(key), storedShape(key, shape), views.get(key)!, key === 'logit_scale' ? 'F32' : 'F16'),
  );
}

/** SD 1 stores these matrices as 1×1 convolutions; the numbers lie the same. */
function storedShape(name: string, shape: readonly number[]): readonly number[] {
  const isConv = /\.(proj_in|proj_out)\.weight$|\.attn_1\.[qkv]\.weight$/.test(name);
  return isConv && shape.length === 2 ? [...shape, 1, 1] : shape;
}

function renamed(name: string, renaming: Renaming): string {
  const [from, to] = renaming.find(([prefix]) => name.startsWith(prefix))!;
  return to + name.slice(from.length);
}
