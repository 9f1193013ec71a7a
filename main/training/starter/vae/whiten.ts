/** Makes latents white by folding a linear map into quant_conv and its inverse into post_quant_conv. */
import type { ParameterSet } from '../../parameters.ts';
import { view } from '../../parameters.ts';

export interface LatentStatistics {
  readonly mean: readonly number[];
  /** Rows of the covariance of the channels. */
  readonly covariance: readonly (readonly number[])[];
}

/** Mean and covariance over positions of latents [batch, channels, rest]. */
export function latentStatistics(latents: Float32Array, batch: number, channels: number): LatentStatistics {
  const area = latents.length / batch / channels;
  const count = batch * area;
  const at = (item: number, channel: number, i: number): number =>
    latents[(item * channels + channel) * area + i]!;
  const mean = new Array<number>(channels).fill(0);
  const covariance = mean.map(() => new Array<number>(channels).fill(0));
  for (let item = 0; item < batch; item++)
    for (let i = 0; i < area; i++)
      for (let c = 0; c < channels; c++) {
        mean[c]! += at(item, c, i) / count;
        for (let d = 0; d < channels; d++) covariance[c]![d]! += (at(item, c, i) * at(item, d, i)) / count;
      }
  const centred = covariance.map((row, c) => row.map((value, d) => value - mean[c]! * mean[d]!));
  return { mean, covariance: centred };
}

/**
 * latent' = W(latent − mean), W = Σ^(−½), inside the weights; pictures stay as they were. The log-variance rows move
 * by the log of how much each new channel stretches noise.
 */
export function whiten(vae: ParameterSet, { mean, covariance }: LatentStatistics): void {
  const { vectors, values } = eigen(covariance);
  const power = (exponent: number): number[][] =>
    vectors.map((_, i) =>
      vectors.map((__, j) =>
        vectors.reduce(
          (sum, ___, k) => sum + vectors[i]![k]! * Math.max(values[k]!, 1e-8) ** exponent * vectors[j]![k]!,
          0,
        ),
      ),
    );
  const [forward, backward] = [power(-0.5), power(0.5)];
  const n = mean.length;
  foldOutput(view(vae, 'quant_conv.weight'), view(vae, 'quant_conv.bias'), forward, mean, 2 * n);
  foldInput(view(vae, 'post_quant_conv.weight'), view(vae, 'post_quant_conv.bias'), backward, mean);
}

/** Rows 0…n−1 (the mean) become W(row − mean); rows n…2n−1 (the log-variance) are shifted. */
function foldOutput(
  weight: Float32Array,
  bias: Float32Array,
  map: readonly (readonly number[])[],
  mean: readonly number[],
  width: number,
): void {
  const [oldWeight, oldBias] = [weight.slice(), bias.slice()];
  for (const [row, factors] of map.entries()) {
    for (let column = 0; column < width; column++)
      weight[row * width + column] = factors.reduce(
        (sum, f, k) => sum + f * oldWeight[k * width + column]!,
        0,
      );
    bias[row] = factors.reduce((sum, f, k) => sum + f * (oldBias[k]! - mean[k]!), 0);
    bias[map.length + row]! += Math.log(factors.reduce((sum, f) => sum + f * f, 0));
  }
}

/** y = P·latent + b with latent = W⁻¹·latent' + mean. */
function foldInput(
  weight: Float32Array,
  bias: Float32Array,
  inverse: readonly (readonly number[])[],
  mean: readonly number[],
): void {
  const n = mean.length;
  const old = weight.slice();
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++)
      weight[row * n + column] = inverse.reduce((sum, line, k) => sum + old[row * n + k]! * line[column]!, 0);
    bias[row]! += mean.reduce((sum, m, k) => sum + old[row * n + k]! * m, 0);
  }
}

/** Eigenvalues and eigenvectors (columns) of a symmetric matrix by Jacobi rotations (1846). */
export function eigen(matrix: readonly (readonly number[])[]): { values: number[]; vectors: number[][] } {
  const a = matrix.map((row) => [...row]);
  const n = a.length;
  const v = a.map((_, i) => a.map((__, j) => Number(i === j)));
  for (let sweep = 0; sweep < 30; sweep++)
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, p, q);
  return { values: a.map((row, i) => row[i]!), vectors: v };
}

function rotate(a: number[][], v: number[][], p: number, q: number): void {
  if (Math.abs(a[p]![q]!) < 1e-12) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  const mixColumns = (m: number[][]): void => {
    for (const row of m) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
  };
  mixColumns(a);
  [a[p], a[q]] = [a[p]!.map((x, k) => c * x - s * a[q]![k]!), a[q]!.map((x, k) => s * a[p]![k]! + c * x)];
  mixColumns(v);
}
