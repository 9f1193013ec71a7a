/** What a job wants of a checkpoint, planned from headers alone: where it runs, with which VAE and LoRAs. */
import type { Target } from '../../../native-models/layers/scope.ts';
import type { CanonicalTensors } from '../../../native-models/weights/keys.ts';
import type { LoraChoice, LoraSet, LoraStore } from '../conditions/loras.ts';
import { type Need, type Placement, placementFor, savingsOf } from '../devices/placement.ts';
import { DEFAULT_SESSION, type SessionOptions } from '../runtime/sessions.ts';
import {
  elementsOf,
  type OpenedCheckpoint,
  openCheckpoint,
  openVaePart,
  type VaePart,
  vaeTargetOf,
} from '../weights/checkpoint.ts';
import { overlayKey } from '../weights/overlay.ts';
import { stampOf } from '../weights/stamp.ts';

/** The model files of a job, and the largest picture it makes with them. */
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
    elementsOf(part) * BYTES[precision];
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
