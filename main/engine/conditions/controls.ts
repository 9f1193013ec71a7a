/** ControlNets and T2I-Adapters kept between jobs. */
import { describeDetection } from '../../../native-models/inspect/describe.ts';
import { detect } from '../../../native-models/inspect/detect.ts';
import { openWeights } from '../../../native-models/weights/open.ts';
import { WeightsError, type WeightsFile } from '../../../native-models/weights/tensors.ts';
import { PLAIN_MIX, type ResidualMix } from '../../pipeline/control.ts';
import type { SessionOptions } from '../runtime/sessions.ts';
import { stampOf } from '../weights/stamp.ts';
import {
  type ControlBase,
  type ControlOptions,
  fittingConfig,
  type OpenControl,
  openControlNet,
  openDifference,
} from './controlNets.ts';
import { type DeviceMix, deviceMix } from './residualMix.ts';
import { openT2iAdapter } from './t2iAdapters.ts';

/** Controls that are kept while jobs want them. */
export interface ControlStore {
  /**
   * The controls of a job, in order; those of the job before that are not among them are freed.
   * Throws WeightsError for a file that is no ControlNet or T2I-Adapter, or was made for another base.
   */
  open(paths: readonly string[], base: ControlBase, options?: ControlOptions): Promise<OpenControl[]>;
  /** Arithmetic on what they add, wherever it lies. */
  mix(session: SessionOptions): ResidualMix;
  release(): Promise<void>;
}

/** The controls of a job, and how what they add is put together. */
export interface OpenControls {
  readonly networks: readonly OpenControl[];
  readonly mix: ResidualMix;
}

/** Keeps the controls of the last job. */
export function createControlStore(): ControlStore {
  const loaded = new Map<string, OpenControl>();
  let mix: DeviceMix | undefined;
  const keepOnly = async (keys: readonly string[]): Promise<void> => {
    for (const [key, control] of [...loaded]) {
      if (keys.includes(key)) continue;
      loaded.delete(key);
      await control.release();
    }
  };
  const open: ControlStore['open'] = async (paths, base, options = {}) => {
    const how = JSON.stringify([options.session, options.packed?.packing, options.residualsOnDevice]);
    const keys = paths.map((path) => stampOf(path) + how);
    await keepOnly(keys);
    const controls: OpenControl[] = [];
    for (const [index, path] of paths.entries()) {
      const control = loaded.get(keys[index]!) ?? (await openControl(openWeights(path), base, options));
      loaded.set(keys[index]!, control);
      controls.push(control);
    }
    return controls;
  };
  return {
    open,
    mix: (session) => {
      if (session.device !== 'webgpu') return PLAIN_MIX;
      mix ??= deviceMix(session);
      return mix;
    },
    release: async () => {
      await keepOnly([]);
      await mix?.release();
      mix = undefined;
    },
  };
}

/** Opens what the file is, or says what it is instead. */
function openControl(file: WeightsFile, base: ControlBase, options: ControlOptions): Promise<OpenControl> {
  const found = detect(file);
  if (found.type === 't2i-adapter' && found.kind === 'full')
    return openT2iAdapter(file, base.unet, options.session);
  if (found.type === 'controlnet' && found.kind === 'difference') return openDifference(file, base, options);
  if (found.type === 'controlnet' && found.kind === 'normal')
    return openControlNet(file, fittingConfig(file, base.unet), options);
  throw new WeightsError(
    file.path,
    `this is ${describeDetection(found)}, which cannot be run here`,
    'Choose a ControlNet or a full T2I-Adapter made for this model',
  );
}
