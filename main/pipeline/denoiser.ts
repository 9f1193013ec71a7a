/** From raw network output to denoised(x, sigma): what eps, v and sample models say, and classifier-free guidance. */
import type { PredictionType } from '../../native-models/models/configs.ts';
import { type Shortcuts, SPEED_SHORTCUTS } from '../../preload/shortcuts.ts';
import { type Conditioning, type Evaluate, evaluateSides } from './evaluation.ts';
import type { Denoise, Denoised } from './samplers/sampler.ts';
import { deepFeaturesAt, learnt, NOTHING_KNOWN, negativeBehind, planStep } from './shortcuts/plan.ts';
import type { ModelSigmas } from './sigmas/modelSigmas.ts';
import type { Tensor } from './tensor.ts';

/** What the network was trained to say: the noise, the velocity, or, as no checkpoint here does, the clean latent. */
export type NetworkOutput = PredictionType | 'sample';

export interface DenoiserOptions {
  readonly evaluate: Evaluate;
  readonly predictionType: NetworkOutput;
  readonly sigmas: ModelSigmas;
  readonly conditioning: Conditioning;
  readonly guidanceScale: number;
  /** Predict for the negative prompt even where guidance ignores it (CFG++ samplers). */
  readonly alwaysNegative?: boolean;
  /** What may be left out; nothing when absent. */
  readonly shortcuts?: Shortcuts;
}

/**
 * denoised(x, sigma) with guidance: negative + scale·(positive - negative) (Ho & Salimans 2022, eq. 6, on denoised).
 * At scale 1, and outside the guidance interval, the negative prompt is not evaluated. A denoiser serves one walk: with
 * shortcuts it learns from step to step.
 */
export function guidedDenoiser(options: DenoiserOptions): Denoise {
  const { alwaysNegative = false, shortcuts = SPEED_SHORTCUTS.exact } = options;
  let known = NOTHING_KNOWN;
  return async (x, sigma) => {
    const { low, high } = shortcuts.guidanceInterval;
    const guidanceScale = sigma >= low && sigma <= high ? options.guidanceScale : 1;
    const at = options.sigmas.timestepOf(sigma);
    const wantsNegative = guidanceScale !== 1 || alwaysNegative;
    const step = { sigma, timestep: at, guidanceScale, wantsNegative, readsNegative: alwaysNegative };
    const plan = planStep(known, step, shortcuts);
    const kept = shortcuts.deepBound > 0 ? ({ deep: 'keep' } as const) : {};
    const deep = plan.fromDeep ? { deep: deepFeaturesAt(known, plan.sides, at) } : kept;
    const outputs = await evaluateSides(options, networkInput(x, sigma), sigma, {
      sides: plan.sides,
      ...deep,
    });
    const positive = outputs.positive!;
    const negative = plan.fromDifference ? negativeBehind(positive, known, at) : outputs.negative;
    known = learnt(known, plan, outputs, at, shortcuts);
    const clean = (output: Tensor): Tensor => denoisedFrom(x, sigma, output, options.predictionType);
    return negative ? guided(clean(positive), clean(negative), guidanceScale) : clean(positive);
  };
}

/** x/√(sigma²+1): unit variance, as the network expects it (Karras et al. 2022, c_in for variance-preserving models). */
export function networkInput(x: Tensor, sigma: number): Tensor {
  const scale = 1 / Math.sqrt(sigma ** 2 + 1);
  return { data: x.data.map((value) => value * scale), shape: x.shape };
}

/** Clean latent behind x, from the network's output for networkInput(x, sigma). All shapes alike. */
export function denoisedFrom(
  x: Tensor,
  sigma: number,
  output: Tensor,
  predictionType: NetworkOutput,
): Tensor {
  const [skip, out] = outputWeights(sigma, predictionType);
  const data = new Float32Array(x.data.length);
  for (let i = 0; i < data.length; i++) data[i] = skip * x.data[i]! + out * output.data[i]!;
  return { data, shape: x.shape };
}

/** denoised = skip·x + out·output; with alpha = 1/√(1+sigma²), v is that of Salimans & Ho 2022, §4, carried to sigma space. */
function outputWeights(sigma: number, predictionType: NetworkOutput): readonly [skip: number, out: number] {
  switch (predictionType) {
    case 'eps':
      return [1, -sigma];
    case 'v':
      return [1 / (sigma ** 2 + 1), -sigma / Math.sqrt(sigma ** 2 + 1)];
    case 'sample':
      return [0, 1];
  }
}

function guided(positive: Tensor, negative: Tensor, scale: number): Denoised {
  const data = new Float32Array(positive.data.length);
  for (let i = 0; i < data.length; i++) {
    const base = negative.data[i]!;
    data[i] = base + (positive.data[i]! - base) * scale;
  }
  return { data, shape: positive.shape, negative };
}
