import { describe, expect, test } from 'vitest';
import { denoisedFrom, guidedDenoiser, networkInput } from '../../main/pipeline/denoiser.ts';
import { type Conditioning, type Evaluation, stackedRows } from '../../main/pipeline/evaluation.ts';
import { atSigma } from '../../main/pipeline/sigmas/forward.ts';
import { modelSigmas } from '../../main/pipeline/sigmas/modelSigmas.ts';
import { type Tensor, tensor } from '../../main/pipeline/tensor.ts';
import { expectClose } from '../helpers/close.ts';

const sigmas = modelSigmas();
const x = tensor(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 4, 1, 1]);

/** A network whose eps is the mean of its row's context, and that remembers what it was asked. */
function averagingNetwork() {
  const asked: Evaluation[] = [];
  const evaluate = async (evaluation: Evaluation): Promise<Tensor> => {
    asked.push(evaluation);
    const { latent, context } = evaluation;
    const [rows, perRow] = [latent.shape[0]!, latent.data.length / latent.shape[0]!];
    const width = context.data.length / rows;
    const means = Array.from({ length: rows }, (_, row) => {
      const own = context.data.subarray(row * width, (row + 1) * width);
      return own.reduce((sum, value) => sum + value, 0) / width;
    });
    return tensor(
      latent.data.map((_, i) => means[Math.floor(i / perRow)]!),
      latent.shape,
    );
  };
  return { asked, evaluate };
}

function conditioning(positiveTokens: number, negativeTokens: number): Conditioning {
  const embedding = (value: number, tokens: number): Tensor =>
    tensor(new Float32Array(tokens * 3).fill(value), [1, tokens, 3]);
  return {
    positive: { embedding: embedding(2, positiveTokens), y: tensor(Float32Array.of(7), [1, 1]) },
    negative: { embedding: embedding(0.5, negativeTokens), y: tensor(Float32Array.of(9), [1, 1]) },
  };
}

const common = { predictionType: 'eps', sigmas } as const;

describe('guidedDenoiser', () => {
  test('goes from the negative prediction past the positive one', async () => {
    const { evaluate, asked } = averagingNetwork();
    const denoise = guidedDenoiser({
      ...common,
      evaluate,
      conditioning: conditioning(2, 2),
      guidanceScale: 7,
    });
    const denoised = await denoise(x, 3);
    // eps = 0.5 + 7·(2 - 0.5) = 11
    expectClose(
      denoised.data,
      x.data.map((value) => value - 3 * 11),
      { atol: 1e-4 },
    );
    expectClose(
      denoised.negative!.data,
      x.data.map((value) => value - 3 * 0.5),
      { atol: 1e-5 },
    );
    expect(asked).toHaveLength(1);
    expect(asked[0]!.sides).toEqual(['positive', 'negative']);
    expect(asked[0]!.latent.shape).toEqual([4, 4, 1, 1]);
    expect(asked[0]!.context.shape).toEqual([4, 2, 3]);
    expect([...asked[0]!.y!.data]).toEqual([7, 7, 9, 9]);
    expect([...asked[0]!.timestep]).toEqual(new Array(4).fill(sigmas.timestepOf(3)));
  });

  test('skips the negative prompt at scale 1, unless a sampler wants it', async () => {
    const { evaluate, asked } = averagingNetwork();
    const options = { ...common, evaluate, conditioning: conditioning(2, 2), guidanceScale: 1 };
    const denoised = await guidedDenoiser(options)(x, 2);
    expect(asked[0]!.sides).toEqual(['positive']);
    expect(denoised.negative).toBeUndefined();
    const full = await guidedDenoiser({ ...options, alwaysNegative: true })(x, 2);
    expect(full.negative).toBeDefined();
    expectClose(full.data, denoised.data, { atol: 1e-5 });
  });

  test('runs prompts of different length apart, to the same effect', async () => {
    const [together, apart] = [averagingNetwork(), averagingNetwork()];
    const options = { ...common, guidanceScale: 5 };
    const batched = await guidedDenoiser({
      ...options,
      evaluate: together.evaluate,
      conditioning: conditioning(2, 2),
    })(x, 4);
    const single = await guidedDenoiser({
      ...options,
      evaluate: apart.evaluate,
      conditioning: conditioning(4, 2),
    })(x, 4);
    expect(apart.asked.map(({ sides }) => sides)).toEqual([['positive'], ['negative']]);
    expectClose(single.data, batched.data, { atol: 1e-5 });
  });
});

describe('denoisedFrom', () => {
  const latent = tensor(Float32Array.of(0.4, -1.2), [2]);
  const noise = tensor(Float32Array.of(0.9, 0.3), [2]);
  const sigma = 2.5;
  const noised = atSigma(latent, noise, sigma);
  const alpha = 1 / Math.sqrt(1 + sigma ** 2);
  const answers = {
    eps: noise,
    v: tensor(
      noise.data.map((value, i) => alpha * value - sigma * alpha * latent.data[i]!),
      [2],
    ),
    sample: latent,
  } as const;

  test.each(['eps', 'v', 'sample'] as const)('finds the latent behind a perfect %s', (type) => {
    expectClose(denoisedFrom(noised, sigma, answers[type], type).data, latent.data, { atol: 1e-6 });
  });

  test('the network sees unit variance', () => {
    expectClose(
      networkInput(noised, sigma).data,
      noised.data.map((value) => value * alpha),
      { atol: 1e-7 },
    );
  });
});

test('stackedRows repeats single rows and passes one fitting tensor through', () => {
  const one = tensor(Float32Array.of(1, 2), [1, 2]);
  const two = tensor(Float32Array.of(3, 4, 5, 6), [2, 2]);
  expect([...stackedRows([one, two], 2).data]).toEqual([1, 2, 1, 2, 3, 4, 5, 6]);
  expect(stackedRows([one, two], 2).shape).toEqual([4, 2]);
  expect(stackedRows([two], 2)).toBe(two);
});
