/** ControlNets as sessions; their hints go through an encoder of their own, once per picture. */
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { compileControlNet, compileHintEncoder } from '../../../native-models/compile.ts';
import { controlNetConfig } from '../../../native-models/inspect/config.ts';
import type { ParameterSource } from '../../../native-models/layers/scope.ts';
import type { ControlNetConfig, UnetConfig } from '../../../native-models/models/configs.ts';
import { canonicalTensors } from '../../../native-models/weights/keys.ts';
import { addedParameters, fileParameters } from '../../../native-models/weights/source.ts';
import { WeightsError, type WeightsFile } from '../../../native-models/weights/tensors.ts';
import { stackedRows } from '../../pipeline/evaluation.ts';
import type { ControlInput, ControlResiduals } from '../../pipeline/model.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import { createSession, DEFAULT_SESSION, type SessionOptions } from '../runtime/sessions.ts';
import { fromOrt, runOne, toOrt } from '../runtime/tensors.ts';
import { type PackedOptions, packedOrPlain } from '../weights/packedCache.ts';

/** A loaded ControlNet or T2I-Adapter. */
export interface OpenControl {
  /** Residuals at weight 1; `hint` may have one row for a latent of many. */
  run(input: Omit<ControlInput, 'control'>): Promise<ControlResiduals>;
  release(): Promise<void>;
}

/** What is controlled. */
export interface ControlBase {
  readonly unet: UnetConfig;
  /** Its own weights, for ControlNets that are stored as a difference to them. */
  readonly weights: ParameterSource;
}

/** How controls are opened. */
export interface ControlOptions {
  readonly session?: SessionOptions;
  /** For a ControlNet with packed weights. */
  readonly packed?: PackedOptions | undefined;
  /** Leave residuals on the device, for `mix` and the U-Net there. */
  readonly residualsOnDevice?: boolean;
  /** Told why one keeps its own weights all the same, as half a sentence. */
  readonly onProblem?: (problem: string) => void;
}

/** A ControlNet fits when its blocks are the U-Net's; its own first convolution always reads the plain latent. */
export function fittingConfig(file: WeightsFile, unet: UnetConfig): ControlNetConfig {
  const config = controlNetConfig(file);
  const same = (['modelChannels', 'channelMult', 'numResBlocks', 'contextDim', 'admChannels'] as const).every(
    (field) => String(config[field]) === String(unet[field]),
  );
  if (same) return config;
  const problem = `it controls a U-Net of ${config.modelChannels} channels that reads text of width ${config.contextDim}, the model has ${unet.modelChannels} and ${unet.contextDim}`;
  throw new WeightsError(file.path, problem, 'Choose a ControlNet made for this model (SD 1.x, 2.x or SDXL)');
}

/**
 * Blocks while the weights are read; packs them first where nobody has yet. Throws WeightsError when the file lacks a
 * tensor of `config`.
 */
export async function openControlNet(
  file: WeightsFile,
  config: ControlNetConfig,
  { session = DEFAULT_SESSION, packed, residualsOnDevice, onProblem }: ControlOptions = {},
): Promise<OpenControl> {
  const plain = canonicalTensors(file, 'controlnet');
  const { tensors, problem } = packed
    ? await packedOrPlain('controlnet', plain, packed)
    : { tensors: plain, problem: undefined };
  if (problem !== undefined) onProblem?.(problem);
  const prepack = session.prepack && problem === undefined;
  return controlNetOver(
    fileParameters(file.path, tensors),
    config,
    { ...session, prepack },
    residualsOnDevice,
  );
}

/** A file marked `difference` holds what is to be added to the U-Net's own weights; the sum is float32. */
export function openDifference(
  file: WeightsFile,
  { unet, weights }: ControlBase,
  { session = DEFAULT_SESSION, residualsOnDevice }: ControlOptions,
): Promise<OpenControl> {
  const own = fileParameters(file.path, canonicalTensors(file, 'controlnet'));
  return controlNetOver(addedParameters(own, weights), fittingConfig(file, unet), session, residualsOnDevice);
}

async function controlNetOver(
  source: ParameterSource,
  config: ControlNetConfig,
  session: SessionOptions,
  residualsOnDevice = false,
): Promise<OpenControl> {
  const { graph } = compileControlNet(source, config, session.target);
  // The first stays on the CPU: deep features, which are worked on there, take it along (see DeepFeatures).
  const outputsOnDevice = graph.outputs.map(({ name }) => name).filter((name) => name !== 'residual.0');
  const opened = await createSession(graph, { ...session, ...(residualsOnDevice && { outputsOnDevice }) });
  const features = oncePerHint(async (picture) => {
    // Open for one run: it holds more for a picture than its few weights.
    const encoder = await createSession(compileHintEncoder(source, config, session.target), session);
    try {
      return await runOne(encoder, { picture: toOrt(picture) }, 'hint');
    } finally {
      await encoder.release();
    }
  });
  return {
    run: async (input) => {
      const hint = await features(input.hint, input.latent.shape[0]!);
      return runControlNet(opened, config, { ...input, hint });
    },
    release: () => opened.release(),
  };
}

/**
 * `compute` once for every hint, as long as somebody holds the hint: for all steps of a picture. It may give one row for
 * all; as many rows as were asked for before are not copied together again.
 */
function oncePerHint(
  compute: (hint: Tensor) => Promise<Tensor>,
): (hint: Tensor, rows: number) => Promise<Tensor> {
  const known = new WeakMap<Tensor, { readonly computed: Tensor; readonly byRows: Map<number, Tensor> }>();
  return async (hint, rows) => {
    const { computed, byRows } = known.get(hint) ?? { computed: await compute(hint), byRows: new Map() };
    known.set(hint, { computed, byRows });
    const fitting = byRows.get(rows) ?? stackedRows([computed], rows);
    byRows.set(rows, fitting);
    return fitting;
  };
}

/** `hint` is what the hint encoder made of it. */
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
