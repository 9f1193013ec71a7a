/** Layers in 8-bit integers: against a plain reference in whole numbers, and against the float32 layer they stand for. */
import { Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { relativeL2 } from '../../main/engine/runtime/probing.ts';
import { createSession, DEFAULT_SESSION } from '../../main/engine/runtime/sessions.ts';
import { buildGraph } from '../../native-models/graph/build.ts';
import { input, type Value } from '../../native-models/graph/value.ts';
import { conv2d, linear } from '../../native-models/layers/basic.ts';
import { LOW_STEPS } from '../../native-models/layers/integer.ts';
import { type PackedBits, rootScope, type Scope } from '../../native-models/layers/scope.ts';
import { layerSource, packWeight } from '../../native-models/weights/packed.ts';
import { expectClose } from '../helpers/close.ts';

const wave = (count: number, frequency: number, amplitude = 1): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, i) => amplitude * Math.sin(frequency * i + 1e-3 * i * i));

function layerScope(
  weight: Float32Array<ArrayBuffer>,
  bias: Float32Array<ArrayBuffer>,
  shape: number[],
  bits?: PackedBits,
): Scope {
  return rootScope(layerSource(weight, shape, bits, bias), { flavour: 'cpu' });
}

async function run(y: Value, x: Float32Array<ArrayBuffer>, shape: number[]): Promise<Float32Array> {
  const session = await createSession(buildGraph({ y }), { ...DEFAULT_SESSION, prepack: true });
  const outputs = await session.run({ x: new Tensor('float32', x, shape) });
  await session.release();
  return outputs['y']!.data as Float32Array;
}

/** ONNX DynamicQuantizeLinear, in plain numbers. */
function quantised(x: Float32Array): { values: number[]; scale: number; zero: number } {
  const low = Math.min(0, ...x);
  const scale = Math.fround((Math.max(0, ...x) - low) / 255);
  const zero = Math.round(-low / scale);
  return { values: Array.from(x, (value) => Math.round(value / scale) + zero), scale, zero };
}

test('packing keeps every weight within half a step: of the scale, or of its 254th part', () => {
  const [out, channels, size] = [5, 70, 3];
  const weight = wave(out * channels * size * size, 0.7);
  for (const bits of [8, 16] as const) {
    const { high, low, scale, columns } = packWeight(weight, [out, channels, size, size], bits);
    const tolerance = bits === 8 ? 0.5 : 0.51 / LOW_STEPS;
    for (let i = 0; i < weight.length; i++) {
      const column = Math.floor(i / (channels * 9));
      const [channel, tap] = [Math.floor(i / 9) % channels, i % 9];
      const at = (tap * channels + channel) * columns + column;
      const value = high[at]! + (low?.[at] ?? 0) / LOW_STEPS;
      expect(Math.abs(value - weight[i]! / scale[column]!)).toBeLessThan(tolerance + 1e-4);
    }
  }
});

test('an output whose weights are all zero stays zero', () => {
  const { high, scale } = packWeight(new Float32Array(6), [2, 3], 8);
  expect([...high, ...scale]).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
});

test('the 8-bit linear is the product of the whole numbers, scaled', async () => {
  const [rows, inFeatures, outFeatures] = [3, 40, 48];
  const [x, weight, bias] = [
    wave(rows * inFeatures, 0.3, 2),
    wave(outFeatures * inFeatures, 0.9),
    wave(outFeatures, 0.4),
  ];
  const y = linear(
    layerScope(weight, bias, [outFeatures, inFeatures], 8),
    input('x', 'float32', [rows, inFeatures]),
    inFeatures,
    outFeatures,
  );
  const { high, scale } = packWeight(weight, [outFeatures, inFeatures], 8);
  const q = quantised(x);
  const expected = Float32Array.from({ length: rows * outFeatures }, (_, i) => {
    const [row, column] = [Math.floor(i / outFeatures), i % outFeatures];
    let sum = 0;
    for (let k = 0; k < inFeatures; k++)
      sum += (q.values[row * inFeatures + k]! - q.zero) * high[k * outFeatures + column]!;
    return sum * q.scale * scale[column]! + bias[column]!;
  });
  expectClose(await run(y, x, [rows, inFeatures]), expected, { atol: 1e-5, rtol: 1e-5 });
});

test('a layer that narrows scales every row by itself: a loud token costs the quiet ones nothing', async () => {
  const [inFeatures, outFeatures] = [64, 16];
  const [weight, bias] = [wave(outFeatures * inFeatures, 0.9), new Float32Array(outFeatures)];
  const quiet = wave(inFeatures, 0.3, 1e-2);
  const x = Float32Array.from([...quiet, ...wave(inFeatures, 0.7, 100), ...new Float32Array(inFeatures)]);
  const rows = input('x', 'float32', [3, inFeatures]);
  const [packed, exact] = await Promise.all(
    ([8, undefined] as const).map((bits) => {
      const scope = layerScope(weight, bias, [outFeatures, inFeatures], bits);
      return run(linear(scope, rows, inFeatures, outFeatures), x, [3, inFeatures]);
    }),
  );
  const [first, last] = [
    [0, outFeatures],
    [2 * outFeatures, 3 * outFeatures],
  ] as const;
  expect(relativeL2(packed!.subarray(...first), exact!.subarray(...first))).toBeLessThan(0.1);
  expect([...packed!.subarray(...last)]).toEqual([...new Float32Array(outFeatures)]);
});

test('the extremes do not saturate: 255 × 127 summed over a long row', async () => {
  const inFeatures = 512;
  const x = new Float32Array(2 * inFeatures).fill(1);
  const weight = new Float32Array(16 * inFeatures).fill(1);
  const scope = layerScope(weight, new Float32Array(16), [16, inFeatures], 8);
  const y = await run(linear(scope, input('x', 'float32', [2, inFeatures]), inFeatures, 16), x, [
    2,
    inFeatures,
  ]);
  expectClose(y, new Float32Array(32).fill(inFeatures), { rtol: 1e-5 });
});

describe.each([
  { bits: 8, bound: 2e-2 },
  { bits: 16, bound: 1e-4 },
] as const)('$bits bits', ({ bits, bound }) => {
  test(`a linear on tokens errs by less than ${bound}`, async () => {
    const [inFeatures, outFeatures] = [64, 48];
    const [x, weight, bias] = [
      wave(2 * 10 * inFeatures, 0.31),
      wave(outFeatures * inFeatures, 0.77),
      wave(outFeatures, 0.2),
    ];
    const tokens = input('x', 'float32', ['batch', 'tokens', inFeatures]);
    const [packed, exact] = [bits, undefined].map((kind) =>
      linear(layerScope(weight, bias, [outFeatures, inFeatures], kind), tokens, inFeatures, outFeatures),
    );
    expect(packed!.shape).toEqual(exact!.shape);
    const shape = [2, 10, inFeatures];
    const error = relativeL2(await run(packed!, x, shape), await run(exact!, x, shape));
    expect(error).toBeLessThan(bound);
    expect(error).toBeGreaterThan(0);
  });

  test.each([
    { name: '3×3', options: {} },
    { name: '1×1', options: { kernel: 1 } },
    { name: 'stride 2', options: { stride: 2 } },
    { name: 'stride 2 padded at the right and bottom', options: { stride: 2, padding: [0, 0, 1, 1] } },
  ] as const)(`a convolution ($name) errs by less than ${bound}`, async ({ options }) => {
    const [channels, outChannels, kernel] = [32, 24, 'kernel' in options ? options.kernel : 3];
    const weight = wave(outChannels * channels * kernel * kernel, 0.53);
    const [x, bias] = [wave(2 * channels * 7 * 10, 0.23), wave(outChannels, 0.2)];
    const image = input('x', 'float32', ['batch', channels, 'height', 'width']);
    const [packed, exact] = [bits, undefined].map((kind) =>
      conv2d(
        layerScope(weight, bias, [outChannels, channels, kernel, kernel], kind),
        image,
        channels,
        outChannels,
        options,
      ),
    );
    expect(packed!.shape).toEqual(exact!.shape);
    const shape = [2, channels, 7, 10];
    const [actual, expected] = [await run(packed!, x, shape), await run(exact!, x, shape)];
    expect(actual).toHaveLength(expected.length);
    expect(relativeL2(actual, expected)).toBeLessThan(bound);
  });
});
