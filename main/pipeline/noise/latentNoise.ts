/** All the noise one generation needs: the initial latent and what its sampler adds on the way, from one seed. */
import type { StepNoise } from '../samplers/sampler.ts';
import { type Nchw, sizeOf, type Tensor } from '../tensor.ts';
import { brownianNoise } from './brownian.ts';
import type { NoiseGenerator, RngKind } from './generator.ts';
import { philoxGenerator } from './philox.ts';
import { torchGenerator } from './torchGenerator.ts';

export interface NoiseRequest {
  readonly rng: RngKind;
  /** 64 bits. */
  readonly seed: bigint;
  /** `batch`: all pictures from one draw (ComfyUI). `increment`: picture i has the seed + i to itself (A1111). */
  readonly batchSeeds: 'batch' | 'increment';
  /** Step noise starts over from the seed (ComfyUI) or goes on behind the initial noise (A1111, diffusers). */
  readonly stepDraws: 'restart' | 'continue';
  readonly shape: Nchw;
}

export interface LatentNoise {
  /** Unit-normal start, [B, C, h, w]. */
  readonly initial: Tensor;
  /** Independent noise for every step. */
  readonly step: StepNoise;
  /** Noise of one Brownian path per seed, for SDE samplers; needs to know the sigmas it will be asked about. */
  readonly brownian: (sigmas: Float32Array) => StepNoise;
}

/** The noise of a request. Draws happen in the order of the calls; the initial draw happens here. */
export function latentNoise(request: NoiseRequest): LatentNoise {
  const { shape } = request;
  const seeds = seedsOf(request);
  const count = sizeOf(shape) / seeds.length;
  const first = generatorsFor(request.rng, seeds);
  const initial = draw(first, count, shape);
  const later = request.stepDraws === 'continue' ? first : generatorsFor(request.rng, seeds);
  return {
    initial,
    step: () => draw(later, count, shape),
    brownian: (sigmas) => brownianPaths(seeds, count, sigmas, shape),
  };
}

/** One seed for the whole batch, or one for each picture, wrapping at 2^64. */
function seedsOf({ seed, batchSeeds, shape }: NoiseRequest): bigint[] {
  if (batchSeeds === 'batch') return [seed];
  return Array.from({ length: shape[0] }, (_, i) => BigInt.asUintN(64, seed + BigInt(i)));
}

function generatorsFor(rng: RngKind, seeds: readonly bigint[]): NoiseGenerator[] {
  return seeds.map(rng === 'cpu' ? torchGenerator : philoxGenerator);
}

function draw(generators: readonly NoiseGenerator[], count: number, shape: readonly number[]): Tensor {
  return concatenated(
    generators.map((generator) => generator.randn(count)),
    shape,
  );
}

/** The paths span all positive sigmas, as k-diffusion's BrownianTreeNoiseSampler is set up. Both programs use torch here. */
function brownianPaths(
  seeds: readonly bigint[],
  count: number,
  sigmas: Float32Array,
  shape: readonly number[],
): StepNoise {
  const positive = sigmas.filter((sigma) => sigma > 0);
  const [low, high] = [Math.min(...positive), Math.max(...positive)];
  const paths = seeds.map((seed) => brownianNoise(seed, count, low, high));
  return (sigma, sigmaNext) =>
    concatenated(
      paths.map((path) => path(sigma, sigmaNext)),
      shape,
    );
}

function concatenated(parts: readonly Float32Array<ArrayBuffer>[], shape: readonly number[]): Tensor {
  if (parts.length === 1) return { data: parts[0]!, shape };
  const data = new Float32Array(sizeOf(shape));
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  return { data, shape };
}
