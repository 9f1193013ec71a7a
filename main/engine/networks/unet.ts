/** One evaluation of the U-Net: the whole of it, or its outer blocks on deep features of an earlier step. */
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { UnetConfig } from '../../../native-models/models/configs.ts';
import type { DeepFeatures, NoisePrediction, NoisePredictionInput } from '../../pipeline/model.ts';
import { type Feeds, fromOrt, runOne, toOrt } from '../runtime/tensors.ts';
import { residualFeeds } from './residualFeeds.ts';

/** `lora`: the LoRA matrices of the moment. */
export async function predictNoise(
  opening: Promise<InferenceSession>,
  config: UnetConfig,
  input: NoisePredictionInput,
  lora: Feeds,
): Promise<NoisePrediction> {
  const session = await opening;
  // A U-Net built without control has no such inputs; residuals given to it all the same are an error there.
  const takesControl = session.inputNames.includes('residual.0') || input.residuals !== undefined;
  const control = takesControl ? residualFeeds(config, input.residuals) : {};
  const feeds = { ...noiseFeeds(input), ...control, ...lora };
  if (input.deep === undefined) return runOne(session, feeds, 'noise');
  const outputs = await session.run(feeds, ['noise', 'deep']);
  return { ...fromOrt(outputs['noise']), deep: { feature: fromOrt(outputs['deep']) } };
}

/** `opening` is of the outer blocks; of `lora` they take what they have inputs for. */
export async function predictFromDeep(
  opening: Promise<InferenceSession>,
  config: UnetConfig,
  input: NoisePredictionInput & { readonly deep: DeepFeatures },
  lora: Feeds,
): Promise<NoisePrediction> {
  const session = await opening;
  const { feature, residual } = input.deep;
  const all: Feeds = {
    ...noiseFeeds(input),
    deep: toOrt(feature),
    ...(residual ? { 'residual.0': toOrt(residual) } : residualFeeds(config)),
    ...lora,
  };
  const feeds = session.inputNames.map((name) => [name, all[name]!] as const);
  return runOne(session, Object.fromEntries(feeds), 'noise');
}

function noiseFeeds({ latent, timestep, context, y }: NoisePredictionInput): Feeds {
  return {
    latent: toOrt(latent),
    timestep: new OrtTensor('float32', timestep, [timestep.length]),
    context: toOrt(context),
    ...(y && { y: toOrt(y) }),
  };
}
