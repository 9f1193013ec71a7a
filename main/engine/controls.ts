/** ControlNets as sessions, kept between jobs, and their residuals as inputs of the U-Net. */
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { compileControlNet, skipChannels } from '../../native-models/compile.ts';
import { controlNetConfig } from '../../native-models/inspect/config.ts';
import type { ControlNetConfig, UnetConfig } from '../../native-models/models/configs.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { openWeights } from '../../native-models/weights/open.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import { WeightsError, type WeightsFile } from '../../native-models/weights/tensors.ts';
import type { ControlInput, ControlResiduals } from '../pipeline/model.ts';
import { type PackedOptions, withPackedWeights } from './integers/packedCache.ts';
import { stampOf } from './requestFiles.ts';
import { createSession, DEFAULT_SESSION, type SessionOptions } from './sessions.ts';
import { type Feeds, fromOrt, toOrt } from './tensors.ts';

/** A loaded ControlNet. */
export interface OpenControlNet {
  /** Residuals at weight 1; `hint` may have one row for a latent of many. */
  run(input: Omit<ControlInput, 'control'>): Promise<ControlResiduals>;
  release(): Promise<void>;
}

export interface ControlStore {
  /**
   * The ControlNets of a job, in order; those of the job before that are not among them are freed.
   * Throws WeightsError for a file that is no ControlNet or was made for another base than `unet`.
   */
  open(paths: readonly string[], unet: UnetConfig, options?: ControlOptions): Promise<OpenControlNet[]>;
  release(): Promise<void>;
}

export interface ControlOptions {
  readonly session?: SessionOptions;
  /** For a ControlNet in integers. */
  readonly packed?: PackedOptions | undefined;
}

export function createControlStore(): ControlStore {
  const loaded = new Map<string, OpenControlNet>();
  const keepOnly = async (keys: readonly string[]): Promise<void> => {
    for (const [key, control] of [...loaded]) {
      if (keys.includes(key)) continue;
      loaded.delete(key);
      await control.release();
    }
  };
  const open: ControlStore['open'] = async (paths, unet, options = {}) => {
    const how = JSON.stringify([options.session, options.packed?.bits]);
    const keys = paths.map((path) => stampOf(path) + how);
    await keepOnly(keys);
    const controls: OpenControlNet[] = [];
    for (const [index, path] of paths.entries()) {
      const file = openWeights(path);
      const config = fittingConfig(file, unet);
      const control = loaded.get(keys[index]!) ?? (await openControlNet(file, config, options));
      loaded.set(keys[index]!, control);
      controls.push(control);
    }
    return controls;
  };
  return { open, release: () => keepOnly([]) };
}

/** A ControlNet fits when its blocks are the U-Net's; its own first convolution always reads the plain latent. */
function fittingConfig(file: WeightsFile, unet: UnetConfig): ControlNetConfig {
  const config = controlNetConfig(file);
  if (file.tensors.has('difference'))
    throw new WeightsError(
      file.path,
      'it holds only the difference to a base model',
      'Use the complete ControlNet of the same kind',
    );
  const same = (['modelChannels', 'channelMult', 'numResBlocks', 'contextDim', 'admChannels'] as const).every(
    (field) => String(config[field]) === String(unet[field]),
  );
  if (same) return config;
  const problem = `it controls a U-Net of ${config.modelChannels} channels that reads text of width ${config.contextDim}, the model has ${unet.modelChannels} and ${unet.contextDim}`;
  throw new WeightsError(file.path, problem, 'Choose a ControlNet made for this model (SD 1.x, 2.x or SDXL)');
}

/** Blocks while the weights are read; packs them first where nobody has yet. Throws WeightsError when the file lacks a tensor of `config`. */
export async function openControlNet(
  file: WeightsFile,
  config: ControlNetConfig,
  { session = DEFAULT_SESSION, packed }: ControlOptions = {},
): Promise<OpenControlNet> {
  const tensors = canonicalTensors(file, 'controlnet');
  const usable = packed ? await withPackedWeights('controlnet', tensors, packed) : tensors;
  const source = fileParameters(file.path, usable);
  const { graph } = compileControlNet(source, config, session.target);
  const opened = await createSession(graph, session);
  return {
    run: (input) => runControlNet(opened, config, input),
    release: () => opened.release(),
  };
}

async function runControlNet(
  session: InferenceSession,
  { inChannels }: ControlNetConfig,
  { latent, timestep, context, y, hint }: Omit<ControlInput, 'control'>,
): Promise<ControlResiduals> {
  if (latent.shape[1] !== inChannels)
    throw new RangeError(`the ControlNet reads ${inChannels} channels, the latent has ${latent.shape[1]}`);
  const outputs = await session.run({
    latent: toOrt(latent),
    timestep: new OrtTensor('float32', timestep, [timestep.length]),
    context: toOrt(context),
    hint: toOrt(hint),
    ...(y && { y: toOrt(y) }),
  });
  const all = session.outputNames.map((_, index) => fromOrt(outputs[`residual.${index}`]));
  return { skips: all.slice(0, -1), middle: all.at(-1)! };
}

/** The residual inputs of a U-Net compiled with `control`: those given, or zeros that broadcast. */
export function residualFeeds(
  config: Pick<UnetConfig, 'modelChannels' | 'channelMult' | 'numResBlocks'>,
  residuals?: ControlResiduals,
): Feeds {
  const channels = skipChannels(config);
  const values = residuals
    ? [...residuals.skips, residuals.middle].map(toOrt)
    : [...channels, channels.at(-1)!].map(
        (count) => new OrtTensor('float32', new Float32Array(count), [1, count, 1, 1]),
      );
  return Object.fromEntries(values.map((value, index) => [`residual.${index}`, value]));
}
