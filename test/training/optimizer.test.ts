import { describe, expect, test } from 'vitest';
import {
  adamWStep,
  clipFactor,
  createAdamW,
  globalNorm,
  updateAverage,
} from '../../main/training/optimizer.ts';
import {
  copyParameters,
  createParameters,
  type Gradients,
  type ParameterSet,
} from '../../main/training/parameters.ts';
import { goldenCase, goldenTensors, readFloat32 } from '../helpers/golden.ts';

interface LoraTrainCase {
  readonly optimizer: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  readonly log: readonly { grad_norm: number }[];
}

function goldenSet(file: string, like?: ParameterSet): ParameterSet {
  const weights = goldenTensors('lora-train', file);
  const names = like
    ? [...like.shapes.keys()]
    : [...weights.tensors.keys()].filter((name) => /lora_(up|down)/.test(name));
  const set = createParameters(new Map(names.map((name) => [name, weights.tensors.get(name)!.shape])));
  for (const [name, values] of set.views) values.set(readFloat32(weights, name));
  return set;
}

/** Torch's formula word for word, in float64. */
function reference(values: number[], gradientsOfSteps: number[][], { lr = 0.01, wd = 0.1 } = {}): number[] {
  return values.map((start, i) => {
    let [p, m, v] = [start, 0, 0];
    for (const [index, gradients] of gradientsOfSteps.entries()) {
      const [g, t] = [gradients[i]!, index + 1];
      p *= 1 - lr * wd;
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      p -= (lr * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
    }
    return p;
  });
}

const SHAPES = new Map([
  ['a', [2, 3]],
  ['b', [1]],
]);

describe('adamWStep', () => {
  test('takes the golden first step of torch.optim.AdamW', () => {
    const { optimizer, log } = goldenCase<LoraTrainCase>('lora-train');
    const parameters = goldenSet('lora_init.safetensors');
    const gradients = goldenSet('grads_step0.safetensors', parameters).views;
    expect(globalNorm(gradients)).toBeCloseTo(log[0]!.grad_norm, 5);
    const settings = { learningRate: optimizer.lr, beta1: optimizer.betas[0], beta2: optimizer.betas[1] };
    adamWStep(parameters, gradients, createAdamW(parameters.shapes), {
      ...settings,
      epsilon: optimizer.eps,
      weightDecay: optimizer.weight_decay,
    });
    const expected = goldenSet('params_step1.safetensors', parameters);
    const worst = parameters.flat.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - expected.flat[i]!)),
      0,
    );
    expect(worst).toBeLessThan(2e-7);
  });

  test('follows the formula over many steps, with its defaults and the gradient scale', () => {
    const parameters = createParameters(SHAPES);
    parameters.flat.set([1, -2, 3, 0.5, 0, -0.1, 7]);
    const start = [...parameters.flat];
    const state = createAdamW(SHAPES);
    const steps = Array.from({ length: 40 }, (_, t) => start.map((_, i) => Math.sin(i * 3 + t * t)));
    for (const step of steps) {
      adamWStep(parameters, doubled(step), state, {
        learningRate: 0.01,
        weightDecay: 0.1,
        gradientScale: 0.5,
      });
    }
    expect(state.step).toBe(40);
    for (const [i, value] of reference(start, steps).entries())
      expect(parameters.flat[i]).toBeCloseTo(value, 5);
  });

  test('reaches every number of tensors longer than a chunk and not a multiple of four', () => {
    const shapes = new Map([['long', [4099]]]);
    const parameters = createParameters(shapes);
    const gradients = createParameters(shapes);
    for (let i = 0; i < 4099; i++) {
      parameters.flat[i] = Math.cos(i);
      gradients.flat[i] = Math.sin(i * i);
    }
    const expected = reference([...parameters.flat], [[...gradients.flat], [...gradients.flat]]);
    const state = createAdamW(shapes);
    for (let step = 0; step < 2; step++) {
      adamWStep(parameters, gradients.views, state, { learningRate: 0.01, weightDecay: 0.1 });
    }
    for (const [i, value] of expected.entries())
      expect(Math.abs(parameters.flat[i]! - value)).toBeLessThan(1e-6);
  });

  test('names a missing or ill-fitting gradient and changes nothing', () => {
    const parameters = createParameters(SHAPES);
    const state = createAdamW(SHAPES);
    const a = new Float32Array(6).fill(1);
    expect(() => adamWStep(parameters, new Map([['a', a]]), state, { learningRate: 1 })).toThrow(
      'no gradient for parameter "b"',
    );
    const wrong = new Map([
      ['a', a],
      ['b', new Float32Array(2)],
    ]);
    expect(() => adamWStep(parameters, wrong, state, { learningRate: 1 })).toThrow('"b" has 2 numbers');
    expect(parameters.flat.every((value) => value === 0)).toBe(true);
  });
});

describe('clipping and averaging', () => {
  test('scales a long gradient to the norm and leaves a short one', () => {
    const gradients: Gradients = new Map([
      ['a', Float32Array.of(3, 0, 0, 0, 0)],
      ['b', Float32Array.of(4)],
    ]);
    expect(globalNorm(gradients)).toBe(5);
    expect(clipFactor(5, 1)).toBeCloseTo(0.2, 6);
    expect(clipFactor(0.5, 1)).toBe(1);
  });

  test('a NaN anywhere shows in the norm', () => {
    expect(globalNorm(new Map([['a', Float32Array.of(1, Number.NaN, 2, 3, 4)]]))).toBeNaN();
  });

  test('the average follows at 1 - decay', () => {
    const parameters = createParameters(SHAPES);
    const average = copyParameters(parameters);
    parameters.flat.fill(1);
    updateAverage(average, parameters, 0.75);
    expect([...average.flat]).toEqual(Array(7).fill(0.25));
    expect(() => updateAverage(average, createParameters(new Map([['a', [2]]])), 0.5)).toThrow(RangeError);
  });
});

function doubled(values: readonly number[]): Gradients {
  const twice = Float32Array.from(values, (value) => 2 * value);
  return new Map([
    ['a', twice.subarray(0, 6)],
    ['b', twice.subarray(6)],
  ]);
}
