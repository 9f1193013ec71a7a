import { describe, expect, it } from 'vitest';
import { createParameters } from '../../../../main/training/parameters.ts';
import { normals, rng } from '../../../../main/training/starter/loop/normals.ts';
import { eigen, latentStatistics, whiten } from '../../../../main/training/starter/vae/whiten.ts';

const CHANNELS = 4;
const POSITIONS = 500;

/** y = W x + b for columns x. */
function mapped(weight: Float32Array, bias: Float32Array, x: Float32Array, outputs: number): Float32Array {
  const inputs = x.length / POSITIONS;
  const y = new Float32Array(outputs * POSITIONS);
  for (let row = 0; row < outputs; row++)
    for (let i = 0; i < POSITIONS; i++) {
      let sum = bias[row]!;
      for (let k = 0; k < inputs; k++) sum += weight[row * inputs + k]! * x[k * POSITIONS + i]!;
      y[row * POSITIONS + i] = sum;
    }
  return y;
}

function randomVae(): ReturnType<typeof createParameters> {
  const vae = createParameters(
    new Map([
      ['quant_conv.weight', [2 * CHANNELS, 2 * CHANNELS]],
      ['quant_conv.bias', [2 * CHANNELS]],
      ['post_quant_conv.weight', [CHANNELS, CHANNELS]],
      ['post_quant_conv.bias', [CHANNELS]],
    ]),
  );
  normals(rng('vae'), vae.flat);
  return vae;
}

describe('whitening', () => {
  it('makes the latents white and leaves what the decoder sees as it was', () => {
    const vae = randomVae();
    const view = (name: string): Float32Array => vae.views.get(name)!;
    const features = new Float32Array(2 * CHANNELS * POSITIONS);
    normals(rng('features'), features);
    const encode = (): Float32Array =>
      mapped(view('quant_conv.weight'), view('quant_conv.bias'), features, 2 * CHANNELS).slice(
        0,
        CHANNELS * POSITIONS,
      );
    const decode = (latent: Float32Array): Float32Array =>
      mapped(view('post_quant_conv.weight'), view('post_quant_conv.bias'), latent, CHANNELS);
    const before = decode(encode());
    whiten(vae, latentStatistics(encode(), 1, CHANNELS));
    const after = latentStatistics(encode(), 1, CHANNELS);
    for (const [row, values] of after.covariance.entries())
      for (const [column, value] of values.entries()) expect(value).toBeCloseTo(Number(row === column), 3);
    for (const value of after.mean) expect(value).toBeCloseTo(0, 4);
    const again = decode(encode());
    for (const [i, value] of before.entries()) expect(again[i]).toBeCloseTo(value, 2);
  });

  it('finds eigenvalues of a known matrix', () => {
    const { values } = eigen([
      [2, 1],
      [1, 2],
    ]);
    expect(values.toSorted((a, b) => a - b)).toEqual([expect.closeTo(1, 9), expect.closeTo(3, 9)]);
  });
});
