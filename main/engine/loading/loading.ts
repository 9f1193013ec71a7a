/** A checkpoint as a job wants it: its weights where the memory mode has them, another VAE, LoRAs merged in. */
import type { Target } from '../../../native-models/layers/scope.ts';
import type { CanonicalTensors } from '../../../native-models/weights/keys.ts';
import type { LoraChoice, LoraSet, LoraStore } from '../conditions/loras.ts';
import type { LoadedMode } from '../devices/memory.ts';
import { type Need, type Placement, placementFor, savingsOf } from '../devices/placement.ts';
import { DEFAULT_SESSION, type SessionOptions } from '../runtime/sessions.ts';
import {
  type CheckpointParts,
  checkpointOf,
  type OpenedCheckpoint,
  openCheckpoint,
  openVaePart,
  type VaePart,
  vaeTargetOf,
} from '../weights/checkpoint.ts';
import { copyOrOriginal } from '../weights/fp32Cache.ts';
import { overlaid, overlayKey } from '../weights/overlay.ts';
import { type PackedOptions, packedOrPlain, withoutPacked } from '../weights/packedCache.ts';
import { stampOf } from '../weights/stamp.ts';

export interface WantedModels {
  readonly checkpoint: string;
  /** A VAE file to use instead of the checkpoint's own. */
  readonly vae?: string | undefined;
  readonly loras: readonly LoraChoice[];
  /** Of the largest picture to come. */
  readonly pixels: number;
  /** Pictures at once. */
  readonly batch: number;
}

/** What a job wants, with every header read and nothing loaded. */
export interface ModelPlan {
  readonly checkpoint: OpenedCheckpoint;
  readonly vae: VaePart | undefined;
  readonly loras: LoraSet;
  /** Where it runs: the device that was wanted, or the CPU where it does not fit. */
  readonly session: SessionOptions;
  readonly placement: Placement;
  /** Remarks worth showing: why it runs on the CPU. */
  readonly notes: readonly string[];
  /** Equal for jobs that can run on the same sessions. */
  readonly key: string;
}

/** Throws WeightsError for a file that is damaged, of the wrong kind or for another base. */
export function planModels(wanted: WantedModels, session: SessionOptions, store: LoraStore): ModelPlan {
  const { device, target } = session;
  const checkpoint = openCheckpoint(wanted.checkpoint, target);
  const need = needOf(checkpoint, wanted);
  const placement = placementFor(need, session.deviceMemory, session.deviceLimit);
  if (placement.on === 'cpu' && device !== 'cpu') {
    const { threads } = session;
    const notes = [`${device} is not used: ${placement.reason}.`];
    return { ...planModels(wanted, { ...DEFAULT_SESSION, threads }, store), notes };
  }
  const vae = wanted.vae === undefined ? undefined : openVaePart(wanted.vae, checkpoint.config);
  const loras = store.choose(checkpoint.config, wanted.loras, device);
  const merged = loras.merges.length > 0 ? overlayKey(checkpoint.parts, loras.merges) : '';
  const stamps = [wanted.checkpoint, ...(wanted.vae ? [wanted.vae] : [])].map(stampOf);
  const { textOnCpu, oneAtATime } = { textOnCpu: false, oneAtATime: false, ...placement };
  const key = [...stamps, device, textOnCpu, oneAtATime, loras.spatial, merged].join('|');
  const notes = limitNotes(session, placement, need);
  return { checkpoint, vae, loras, session: { ...session, textOnCpu }, placement, notes, key };
}

/** Says what a device does without because it ran out of memory before. */
function limitNotes(
  { device, deviceMemory, deviceLimit }: SessionOptions,
  placement: Placement,
  need: Need,
): string[] {
  if (deviceLimit === undefined || placement.on === 'cpu') return [];
  const unlimited = placementFor(need, deviceMemory);
  if (unlimited.on === 'device' && unlimited.bytes <= placement.bytes) return [];
  const savings = savingsOf(placement, need);
  const how = savings.length > 0 ? savings.join(', ') : 'the VAE works in smaller tiles';
  return [`${device} ran out of memory before: ${how}.`];
}

/** What a device would have to hold; the CPU's memory is another matter (memory.ts). */
function needOf({ parts, target, config }: OpenedCheckpoint, { pixels, batch }: WantedModels): Need {
  const bytesOf = (part: CanonicalTensors, { precision = 'float32' }: Target): number =>
    part.values().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0) * BYTES[precision];
  return {
    unet: bytesOf(parts.unet, target),
    textEncoders: parts.textEncoders.reduce((sum, part) => sum + bytesOf(part, target), 0),
    vae: bytesOf(parts.vae, vaeTargetOf(config, target)),
    pixels,
    rows: 2 * batch,
    fusedAttention: target.fusedAttention ?? false,
    bytesPerValue: BYTES[target.precision ?? 'float32'],
  };
}

const BYTES = { float32: 4, float16: 2 } as const;

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
  const merged = await overlaid(parts, merges, cacheDir, signal);
  const changed = [...merged.unet].flatMap(([name, info]) => (info === parts.unet.get(name) ? [] : [name]));
  const config = vae ? { ...checkpoint.config, vae: vae.config } : checkpoint.config;
  const all = { ...merged, unet: withoutPacked(merged.unet, changed) };
  return { checkpoint: checkpointOf(stored.path, config, all, checkpoint.target, spatial), problem };
}
