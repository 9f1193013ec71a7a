/** A checkpoint as a job wants it: its weights where the memory mode has them, another VAE, LoRAs merged in. */
import {
  type CheckpointParts,
  checkpointOf,
  type OpenedCheckpoint,
  openCheckpoint,
  openVaePart,
  type VaePart,
} from './checkpoint.ts';
import { cachedWeights } from './fp32Cache.ts';
import { type PackedOptions, withoutPacked, withPackedWeights } from './integers/packedCache.ts';
import type { LoraChoice, LoraSet, LoraStore } from './loras.ts';
import type { LoadedMode } from './memory.ts';
import { overlaid, overlayKey } from './overlay.ts';
import { stampOf } from './requestFiles.ts';
import type { SessionOptions } from './sessions.ts';

export interface WantedModels {
  readonly checkpoint: string;
  /** A VAE file to use instead of the checkpoint's own. */
  readonly vae?: string | undefined;
  readonly loras: readonly LoraChoice[];
}

/** What a job wants, with every header read and nothing loaded. */
export interface ModelPlan {
  readonly checkpoint: OpenedCheckpoint;
  readonly vae: VaePart | undefined;
  readonly loras: LoraSet;
  /** Equal for jobs that can run on the same sessions. */
  readonly key: string;
}

/** Throws WeightsError for a file that is damaged, of the wrong kind or for another base. */
export function planModels(
  wanted: WantedModels,
  { device, target }: Pick<SessionOptions, 'device' | 'target'>,
  store: LoraStore,
): ModelPlan {
  const checkpoint = openCheckpoint(wanted.checkpoint, target);
  const vae = wanted.vae === undefined ? undefined : openVaePart(wanted.vae, checkpoint.config);
  const loras = store.choose(checkpoint.config, wanted.loras, device);
  const merged = loras.merges.length > 0 ? overlayKey(checkpoint.parts, loras.merges) : '';
  const stamps = [wanted.checkpoint, ...(wanted.vae ? [wanted.vae] : [])].map(stampOf);
  return { checkpoint, vae, loras, key: [...stamps, device, loras.spatial, merged].join('|') };
}

export interface ReadyOptions {
  readonly memory: LoadedMode;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  /** For a U-Net and a VAE decoder in integers. */
  readonly packed?: PackedOptions | undefined;
}

/** Makes what is to be made (a cached copy, packed weights, an overlay) and returns the checkpoint ready for its sessions. */
export async function readyWeights(
  { checkpoint, vae, loras: { merges, spatial } }: ModelPlan,
  { memory, cacheDir, signal, packed }: ReadyOptions,
): Promise<OpenedCheckpoint> {
  const stored = memory === 'cached' ? await cachedWeights(checkpoint, cacheDir, signal) : checkpoint;
  const plain = vae ? { ...stored.parts, vae: vae.tensors } : stored.parts;
  const parts = packed ? await packedParts(plain, packed) : plain;
  const merged = await overlaid(parts, merges, cacheDir, signal);
  const changed = [...merged.unet].flatMap(([name, info]) => (info === parts.unet.get(name) ? [] : [name]));
  const config = vae ? { ...checkpoint.config, vae: vae.config } : checkpoint.config;
  const all = { ...merged, unet: withoutPacked(merged.unet, changed) };
  return checkpointOf(stored.path, config, all, checkpoint.target, spatial);
}

async function packedParts(parts: CheckpointParts, options: PackedOptions): Promise<CheckpointParts> {
  const unet = await withPackedWeights('unet', parts.unet, options);
  return { ...parts, unet, vae: await withPackedWeights('vaeDecoder', parts.vae, options) };
}
