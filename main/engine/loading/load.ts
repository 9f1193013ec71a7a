/** A planned checkpoint loaded: its weights made ready, and networks over them that outlive the job. */
import type { CheckpointConfig } from '../../../native-models/models/configs.ts';
import { fileParameters } from '../../../native-models/weights/source.ts';
import type { ControlBase } from '../conditions/controlNets.ts';
import { type LoadedMode, memoryMode } from '../devices/memory.ts';
import { keptExact } from '../devices/packingChoice.ts';
import { createNetworks, type NetworkOptions, type Networks } from '../networks/networks.ts';
import type { SessionOptions } from '../runtime/sessions.ts';
import type { CheckpointGraphs } from '../weights/checkpoint.ts';
import { type CurrentJob, type OpenOptions, vaeTileOf } from './currentJob.ts';
import type { ModelPlan } from './plan.ts';
import { packNetworks, readyWeights } from './ready.ts';
import type { Shelf, Shelved } from './shelf.ts';

/** A checkpoint with networks to run. */
export interface LoadedCheckpoint {
  readonly networks: Networks;
  readonly config: CheckpointConfig;
  readonly memory: LoadedMode;
  /** How other networks of the same job are to be opened. */
  readonly session: SessionOptions;
}

/** A loaded checkpoint as it is kept between jobs. */
export type ShelvedCheckpoint = LoadedCheckpoint &
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

interface Surroundings {
  readonly shelf: Pick<Shelf<ShelvedCheckpoint>, 'makeRoom'>;
  /** The job that runs, at any time from now on. */
  readonly current: () => CurrentJob;
}

/** The weights made ready and networks over them; sessions are made when they are first needed. */
export async function load(
  plan: ModelPlan,
  { settings, signal, speed = 'exact' }: OpenOptions,
  { shelf, current }: Surroundings,
): Promise<Omit<ShelvedCheckpoint, 'key'>> {
  const { packed } = current();
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
    onLoad: (network, seconds) => current().onLoad?.(network, seconds),
    onCompile: () => current().onCompile?.() ?? (() => undefined),
  };
  return createNetworks(graphs, options, {
    unet: () => current().lora.unet(),
    textEncoder: (index) => current().lora.textEncoder(index),
  });
}

/** The checkpoint's own U-Net, without what LoRAs merge into it. */
function controlBase({ checkpoint: { path, config, parts } }: ModelPlan): ControlBase {
  return { unet: config.unet, weights: fileParameters(path, parts.unet) };
}
