/** The models of a workflow, made ready when a node needs them: the engine keeps the last one loaded. */
import type { CheckpointConfig } from '../../../native-models/models/configs.ts';
import { openWeights } from '../../../native-models/weights/open.ts';
import type { EngineSettings } from '../../engine/border/protocol.ts';
import type { OpenControls } from '../../engine/conditions/controls.ts';
import type { LoraChoice } from '../../engine/conditions/loras.ts';
import type { Speed } from '../../engine/devices/packingChoice.ts';
import type { OpenOptions } from '../../engine/loading/currentJob.ts';
import type { EngineHost } from '../../engine/loading/host.ts';
import type { Networks } from '../../engine/networks/networks.ts';
import { type OpenUpscaler, openUpscaler } from '../../engine/networks/upscaler.ts';
import { openVaeFile } from '../../engine/networks/vaeFile.ts';
import type { ModelValue, VaeValue } from './sockets.ts';

export interface ReadyModel {
  readonly networks: Networks;
  readonly config: CheckpointConfig;
}

/** Asking for one model may free the one before it: use it before asking for the next. */
export interface Models {
  /** A U-Net or text encoder with its LoRAs. */
  checkpoint(model: ModelValue): Promise<ReadyModel>;
  vae(vae: VaeValue): Promise<ReadyModel>;
  /** ControlNets for the checkpoint that was asked for last. */
  controls(paths: readonly string[]): Promise<OpenControls>;
  upscaler(path: string): Promise<OpenUpscaler>;
  /** Announces pictures of so many pixels: beyond those announced before, the VAE may be loaded again, in tiles. */
  reserve(pixels: number): void;
  release(): Promise<void>;
}

export interface ModelsOptions {
  readonly host: EngineHost;
  readonly settings: EngineSettings;
  readonly speed: Speed;
  readonly signal: AbortSignal;
  /** Layers packed so far and in all; see OpenOptions. */
  readonly onPack: NonNullable<OpenOptions['onPack']>;
  readonly note: (text: string) => void;
}

interface Opened extends ModelValue {
  readonly pixels: number;
  readonly ready: ReadyModel;
}

/** The models of one run; `release` frees what does not belong to the checkpoint. */
export function workflowModels({ host, settings, speed, signal, onPack, note }: ModelsOptions): Models {
  let pixels = 0;
  let last: Opened | undefined;
  const vaes = new Map<string, ReadyModel>();
  const upscalers = new Map<string, OpenUpscaler>();

  const open = async (checkpoint: string, loras: readonly LoraChoice[]): Promise<ReadyModel> => {
    signal.throwIfAborted();
    if (last && last.checkpoint === checkpoint && sameLoras(last.loras, loras) && pixels <= last.pixels)
      return last.ready;
    const ready = await host.open(checkpoint, {
      settings,
      speed,
      pixels,
      loras,
      signal,
      onPack,
    });
    last = { checkpoint, loras, pixels, ready };
    for (const text of ready.notes) note(text);
    return ready;
  };
  return {
    checkpoint: (model) => open(model.checkpoint, model.loras),
    vae: async ({ kind, path }) => {
      // A VAE takes no LoRA: with those in use at the moment the checkpoint need not be loaded again.
      if (kind === 'checkpoint') return open(path, last?.checkpoint === path ? last.loras : []);
      const ready = vaes.get(path) ?? openVaeFile(path, await host.session(settings), settings, pixels);
      vaes.set(path, ready);
      return ready;
    },
    controls: (paths) => host.openControls(paths),
    upscaler: async (path) => {
      const session = await host.session(settings);
      const ready = upscalers.get(path) ?? (await openUpscaler(openWeights(path), session));
      upscalers.set(path, ready);
      return ready;
    },
    reserve: (count) => {
      pixels = Math.max(pixels, count);
    },
    release: async () => {
      for (const { networks } of vaes.values()) await networks.release();
      for (const upscaler of upscalers.values()) await upscaler.release();
      vaes.clear();
      upscalers.clear();
    },
  };
}

function sameLoras(a: readonly LoraChoice[], b: readonly LoraChoice[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
