/** Denoisers whose exact solutions are known, and what runs samplers on them. */
import { torchGenerator } from '../../../main/pipeline/noise/torchGenerator.ts';
import type { Denoise, Sampler, SamplerOptions } from '../../../main/pipeline/samplers/sampler.ts';
import { type Tensor, tensor } from '../../../main/pipeline/tensor.ts';

/** Pictures of unit variance: D(x, σ) = x/(1+σ²), so x/√(1+σ²) is constant on the way. */
export const gaussian: Denoise = async (x, sigma) => {
  const data = x.data.map((value) => value / (1 + sigma ** 2));
  return { data, shape: x.shape, negative: { data, shape: x.shape } };
};

/** One picture only: whatever x is, this is behind it. */
export function constantPicture(picture: Tensor): Denoise {
  return async () => ({ ...picture, negative: picture });
}

/** Independent step noise from a seed. */
export function seededNoise(size: number, seed = 5n): SamplerOptions['noise'] {
  const generator = torchGenerator(seed);
  return () => tensor(generator.randn(size), [1, 1, 1, size]);
}

export function normalTensor(size: number, deviation: number, seed = 1n): Tensor {
  return tensor(
    torchGenerator(seed)
      .randn(size)
      .map((value) => value * deviation),
    [1, 1, 1, size],
  );
}

/** `count` sigmas evenly spaced in log sigma, without a final 0. */
export function logSigmas(from: number, to: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => from * (to / from) ** (i / (count - 1)));
}

/** Relative error of a sampler on the gaussian denoiser from sigma 10 down to 0.1 in `steps` steps. */
export async function gaussianError(sample: Sampler, steps: number): Promise<number> {
  const [from, to] = [10, 0.1];
  const x = normalTensor(16, from);
  const out = await sample(gaussian, x, logSigmas(from, to, steps + 1), { noise: seededNoise(16) });
  const exact = Math.sqrt((1 + to ** 2) / (1 + from ** 2));
  const errors = out.data.map((value, i) => Math.abs(value / (x.data[i]! * exact) - 1));
  return Math.max(...errors);
}
