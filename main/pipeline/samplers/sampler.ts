/** What every sampler is: a function from (denoiser, noise, sigmas) to a clean latent that never learns what the model is. */
import type { ModelSigmas } from '../sigmas/modelSigmas.ts';
import type { Tensor } from '../tensor.ts';

/** The predicted clean latent. CFG++ samplers also need what the negative prompt alone predicts. */
export interface Denoised extends Tensor {
  readonly negative?: Tensor;
}

/** denoised(x, sigma) after guidance, masks and control (Karras et al. 2022, D in eq. 2). Never writes to `x`. */
export type Denoise = (x: Tensor, sigma: number) => Promise<Denoised>;

/** Unit-normal noise of x's shape for the stretch from `sigma` to `sigmaNext`. */
export type StepNoise = (sigma: number, sigmaNext: number) => Tensor;

/** A step about to be taken: `x` before it, and what the model sees behind the noise. */
export interface StepReport {
  readonly step: number;
  readonly sigma: number;
  readonly x: Tensor;
  readonly denoised: Tensor;
}

/** Parameters of single samplers. Each has ComfyUI's default, and a sampler reads only its own. */
export interface SamplerParameters {
  /** How much of the noise ancestral and SDE samplers renew: 0 = none (an ODE), 1 = all. */
  readonly eta?: number;
  /** Factor on all noise that is added. */
  readonly noiseScale?: number;
  /** Stochasticity of Karras et al. 2022, Algorithm 2, and the sigmas between which it acts. */
  readonly churn?: number;
  readonly churnMin?: number;
  readonly churnMax?: number;
  /** Highest order of multistep samplers. */
  readonly order?: number;
  /** Where in a step a two-stage sampler evaluates for the second time, 0–1. */
  readonly midpoint?: number;
  /** Extrapolation of gradient_estimation; 1 = Euler. */
  readonly gamma?: number;
  /** [from, to]: the sigmas between which SA-Solver is stochastic. */
  readonly stochasticRange?: readonly [number, number];
  /** Error control of dpm_adaptive. */
  readonly relativeTolerance?: number;
  readonly absoluteTolerance?: number;
}

export interface SamplerOptions extends SamplerParameters {
  /** Asked for only by samplers that add noise. */
  readonly noise: StepNoise;
  readonly onStep?: (report: StepReport) => void | Promise<void>;
  /** Looked at before every step; the sampler then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Walks `x` ([B, C, h, w], standard deviation about sigmas[0]) down the sigmas, which descend and normally end in 0.
 * Fewer than two sigmas mean no step: `x` comes back.
 */
export type Sampler = (
  denoise: Denoise,
  x: Tensor,
  sigmas: Float32Array,
  options: SamplerOptions,
) => Promise<Tensor>;

/** A row of the registry: a sampler and what a caller must know to run it. */
export interface SamplerEntry {
  readonly sample: Sampler;
  /** none: noise is never asked for; steps: independent draws; brownian: one path for all steps. */
  readonly noise: 'none' | 'steps' | 'brownian';
  /** Its sigmas are planned one step longer and lose the last one before 0. */
  readonly discardsPenultimate?: true;
  /** It visits the second sigma twice. */
  readonly repeatsSecond?: true;
  /** In diffusers it stops at the model's smallest sigma instead of 0. */
  readonly keepsSmallestSigma?: true;
  /** It reads the negative prompt's prediction, which must then be computed even at guidance 1. */
  readonly readsNegative?: true;
  /** Parameters whose default depends on the model's noise levels; to be passed with the options. */
  readonly parameters?: (model: ModelSigmas) => SamplerParameters;
}

/** Where a sampler stands when it has asked the model. */
export interface Stage {
  readonly step: number;
  readonly sigma: number;
  readonly sigmaNext: number;
  readonly x: Tensor;
  readonly denoised: Denoised;
}

/** A place on the way: a latent and its noise level. */
export interface Place {
  readonly x: Tensor;
  readonly sigma: number;
}

/** The loop all samplers share: depart, predict, report, advance, once per pair of neighbouring sigmas. */
export async function walk(
  denoise: Denoise,
  start: Tensor,
  sigmas: Float32Array,
  options: SamplerOptions,
  advance: (stage: Stage) => Tensor | Promise<Tensor>,
  depart: (place: Place) => Place = (place) => place,
): Promise<Tensor> {
  let x = start;
  for (let step = 0; step + 1 < sigmas.length; step++) {
    options.signal?.throwIfAborted();
    const from = depart({ x, sigma: sigmas[step]! });
    const denoised = await denoise(from.x, from.sigma);
    await options.onStep?.({ step, ...from, denoised });
    x = await advance({ step, ...from, sigmaNext: sigmas[step + 1]!, denoised });
  }
  return x;
}
