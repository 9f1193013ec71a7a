/** ControlNets as sessions, and their residuals as inputs of the U-Net. */
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { compileControlNet, skipChannels } from '../../native-models/compile.ts';
import type { ControlNetConfig, UnetConfig } from '../../native-models/models/configs.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import type { WeightsFile } from '../../native-models/weights/tensors.ts';
import type { ControlInput, ControlResiduals } from '../pipeline/model.ts';
import { createSession, DEFAULT_SESSION, type SessionOptions } from './sessions.ts';
import { type Feeds, fromOrt, toOrt } from './tensors.ts';

/** A loaded ControlNet. */
export interface OpenControlNet {
  /** Residuals at weight 1; `hint` may have one row for a latent of many. */
  run(input: Omit<ControlInput, 'control'>): Promise<ControlResiduals>;
  release(): Promise<void>;
}

/** Blocks while the weights are read. Throws WeightsError when the file lacks a tensor of `config`. */
export async function openControlNet(
  file: WeightsFile,
  config: ControlNetConfig,
  session: SessionOptions = DEFAULT_SESSION,
): Promise<OpenControlNet> {
  const source = fileParameters(file.path, canonicalTensors(file, 'controlnet'));
  const { graph } = compileControlNet(source, config, {
    flavour: session.device === 'cpu' ? 'cpu' : 'webgpu',
  });
  const opened = await createSession(graph, session);
  return { run: (input) => runControlNet(opened, input), release: () => opened.release() };
}

async function runControlNet(
  session: InferenceSession,
  { latent, timestep, context, y, hint }: Omit<ControlInput, 'control'>,
): Promise<ControlResiduals> {
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
    : [...channels, channels.at(-1)!].map((count) => zeroOrt([1, count, 1, 1]));
  return Object.fromEntries(values.map((value, index) => [`residual.${index}`, value]));
}

function zeroOrt(shape: readonly [number, number, number, number]): OrtTensor {
  return new OrtTensor('float32', new Float32Array(shape[0] * shape[1] * shape[2] * shape[3]), shape);
}
