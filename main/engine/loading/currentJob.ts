/** What of a job its networks ask for while they run: sessions outlive a job, what they call back to changes with each. */
import type { DeviceName, EngineSettings } from '../border/protocol.ts';
import type { LoraChoice } from '../conditions/loras.ts';
import { type LoadedMode, vaeTileFor } from '../devices/memory.ts';
import { choosePacking, type Speed } from '../devices/packingChoice.ts';
import { type Placement, tileOnDevice } from '../devices/placement.ts';
import { type LoraFeeds, type NetworkOptions, NO_LORA } from '../networks/networks.ts';
import type { SessionOptions } from '../runtime/sessions.ts';
import type { PackedOptions } from '../weights/packedCache.ts';
import type { ModelPlan } from './plan.ts';

/** How a job wants a checkpoint opened. */
export interface OpenOptions {
  readonly settings: EngineSettings;
  /** Where the pixels of the picture are many, the VAE works in tiles. */
  readonly pixels: number;
  /** Pictures at once; one unless told. */
  readonly batch?: number;
  readonly loras: readonly LoraChoice[];
  /** A VAE file to use instead of the checkpoint's own. */
  readonly vae?: string | undefined;
  /** `exact` unless told. */
  readonly speed?: Speed;
  /** Layers packed so far and in all, while weights are packed that never were. */
  readonly onPack?: (done: number, total: number) => void;
  /** See NetworkOptions. */
  readonly onLoad?: NetworkOptions['onLoad'];
  /** See NetworkOptions. */
  readonly onCompile?: NetworkOptions['onCompile'];
  readonly signal: AbortSignal;
}

/** Told of a device before it is touched, and of the bytes that are wanted of its memory once they are known. */
export type OnDevice = (device: DeviceName, bytes?: number) => void;

type OnDevicePlacement = Extract<Placement, { on: 'device' }>;

/** The job that runs. */
export interface CurrentJob extends Pick<OpenOptions, 'onLoad' | 'onCompile'> {
  readonly lora: LoraFeeds;
  readonly pixels: number;
  readonly batch: number;
  /** Set where it runs on a device. */
  readonly placement?: OnDevicePlacement | undefined;
  /** Set where its weights are to be packed. */
  readonly packed?: PackedOptions | undefined;
  /** Remarks worth showing; opening ControlNets may add to them. */
  readonly notes: string[];
}

/** Before the first job. */
export const NO_JOB: CurrentJob = { lora: NO_LORA, pixels: 0, batch: 1, notes: [] };

/** The job that a plan was made for; `onDevice` is told of its device. */
export async function currentJob(
  { session: { device }, loras, notes, placement: planned }: ModelPlan,
  { settings, speed = 'exact', signal, pixels, batch = 1, onPack, onLoad, onCompile }: OpenOptions,
  onDevice: OnDevice,
): Promise<CurrentJob> {
  const placement = planned.on === 'device' && device !== 'cpu' ? planned : undefined;
  onDevice(device, placement?.bytes);
  const { packing, note } = await choosePacking(speed, device, settings);
  return {
    lora: loras.feeds,
    onLoad,
    onCompile,
    pixels,
    batch,
    packed: packing && { packing, cacheDir: settings.cacheDir, signal, onProgress: onPack },
    placement,
    notes: [...loras.notes, ...(note ? [note] : []), ...notes],
  };
}

/** A GPU's own memory decides where it is known, else the machine's. */
export function vaeTileOf(
  { pixels, placement }: CurrentJob,
  { target }: SessionOptions,
  memory: LoadedMode,
): number {
  if (placement?.vaeBytes === undefined) return vaeTileFor(pixels, memory);
  return tileOnDevice(pixels, placement.vaeBytes, target.precision === 'float16' ? 2 : 4);
}
