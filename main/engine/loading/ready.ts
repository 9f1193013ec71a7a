/** The weights of a plan made ready: where the memory mode has them, packed, with another VAE, with LoRAs merged in. */
import type { LoadedMode } from '../devices/memory.ts';
import { type CheckpointParts, checkpointOf, type OpenedCheckpoint } from '../weights/checkpoint.ts';
import { copyOrOriginal } from '../weights/fp32Cache.ts';
import { overlaid, overlayPath } from '../weights/overlay.ts';
import { type PackedOptions, packedOrPlain, withoutPacked } from '../weights/packedCache.ts';
import type { ModelPlan } from './plan.ts';

/** Where the weights are to be. */
export interface ReadyOptions {
  readonly memory: LoadedMode;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  /** A U-Net and a VAE decoder with packed weights, for the memory modes without a float32 copy. */
  readonly packed?: PackedNetworks | undefined;
}

/** Networks with packed weights. */
export type PackedNetworks = Pick<CheckpointParts, 'unet' | 'vae'>;

/** Packs U-Net and VAE decoder, both or neither; `problem` is half a sentence. */
export async function packNetworks(
  { checkpoint: { parts }, vae }: ModelPlan,
  options: PackedOptions,
): Promise<{ readonly packed?: PackedNetworks; readonly problem?: string }> {
  const unet = await packedOrPlain('unet', parts.unet, options);
  if (unet.problem !== undefined) return { problem: unet.problem };
  const decoder = await packedOrPlain('vaeDecoder', vae?.tensors ?? parts.vae, options);
  if (decoder.problem !== undefined) return { problem: decoder.problem };
  return { packed: { unet: unet.tensors, vae: decoder.tensors } };
}

/** A checkpoint over weights that are all where its sessions read them. */
export interface ReadyWeights {
  readonly checkpoint: OpenedCheckpoint;
  /** Set where memory mode `cached` has no copy: why, as half a sentence. */
  readonly problem?: string | undefined;
}

/** Makes what is to be made (a cached copy, an overlay) and returns the checkpoint ready for its sessions. */
export async function readyWeights(
  { checkpoint, vae, loras: { merges, spatial } }: ModelPlan,
  { memory, cacheDir, signal, packed }: ReadyOptions,
): Promise<ReadyWeights> {
  const { checkpoint: stored, problem }: ReadyWeights =
    memory === 'cached' ? await copyOrOriginal(checkpoint, cacheDir, signal) : { checkpoint };
  const plain = vae ? { ...stored.parts, vae: vae.tensors } : stored.parts;
  const parts = { ...plain, ...packed };
  const merged = await overlaid(parts, merges, overlayPath(checkpoint.parts, merges, cacheDir), signal);
  const changed = [...merged.unet].flatMap(([name, info]) => (info === parts.unet.get(name) ? [] : [name]));
  const config = vae ? { ...checkpoint.config, vae: vae.config } : checkpoint.config;
  const all = { ...merged, unet: withoutPacked(merged.unet, changed) };
  return { checkpoint: checkpointOf(stored.path, config, all, checkpoint.target, spatial), problem };
}
