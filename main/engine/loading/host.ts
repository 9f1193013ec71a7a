/** What the engine keeps loaded between jobs: the last checkpoints, as far as memory goes. */
import { existsSync } from 'node:fs';
import type { Tensor } from '../../pipeline/tensor.ts';
import type { EngineSettings, RawImage } from '../border/protocol.ts';
import type { ControlOptions } from '../conditions/controlNets.ts';
import { createControlStore, type OpenControls } from '../conditions/controls.ts';
import { createLoraStore, type LoraChoice } from '../conditions/loras.ts';
import { type SessionChooser, sessionChooser } from '../devices/chooser.ts';
import { createPreviews } from '../networks/tinyDecoder.ts';
import { stampOf } from '../weights/stamp.ts';
import {
  type CurrentJob,
  currentJob,
  NO_JOB,
  type OnDevice,
  type OpenOptions,
  vaeTileOf,
} from './currentJob.ts';
import { type LoadedCheckpoint, load, type ShelvedCheckpoint } from './load.ts';
import { createMemo, type Memo } from './memo.ts';
import { planModels } from './plan.ts';
import { remembering, type Scope } from './remembering.ts';
import { createShelf } from './shelf.ts';

/** A loaded checkpoint with the LoRAs of one job attached. */
export interface ReadyCheckpoint extends LoadedCheckpoint {
  /** "name: applied 192 of 192 tensors", one per LoRA; why a speed was not used. Opening ControlNets may add to them. */
  readonly notes: readonly string[];
}

/** The engine's models; what is opened here stays loaded while it may be of use. */
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

/** `onDevice` is told of every device before it is touched: if the process then dies, it was the driver. */
export function createHost(onDevice: OnDevice = () => undefined): EngineHost {
  let loaded: ShelvedCheckpoint | undefined;
  let current = NO_JOB;
  const shelf = createShelf<ShelvedCheckpoint>();
  const loraStore = createLoraStore();
  const controlStore = createControlStore();
  const previews = createPreviews();
  const memo = createMemo();
  const sessionFor = sessionChooser(onDevice);
  /** Another checkpoint's turn: the one that was kept under this key. */
  const taken = async (key: string): Promise<ShelvedCheckpoint | undefined> => {
    // Some ControlNets hold what they add to the checkpoint before.
    await controlStore.release();
    await previews.release();
    return shelf.take(key);
  };
  const open = async (path: string, options: OpenOptions): Promise<ReadyCheckpoint> => {
    const { settings, pixels, batch = 1, vae, loras } = options;
    const wanted = { checkpoint: path, vae, loras, pixels, batch };
    const plan = planModels(wanted, await sessionFor(settings), loraStore);
    current = await currentJob(plan, options, onDevice);
    const { packed, notes } = current;
    const key = [plan.key, settings.threads, settings.memory, packed?.packing].join('|');
    if (loaded?.key !== key) loaded = await taken(key);
    // Its copy made room for others; networks that it has not used yet could not be loaded.
    if (loaded && !existsSync(loaded.file)) {
      await shelf.drop(loaded);
      loaded = undefined;
    }
    if (!loaded) {
      loaded = { ...(await load(plan, options, { shelf, current: () => current })), key };
      shelf.put(loaded);
    }
    notes.push(...loaded.problems);
    const scope = scopeOf(loaded.key, loras, vaeTileOf(current, loaded.session, loaded.memory));
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

function scopeOf(key: string, loras: readonly LoraChoice[], vaeTile: number): Scope {
  const texts = loras.map(({ path, textWeight }) => [stampOf(path), textWeight].join('|'));
  return { text: [key, ...texts].join('|'), image: [key, vaeTile].join('|') };
}
