/**
 * What a weights file is, from the names and shapes of its tensors. The rules are tried in order and the first that
 * matches wins, because prefixes overlap: a ControlNet may carry a whole checkpoint, a checkpoint a stray LoRA.
 */
import { basename } from 'node:path';
import type { Architecture, EsrganConfig, PredictionType } from '../models/configs.ts';
import { type CanonicalTensors, canonicalTensors } from '../weights/keys.ts';
import { isFloat, type WeightsFile } from '../weights/tensors.ts';
import { type Base, detectLora, type LoraDetection } from './detectLora.ts';
import { fileOverrides } from './overrides.ts';
import {
  ARCHITECTURE_OF_CONTEXT,
  architectureOf,
  hasZeroTerminalSnr,
  predictionTypeOf,
} from './prediction.ts';
import { upscalerKind } from './upscaler.ts';

/** What the U-Net reads besides the latent: nothing, mask and masked image, the picture to edit, a depth map. */
export type Variant = 'normal' | 'inpaint' | 'pix2pix' | 'depth';

export interface DiffusionDetection {
  /** 'unet' is the diffusion model alone, as diffusers and ComfyUI's diffusion_models folder have it. */
  readonly type: 'checkpoint' | 'unet';
  readonly base: Architecture;
  readonly variant: Variant;
  readonly predictionType: PredictionType;
  readonly zeroTerminalSnr: boolean;
}

export type Detection =
  | DiffusionDetection
  | LoraDetection
  | { readonly type: 'controlnet'; readonly base: Base; readonly kind: 'normal' | 'difference' | 'union' }
  | { readonly type: 'control-lora' | 'controlnet-lllite'; readonly base: 'sdxl' }
  | { readonly type: 't2i-adapter'; readonly base: Base; readonly kind: 'full' | 'light' }
  | { readonly type: 'ip-adapter'; readonly base: Base }
  | { readonly type: 'vae'; readonly base: Base }
  | { readonly type: 'taesd'; readonly latentChannels: number }
  | { readonly type: 'text-encoder'; readonly width: number; readonly hasImageEncoder: boolean }
  | { readonly type: 'image-encoder'; readonly width: number }
  | { readonly type: 'embedding'; readonly base: Base; readonly tokens: number }
  | { readonly type: 'upscaler'; readonly kind: EsrganConfig['kind'] }
  /** Recognised, but nothing this app can run; `what` is its name in plain words. */
  | { readonly type: 'unsupported'; readonly what: string }
  /** `names` are a few of its tensors, so that a person can tell. */
  | { readonly type: 'unknown'; readonly names: readonly string[] };

type Rule = (file: WeightsFile) => Detection | undefined;

/** The order of the rules is part of their meaning. */
const RULES: readonly Rule[] = [
  detectLora,
  controlNet,
  marked(/^lora_controlnet$/, { type: 'control-lora', base: 'sdxl' }),
  marked(/^lllite_unet_/, { type: 'controlnet-lllite', base: 'sdxl' }),
  t2iAdapter,
  ipAdapter,
  otherFamily,
  diffusion,
  vae,
  taesd,
  textEncoder,
  imageEncoder,
  embedding,
  upscaler,
  otherUpscaler,
];

/** Reads no tensor data, except one small bias of an SD 2 model to tell v from eps. */
export function detect(file: WeightsFile): Detection {
  for (const rule of RULES) {
    const detection = rule(file);
    if (detection) return detection;
  }
  return { type: 'unknown', names: [...file.tensors.keys().take(5)] };
}

const VARIANT_OF_CHANNELS: ReadonlyMap<number | undefined, Variant> = new Map([
  [4, 'normal'],
  [9, 'inpaint'],
  [8, 'pix2pix'],
  [5, 'depth'],
]);

/** The SDXL refiner reads OpenCLIP bigG alone. */
const REFINER_CONTEXT = 1280;

const OTHER_FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)joint_blocks\.0\./, 'Stable Diffusion 3'],
  [/(^|\.)(double_blocks|single_transformer_blocks)\.0\./, 'Flux'],
  [/\.time_stack\./, 'Stable Video Diffusion'],
  [/(^|\.)motion_modules\./, 'an AnimateDiff motion module'],
  [/^(edm_mean|edm_vpred\.sigma_max)$/, 'a model trained in EDM form (Playground 2.5, CosXL)'],
];

const OTHER_UPSCALERS: readonly (readonly [RegExp, string])[] = [
  [/^((params_ema|params)\.)?layers\.0\.residual_group\.overlap_attn\./, 'a HAT upscaler'],
  [/^((params_ema|params)\.)?layers\.0\.residual_group\./, 'a SwinIR upscaler'],
  [/^((params_ema|params)\.)?layers\.0\.blocks\.\d+\.attn\./, 'a DAT upscaler'],
  [/^((params_ema|params)\.)?block_1\.c1_r\./, 'a SPAN upscaler'],
];

function has(file: WeightsFile, pattern: RegExp): boolean {
  return file.tensors.keys().some((name) => pattern.test(name));
}

function marked(pattern: RegExp, detection: Detection): Rule {
  return (file) => (has(file, pattern) ? detection : undefined);
}

/** Width of the text embedding that the first cross-attention reads. */
function contextDim(tensors: CanonicalTensors): number | undefined {
  return tensors.entries().find(([name]) => name.endsWith('.attn2.to_k.weight'))?.[1].shape[1];
}

function controlNet(file: WeightsFile): Detection | undefined {
  const tensors = canonicalTensors(file, 'controlnet');
  if (tensors.size === 0) return undefined;
  const kind = has(file, /^(task_embedding|control_add_embedding\.)/)
    ? 'union'
    : file.tensors.has('difference')
      ? 'difference'
      : 'normal';
  return {
    type: 'controlnet',
    base: ARCHITECTURE_OF_CONTEXT.get(contextDim(tensors)) ?? statedBase(file),
    kind,
  };
}

/** Our own small models have unpublished widths and say in their metadata what they belong to. */
function statedBase(file: WeightsFile): Base {
  return fileOverrides(file).architecture ?? 'unknown';
}

/** Pixel-unshuffle by 8 (SD1) or 16 (SDXL) of a grey or colour hint gives the input channels. */
function t2iAdapter(file: WeightsFile): Detection | undefined {
  const isAdapter = has(file, /^(adapter\.)?body\.0\.(resnets\.0\.block1|block2|in_conv)\.weight$/);
  const input =
    file.tensors.get('adapter.conv_in.weight') ??
    file.tensors.get('conv_in.weight') ??
    file.tensors.get('adapter.body.0.in_conv.weight') ??
    file.tensors.get('body.0.in_conv.weight');
  if (!isAdapter || !input) return undefined;
  const channels = input.shape[1] ?? 0;
  const base = [64, 192].includes(channels) ? 'sd15' : [256, 768].includes(channels) ? 'sdxl' : 'unknown';
  const kind = has(file, /^(adapter\.)?body\.0\.in_conv\.weight$/) ? 'light' : 'full';
  return { type: 't2i-adapter', base, kind };
}

function ipAdapter(file: WeightsFile): Detection | undefined {
  const layer = file.tensors.get('ip_adapter.1.to_k_ip.weight');
  if (!layer || !has(file, /^image_proj\./)) return undefined;
  return { type: 'ip-adapter', base: ARCHITECTURE_OF_CONTEXT.get(layer.shape.at(-1)) ?? 'unknown' };
}

function otherFamily(file: WeightsFile): Detection | undefined {
  const family = OTHER_FAMILIES.find(([pattern]) => has(file, pattern));
  return family && { type: 'unsupported', what: family[1] };
}

function diffusion(file: WeightsFile): Detection | undefined {
  const tensors = canonicalTensors(file, 'unet');
  const input = tensors.get('input_blocks.0.0.weight');
  if (!input) return undefined;
  const context = contextDim(tensors) ?? 0;
  if (context === REFINER_CONTEXT) return { type: 'unsupported', what: 'the SDXL refiner' };
  const variant = VARIANT_OF_CHANNELS.get(input.shape[1]);
  if (!variant) return { type: 'unsupported', what: `a diffusion model of ${input.shape[1]} input channels` };
  const overrides = fileOverrides(file);
  const base = overrides.architecture ?? architectureOf(structure(tensors, context));
  const predictionType = overrides.predictionType ?? predictionTypeOf(file, base);
  const type = has(file, /^model\.diffusion_model\./) ? 'checkpoint' : 'unet';
  return { type, base, variant, predictionType, zeroTerminalSnr: hasZeroTerminalSnr(file) };
}

function structure(tensors: CanonicalTensors, context: number): Parameters<typeof architectureOf>[0] {
  const projection = tensors.entries().find(([name]) => name.endsWith('.proj_in.weight'))?.[1];
  const admChannels = tensors.get('label_emb.0.0.weight')?.shape[1] ?? 0;
  return { contextDim: context, admChannels, useLinearProjection: projection?.shape.length === 2 };
}

/** SD's and SDXL's VAEs have the same shapes; the file's name is all there is to go by, as elsewhere. */
function vae(file: WeightsFile): Detection | undefined {
  const tensors = canonicalTensors(file, 'vae');
  if (tensors.size === 0) return undefined;
  const latentChannels = tensors.get('decoder.conv_in.weight')?.shape[1] ?? 4;
  if (latentChannels === 16) return { type: 'unsupported', what: 'the VAE of Stable Diffusion 3 or Flux' };
  if (latentChannels === 32) return { type: 'unsupported', what: 'the VAE of Flux 2' };
  const stated = statedBase(file);
  return { type: 'vae', base: stated === 'unknown' && /xl/i.test(basename(file.path)) ? 'sdxl' : stated };
}

/** Bare files have a numbered list at their root, convolutions of convolutions: nothing else looks so. */
function taesd(file: WeightsFile): Detection | undefined {
  if (
    !has(file, /^taesd_(encoder|decoder)\.|^decoder\.layers\.\d+\.conv\.0\.weight$|^[34]\.conv\.0\.weight$/)
  )
    return undefined;
  const tensors = canonicalTensors(file, 'taesd');
  const latentChannels = tensors.get('decoder.1.weight')?.shape[1] ?? lastEncoderChannels(tensors);
  return { type: 'taesd', latentChannels };
}

function lastEncoderChannels(tensors: CanonicalTensors): number {
  const convs = [...tensors].flatMap(([name, { shape }]) => {
    const index = /^encoder\.(\d+)\.weight$/.exec(name)?.[1];
    return index === undefined ? [] : [{ index: Number(index), channels: shape[0] ?? 0 }];
  });
  return convs.toSorted((a, b) => b.index - a.index)[0]?.channels ?? 0;
}

function textEncoder(file: WeightsFile): Detection | undefined {
  const tensors = [canonicalTensors(file, 'clipL'), canonicalTensors(file, 'openClip')].find(
    ({ size }) => size > 0,
  );
  const width = tensors?.get('embeddings.token_embedding.weight')?.shape[1];
  if (width === undefined) return undefined;
  return { type: 'text-encoder', width, hasImageEncoder: canonicalTensors(file, 'clipVision').size > 0 };
}

function imageEncoder(file: WeightsFile): Detection | undefined {
  const width = canonicalTensors(file, 'clipVision').get('embeddings.patch_embedding.weight')?.shape[0];
  return width === undefined ? undefined : { type: 'image-encoder', width };
}

/** A textual inversion: a few vectors as wide as a text encoder. SDXL's has one set for each of its two. */
function embedding(file: WeightsFile): Detection | undefined {
  const named =
    file.tensors.get('emb_params') ?? file.tensors.get('string_to_param.*') ?? file.tensors.get('clip_l');
  const infos = [...file.tensors.values()];
  const small =
    infos.length > 0 &&
    infos.length < 10 &&
    infos.every(({ dtype, shape }) => isFloat(dtype) && (shape.length === 1 || shape.length === 2));
  const vectors = named ?? (small ? infos[0] : undefined);
  if (!vectors) return undefined;
  const base = file.tensors.has('clip_g')
    ? 'sdxl'
    : (ARCHITECTURE_OF_CONTEXT.get(vectors.shape.at(-1)) ?? 'unknown');
  return { type: 'embedding', base, tokens: vectors.shape.length === 1 ? 1 : (vectors.shape[0] ?? 0) };
}

function upscaler(file: WeightsFile): Detection | undefined {
  const kind = upscalerKind(canonicalTensors(file, 'upscaler'));
  return kind && { type: 'upscaler', kind };
}

function otherUpscaler(file: WeightsFile): Detection | undefined {
  const known = OTHER_UPSCALERS.find(([pattern]) => has(file, pattern));
  return known && { type: 'unsupported', what: known[1] };
}
