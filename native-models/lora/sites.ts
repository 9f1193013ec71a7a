/** Where LoRA files attach: every weight of a checkpoint's U-Net and text encoders, under the names that trainers give it. */
import type { ClipTextConfig, UnetConfig } from '../models/configs.ts';
import { clipTextParameters, type ParameterShapes, unetParameters } from '../models/parameters.ts';
import { diffusersUnetModules, inverted, type ModuleMap, renameByModule } from '../weights/diffusersKeys.ts';

/** Which network of a checkpoint, named as the engine names its sessions. */
export type LoraNetwork = 'unet' | `textEncoder.${number}`;

/** A weight that a LoRA may change. */
export interface Site {
  readonly network: LoraNetwork;
  /** Canonical path of the layer; its weight is `path.weight`. */
  readonly path: string;
  /** [out, in] for a linear, [out, in, k, k] for a convolution, [n] for a norm. */
  readonly shape: readonly number[];
}

/** The sites of a checkpoint by every name that a file may use for them, without what follows the module's name. */
export type LoraSites = ReadonlyMap<string, Site>;

/** As much of a checkpoint as its LoRA sites depend on. */
export interface AdaptedNetworks {
  readonly unet: UnetConfig;
  readonly textEncoders: readonly ClipTextConfig[];
}

/** Builds both networks once over no weights: milliseconds, but worth keeping. */
export function loraSites({ unet, textEncoders }: AdaptedNetworks): LoraSites {
  const byName = new Map<string, Site>();
  const diffusers = inverted(diffusersUnetModules(unet));
  for (const site of sitesOf('unet', unetParameters(unet)))
    for (const name of unetNames(site.path, diffusers)) byName.set(name, site);
  for (const [index, config] of textEncoders.entries()) {
    const prefixes = textPrefixes(index, textEncoders.length);
    for (const site of sitesOf(`textEncoder.${index}`, clipTextParameters(config)))
      for (const prefix of prefixes) byName.set(prefixed(prefix, site.path), site);
  }
  return byName;
}

function sitesOf(network: LoraNetwork, parameters: ParameterShapes): Site[] {
  return [...parameters].flatMap(([name, shape]) =>
    name.endsWith('.weight') ? [{ network, path: name.slice(0, -'.weight'.length), shape }] : [],
  );
}

/** kohya and LyCORIS with either module tree, peft and diffusers (with and without "unet."), ComfyUI's own. */
function unetNames(path: string, diffusers: ModuleMap): string[] {
  const theirs = renameByModule(path, diffusers);
  const trees = theirs === undefined ? [path] : [path, theirs];
  const flat = trees.flatMap((tree) => ['lora_unet_', 'lycoris_'].map((prefix) => prefixed(prefix, tree)));
  const dotted = theirs === undefined ? [] : [theirs, `unet.${theirs}`];
  return [...flat, ...dotted, `diffusion_model.${path}`, `unet.${path}`];
}

/** What precedes a text encoder's module path; prefixes that end in an underscore flatten the dots behind them. */
function textPrefixes(index: number, count: number): string[] {
  const own =
    index === 0
      ? ['lora_te1_text_model_', 'text_encoder.text_model.', 'text_encoder.']
      : [`lora_te${index + 1}_text_model_`, `text_encoder_${index + 1}.text_model.`];
  const comfy = index === 0 ? ['clip_l', 'clip_h'] : ['clip_g'];
  return [
    ...own,
    ...comfy.map((name) => `text_encoders.${name}.transformer.text_model.`),
    ...(count === 1 ? ['lora_te_text_model_'] : []),
  ];
}

function prefixed(prefix: string, path: string): string {
  return prefix + (prefix.endsWith('_') ? path.replaceAll('.', '_') : path);
}
