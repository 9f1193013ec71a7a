/** What the engine keeps loaded between jobs: the last checkpoints, as far as memory goes. */
import { statSync } from 'node:fs';
import { freemem } from 'node:os';
import type { CheckpointConfig } from '../../native-models/models/configs.ts';
import {
  checkpointOf,
  type OpenedCheckpoint,
  openCheckpoint,
  openVaePart,
  type VaePart,
} from './checkpoint.ts';
import { createControlStore, type OpenControlNet } from './controls.ts';
import { flavourOf, probeDevices } from './devices.ts';
import { cachedWeights } from './fp32Cache.ts';
import { createLoraStore, type LoraChoice, type LoraSet } from './loras.ts';
import { createNetworks, type LoraFeeds, type NetworkName, type Networks } from './networks.ts';
import { overlaid, overlayKey } from './overlay.ts';
import type { DeviceName, EngineSettings, MemoryMode } from './protocol.ts';
import { DEFAULT_SESSION, type SessionOptions } from './sessions.ts';

export interface LoadedCheckpoint {
  readonly networks: Networks;
  readonly config: CheckpointConfig;
  readonly memory: Exclude<MemoryMode, 'auto'>;
}

/** A loaded checkpoint with the LoRAs of one job attached. */
export interface ReadyCheckpoint extends LoadedCheckpoint {
  /** "name: applied 192 of 192 tensors", one per LoRA. */
  readonly notes: readonly string[];
  /** How other networks of the same job are to be opened. */
  readonly session: SessionOptions;
}

export interface OpenOptions {
  readonly settings: EngineSettings;
  /** Where the pixels of the picture are many, the VAE works in tiles. */
  readonly pixels: number;
  readonly loras: readonly LoraChoice[];
  /** A VAE file to use instead of the checkpoint's own. */
  readonly vae?: string | undefined;
  readonly onLoad: (network: NetworkName, seconds: number) => void;
  readonly signal: AbortSignal;
}

export interface EngineHost {
  /**
   * A checkpoint ready to run; the one before it is freed when it is another. Other LoRAs or weights need no other
   * sessions, unless they must be merged or are the first to change convolutions.
   */
  open(path: string, options: OpenOptions): Promise<ReadyCheckpoint>;
  /** The ControlNets of a job on the checkpoint that is open, in order; others are freed. */
  openControls(paths: readonly string[], settings: EngineSettings): Promise<OpenControlNet[]>;
  device(settings: EngineSettings): Promise<DeviceName>;
  release(): Promise<void>;
}

const NO_LORA: LoraFeeds = { unet: () => ({}), textEncoder: () => ({}) };

export function createHost(): EngineHost {
  let loaded: (LoadedCheckpoint & { key: string }) | undefined;
  let chosen: Promise<DeviceName> | undefined;
  // Sessions outlive a job; what they call back to changes with each.
  let current: { lora: LoraFeeds; onLoad: OpenOptions['onLoad'] } = {
    lora: NO_LORA,
    onLoad: () => undefined,
  };
  const loraStore = createLoraStore();
  const controlStore = createControlStore();

  const device = (settings: EngineSettings): Promise<DeviceName> => {
    if (settings.device !== 'auto') return Promise.resolve(settings.device);
    chosen ??= probeDevices().then((probe) => probe.chosen);
    return chosen;
  };
  const release = async (): Promise<void> => {
    await loaded?.networks.release();
    await controlStore.release();
    loaded = undefined;
  };
  const open = async (path: string, options: OpenOptions): Promise<ReadyCheckpoint> => {
    const { settings } = options;
    const name = await device(settings);
    const checkpoint = openCheckpoint(path, flavourOf(name));
    const vae = options.vae === undefined ? undefined : openVaePart(options.vae, checkpoint.config);
    const loras = loraStore.choose(checkpoint.config, options.loras);
    const memory = memoryMode(settings.memory, checkpoint);
    const vaeTile = vaeTileFor(options.pixels, memory);
    const stamps = [path, ...(options.vae ? [options.vae] : [])].map(stampOf);
    const merged = loras.merges.length > 0 ? overlayKey(checkpoint.parts, loras.merges) : '';
    const key = [...stamps, name, memory, settings.threads, vaeTile, loras.spatial, merged].join('|');
    current = { lora: loras.feeds, onLoad: options.onLoad };
    const session = sessionOptions(name, settings, memory);
    if (loaded?.key === key) return { ...loaded, notes: loras.notes, session };
    await release();
    const ready = await weightsOf(checkpoint, memory, loras, options, vae);
    const networks = createNetworks(
      ready.graphs,
      {
        session,
        oneAtATime: memory === 'low',
        vaeTile,
        onLoad: (network, seconds) => current.onLoad(network, seconds),
      },
      { unet: () => current.lora.unet(), textEncoder: (index) => current.lora.textEncoder(index) },
    );
    loaded = { key, networks, config: ready.config, memory };
    return { ...loaded, notes: loras.notes, session };
  };
  const openControls: EngineHost['openControls'] = async (paths, settings) => {
    if (!loaded) throw new Error('ControlNets are opened after their checkpoint');
    const session = sessionOptions(await device(settings), settings, loaded.memory);
    return controlStore.open(paths, loaded.config.unet, session);
  };
  return { open, openControls, device, release };
}

/** A file is known by where it is, how long it is and when it was written. */
function stampOf(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return [path, size, mtimeMs].join('|');
}

function sessionOptions(
  device: DeviceName,
  { threads }: EngineSettings,
  memory: LoadedCheckpoint['memory'],
): SessionOptions {
  return { ...DEFAULT_SESSION, device, threads, castWhileRunning: memory === 'low' };
}

/** The checkpoint's weights where the memory mode wants them, with LoRAs merged in that cannot run live. */
async function weightsOf(
  checkpoint: OpenedCheckpoint,
  memory: LoadedCheckpoint['memory'],
  { merges, spatial }: LoraSet,
  { settings: { cacheDir }, signal }: OpenOptions,
  vae: VaePart | undefined,
): Promise<OpenedCheckpoint> {
  const stored = memory === 'cached' ? await cachedWeights(checkpoint, cacheDir, signal) : checkpoint;
  const parts = await overlaid(stored.parts, merges, cacheDir, signal);
  const config = vae ? { ...checkpoint.config, vae: vae.config } : checkpoint.config;
  const all = vae ? { ...parts, vae: vae.tensors } : parts;
  return checkpointOf(stored.path, config, all, checkpoint.flavour, spatial);
}

/** Measured: a picture decoded in one piece takes about 6.5 KB per pixel at SD's VAE width. */
const VAE_BYTES_PER_PIXEL = 6500;
const SMALLEST_TILE = 512;

/** The largest tile side that leaves half of the free memory alone; whole pictures where they fit. */
export function vaeTileFor(pixels: number, memory: MemoryMode): number {
  const budget = memory === 'low' ? SMALLEST_TILE ** 2 * VAE_BYTES_PER_PIXEL : freemem() / 2;
  if (pixels * VAE_BYTES_PER_PIXEL <= budget) return Number.MAX_SAFE_INTEGER;
  const side = Math.floor(Math.sqrt(budget / VAE_BYTES_PER_PIXEL) / 64) * 64;
  return Math.max(SMALLEST_TILE, side);
}

/** `auto`: normal while the weights in float32 and as much again fit into what is free. */
function memoryMode(wanted: MemoryMode, { float32Bytes }: OpenedCheckpoint): Exclude<MemoryMode, 'auto'> {
  if (wanted !== 'auto') return wanted;
  return float32Bytes * 1.5 < freemem() ? 'normal' : 'low';
}
