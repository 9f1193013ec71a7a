/** What the engine keeps loaded between jobs: the last checkpoints, as far as memory goes. */
import { existsSync } from 'node:fs';
import type { CheckpointConfig } from '../../../native-models/models/configs.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import type { DeviceName, EngineSettings, RawImage } from '../border/protocol.ts';
import {
  type ControlBase,
  type ControlOptions,
  createControlStore,
  type OpenControls,
} from '../conditions/controls.ts';
import { createLoraStore, type LoraChoice } from '../conditions/loras.ts';
import { type SessionChooser, sessionChooser } from '../devices/chooser.ts';
import { type LoadedMode, memoryMode, vaeTileFor } from '../devices/memory.ts';
import { choosePacking, keptExact, type Speed } from '../devices/packingChoice.ts';
import { type Placement, tileOnDevice } from '../devices/placement.ts';
import {
  createNetworks,
  type LoraFeeds,
  type NetworkName,
  type NetworkOptions,
  type Networks,
} from '../networks/networks.ts';
import { createPreviews } from '../networks/tinyDecoder.ts';
import type { SessionOptions } from '../runtime/sessions.ts';
import type { CheckpointGraphs } from '../weights/checkpoint.ts';
import type { PackedOptions } from '../weights/packedCache.ts';
import { stampOf } from '../weights/stamp.ts';
import { createMemo, type Memo } from './memo.ts';
import { type ModelPlan, planModels } from './plan.ts';
import { packNetworks, readyWeights } from './ready.ts';
import { remembering, type Scope } from './remembering.ts';
import { createShelf, type Shelf, type Shelved } from './shelf.ts';

export interface LoadedCheckpoint {
  readonly networks: Networks;
  readonly config: CheckpointConfig;
  readonly memory: LoadedMode;
  /** How other networks of the same job are to be opened. */
  readonly session: SessionOptions;
}

/** A loaded checkpoint with the LoRAs of one job attached. */
export interface ReadyCheckpoint extends LoadedCheckpoint {
  /** "name: applied 192 of 192 tensors", one per LoRA; why a speed was not used. Opening ControlNets may add to them. */
  readonly notes: readonly string[];
}

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
  readonly onLoad: (network: NetworkName, seconds: number) => void;
  /** See NetworkOptions. */
  readonly onCompile?: NetworkOptions['onCompile'];
  readonly signal: AbortSignal;
}

/** Told of a device before it is touched, and of the bytes that are wanted of its memory once they are known. */
type OnDevice = (device: DeviceName, bytes?: number) => void;

export interface EngineHost {
  /**
   * A checkpoint ready to run; those before it are freed unless their weights are mapped files (mode `cached`).
   * Other LoRAs or weights need no other sessions, unless they must be merged or are the first to change convolutions.
   */
  open(path: string, options: OpenOptions): Promise<ReadyCheckpoint>;
  /** The ControlNets and T2I-Adapters of a job on the checkpoint that is open, in order; others are freed. */
  openControls(paths: readonly string[]): Promise<OpenControls>;
  /** A small picture of what the open checkpoint's latent will become. */
  preview(latent: Tensor, settings: EngineSettings): Promise<RawImage>;
  /** How networks are to be opened by a job with these settings: on which device, and how written for it. */
  readonly session: SessionChooser;
  /** To be told of a device before it is touched. */
  readonly onDevice: OnDevice;
  /** Results kept between jobs, until everything is released. */
  readonly memo: Memo;
  release(): Promise<void>;
}

type ShelvedCheckpoint = LoadedCheckpoint &
  Shelved & {
    /** What ControlNets are opened for. */
    readonly controlled: ControlBase;
    /** Where most of its weights are read from, network by network. */
    readonly file: string;
    /** Whether its weights are packed: those of its ControlNets then are too. */
    readonly isPacked: boolean;
    /** What it could not be loaded as, and why. */
    readonly problems: readonly string[];
  };

type OnDevicePlacement = Extract<Placement, { on: 'device' }>;

interface CurrentJob {
  readonly lora: LoraFeeds;
  readonly onLoad: OpenOptions['onLoad'];
  readonly onCompile?: NetworkOptions['onCompile'];
  readonly pixels: number;
  readonly batch: number;
  /** Set where it runs on a device. */
  readonly placement?: OnDevicePlacement | undefined;
  /** Set where its weights are to be packed. */
  readonly packed?: PackedOptions | undefined;
  /** Of the job; see ReadyCheckpoint. */
  readonly notes: string[];
}

const NO_LORA: LoraFeeds = { unet: () => ({}), textEncoder: () => ({}) };
const NO_JOB: CurrentJob = { lora: NO_LORA, onLoad: () => undefined, pixels: 0, batch: 1, notes: [] };

/** `onDevice` is told of every device before it is touched: if the process then dies, it was the driver. */
export function createHost(onDevice: OnDevice = () => undefined): EngineHost {
  let loaded: ShelvedCheckpoint | undefined;
  const shelf = createShelf<ShelvedCheckpoint>();
  // Sessions outlive a job; what they call back to changes with each.
  let current = NO_JOB;
  const loraStore = createLoraStore();
  const controlStore = createControlStore();
  const previews = createPreviews();
  const memo = createMemo();
  const sessionFor = sessionChooser(onDevice);
  const open = async (path: string, options: OpenOptions): Promise<ReadyCheckpoint> => {
    const { settings, pixels, batch = 1, vae, loras } = options;
    const wanted = { checkpoint: path, vae, loras, pixels, batch };
    const plan = planModels(wanted, await sessionFor(settings), loraStore);
    const job = await currentJob(plan, options, onDevice);
    current = job;
    const { packed, notes } = job;
    const key = [plan.key, settings.threads, settings.memory, packed?.packing].join('|');
    if (loaded?.key !== key) {
      // Some ControlNets hold what they add to the checkpoint before.
      await controlStore.release();
      await previews.release();
      loaded = shelf.take(key);
    }
    // Its copy made room for others; networks that it has not used yet could not be loaded.
    if (loaded && !existsSync(loaded.file)) {
      await shelf.drop(loaded);
      loaded = undefined;
    }
    if (!loaded) {
      loaded = { ...(await load(plan, options, { packed, shelf, current: () => current })), key };
      shelf.put(loaded);
    }
    notes.push(...loaded.problems);
    const scope = scopeOf(loaded.key, loras, vaeTileOf(job, loaded.session, loaded.memory));
    return { ...loaded, networks: remembering(loaded.networks, memo, scope), notes };
  };
  const openControls: EngineHost['openControls'] = async (paths) => {
    if (!loaded) throw new Error('ControlNets are opened after their checkpoint');
    const networks = await controlStore.open(paths, loaded.controlled, controlOptions(loaded, current));
    return { networks, mix: controlStore.mix(loaded.session) };
  };
  const preview: EngineHost['preview'] = async (latent, settings) => {
    if (!loaded) throw new Error('previews are of the checkpoint that is open');
    return previews.of(latent, loaded, settings.tinyDecoder);
  };
  const release = async (): Promise<void> => {
    loaded = undefined;
    await shelf.releaseAll();
    await controlStore.release();
    await previews.release();
    memo.clear();
  };
  return { open, openControls, preview, session: sessionFor, onDevice, memo, release };
}

/** What of a job its networks ask for while they run; `onDevice` is told of its device. */
async function currentJob(
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

function controlOptions(
  { session, isPacked }: ShelvedCheckpoint,
  { packed, notes, placement, batch }: CurrentJob,
): ControlOptions {
  return {
    session,
    // Row by row, they would have to be cut there.
    residualsOnDevice: session.device === 'webgpu' && placement !== undefined && placement.rows >= 2 * batch,
    packed: isPacked ? packed : undefined,
    onProblem: (problem) => notes.push(`A ControlNet keeps its weights exact: ${problem}.`),
  };
}

interface Loading {
  readonly packed: PackedOptions | undefined;
  readonly shelf: Pick<Shelf<ShelvedCheckpoint>, 'makeRoom'>;
  readonly current: () => CurrentJob;
}

/** The weights made ready and networks over them; sessions are made when they are first needed. */
async function load(
  plan: ModelPlan,
  { settings, signal, speed = 'exact' }: OpenOptions,
  { packed, shelf, current }: Loading,
): Promise<Omit<ShelvedCheckpoint, 'key'>> {
  const { packed: networks, problem: unpacked } = packed ? await packNetworks(plan, packed) : {};
  const mayStay = settings.memory === 'cached' && !networks && plan.session.device === 'cpu';
  // Freed first: what is free then decides on the memory mode.
  await shelf.makeRoom(mayStay);
  const memory = memoryMode(settings.memory, plan.checkpoint.float32Bytes, networks && packed?.packing);
  const ready = { memory, cacheDir: settings.cacheDir, signal, packed: networks };
  const { checkpoint, problem } = await readyWeights(plan, ready);
  const { graphs, config, path: file } = checkpoint;
  const isPacked = networks !== undefined;
  const prepack = isPacked && typeof packed?.packing === 'number';
  const session = { ...plan.session, castWhileRunning: memory === 'low', prepack };
  const running = lasting(graphs, session, memory, current);
  const problems = [
    ...(unpacked === undefined ? [] : [keptExact(speed, unpacked)]),
    ...(problem === undefined ? [] : [`Memory mode "cached" goes without its copy: ${problem}.`]),
  ];
  return {
    networks: running,
    config,
    memory,
    session,
    file,
    isPacked,
    problems,
    controlled: controlBase(plan),
    isEvictable: mayStay && problem === undefined,
    release: running.release,
  };
}

/** Networks that outlive a job: what they call back to, and what is given to them besides, is asked for each time. */
function lasting(
  graphs: CheckpointGraphs,
  session: SessionOptions,
  memory: LoadedMode,
  current: () => CurrentJob,
): Networks {
  const options: NetworkOptions = {
    session,
    oneAtATime: memory === 'low' || current().placement?.oneAtATime === true,
    vaeTile: () => vaeTileOf(current(), session, memory),
    rows: () => current().placement?.rows ?? Number.POSITIVE_INFINITY,
    onLoad: (network, seconds) => current().onLoad(network, seconds),
    onCompile: () => current().onCompile?.() ?? (() => undefined),
  };
  return createNetworks(graphs, options, {
    unet: () => current().lora.unet(),
    textEncoder: (index) => current().lora.textEncoder(index),
  });
}

/** A GPU's own memory decides where it is known, else the machine's. */
function vaeTileOf(
  { pixels, placement }: CurrentJob,
  { target }: SessionOptions,
  memory: LoadedMode,
): number {
  if (placement?.vaeBytes === undefined) return vaeTileFor(pixels, memory);
  return tileOnDevice(pixels, placement.vaeBytes, target.precision === 'float16' ? 2 : 4);
}

function scopeOf(key: string, loras: readonly LoraChoice[], vaeTile: number): Scope {
  const texts = loras.map(({ path, textWeight }) => [stampOf(path), textWeight].join('|'));
  return { text: [key, ...texts].join('|'), image: [key, vaeTile].join('|') };
}

/** The checkpoint's own U-Net, without what LoRAs merge into it. */
function controlBase({ checkpoint: { path, config, parts } }: ModelPlan): ControlBase {
  return { unet: config.unet, weights: fileParameters(path, parts.unet) };
}
