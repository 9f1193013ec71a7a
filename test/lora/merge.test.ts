import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { MergedModule } from '../../native-models/lora/bind.ts';
import { mergedBias, mergedWeight } from '../../native-models/lora/merge.ts';
import type { Role } from '../../native-models/lora/parse.ts';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { floatSource, writeSafetensors } from '../../native-models/weights/safetensorsWriter.ts';
import { expectClose } from '../helpers/close.ts';
import { temporaryFolder } from '../helpers/weightFiles.ts';

const [OUT, IN, TAPS, RANK] = [6, 4, 9, 2];
const CLOSE = { atol: 1e-6, rtol: 1e-5 };

type Floats = Float32Array<ArrayBuffer>;
type Shapes = Partial<Record<Role, readonly number[]>>;

/** Repeatable numbers in −1…1. */
function wave(count: number, phase: number): Floats {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) + phase));
}

/** A module of `shape` whose tensors lie in a file, and their values for computing the result another way. */
async function moduleOf(shape: readonly number[], shapes: Shapes, alpha?: number, suffix = '') {
  const path = join(temporaryFolder(), 'lora.safetensors');
  const values = Object.fromEntries(
    Object.entries(shapes).map(([role, dims], i) => [
      role,
      wave(
        dims.reduce((a, b) => a * b, 1),
        i,
      ),
    ]),
  ) as Record<Role, Floats>;
  const sources = Object.entries(shapes).map(([role, dims]) =>
    floatSource(role + suffix, dims, values[role as Role]),
  );
  await writeSafetensors(path, sources);
  const { tensors: infos } = openSafetensors(path);
  const tensors = Object.fromEntries(Object.keys(shapes).map((role) => [role, infos.get(role + suffix)!]));
  const module: MergedModule = { site: { network: 'unet', path: 'layer', shape }, tensors, alpha };
  return { module, values };
}

/** Σ over all of `sizes`, written out: the slow way to any einsum. */
function sum(sizes: readonly number[], term: (...index: number[]) => number): number {
  const [size, ...rest] = sizes;
  if (size === undefined) return term();
  let total = 0;
  for (let i = 0; i < size; i++) total += sum(rest, (...index) => term(i, ...index));
  return total;
}

const base = wave(OUT * IN * TAPS, 99);
const everyWeight = (value: (o: number, i: number, tap: number) => number): Floats =>
  Float32Array.from({ length: OUT * IN * TAPS }, (_, at) =>
    value(Math.floor(at / (IN * TAPS)), Math.floor(at / TAPS) % IN, at % TAPS),
  );

test('a whole difference is added in proportion, to weight and bias', async () => {
  const { module, values } = await moduleOf([OUT, IN, 3, 3], { diff: [OUT, IN, 3, 3], biasDiff: [OUT] });
  expectClose(
    mergedWeight(module, base, 0.5),
    base.map((value, i) => value + 0.5 * values.diff[i]!),
    CLOSE,
  );
  const bias = wave(OUT, 5);
  expectClose(
    mergedBias(module, bias, -2),
    bias.map((value, i) => value - 2 * values.biasDiff[i]!),
    CLOSE,
  );
});

test('LoHa: the product of two low-rank matrices, element by element', async () => {
  const { module, values: v } = await moduleOf(
    [OUT, IN, 3, 3],
    {
      hada_w1_a: [OUT, RANK],
      hada_w1_b: [RANK, IN * TAPS],
      hada_w2_a: [OUT, RANK],
      hada_w2_b: [RANK, IN * TAPS],
    },
    1,
  );
  const low = (a: Floats, b: Floats, o: number, column: number): number =>
    sum([RANK], (r) => a[o * RANK + r!]! * b[r! * IN * TAPS + column]!);
  const expected = everyWeight((o, i, tap) => {
    const column = i * TAPS + tap;
    const delta = low(v.hada_w1_a, v.hada_w1_b, o, column) * low(v.hada_w2_a, v.hada_w2_b, o, column);
    return base[o * IN * TAPS + column]! + 0.8 * (1 / RANK) * delta;
  });
  expectClose(mergedWeight(module, base, 0.8), expected, CLOSE);
});

test('LoHa through Tucker cores', async () => {
  const core = [RANK, RANK, 3, 3];
  const { module, values: v } = await moduleOf([OUT, IN, 3, 3], {
    hada_t1: core,
    hada_w1_a: [RANK, OUT],
    hada_w1_b: [RANK, IN],
    hada_t2: core,
    hada_w2_a: [RANK, OUT],
    hada_w2_b: [RANK, IN],
  });
  const half = (t: Floats, a: Floats, b: Floats, o: number, i: number, tap: number): number =>
    sum([RANK, RANK], (p, q) => t[(p! * RANK + q!) * TAPS + tap]! * a[p! * OUT + o]! * b[q! * IN + i]!);
  const expected = everyWeight(
    (o, i, tap) =>
      base[(o * IN + i) * TAPS + tap]! +
      half(v.hada_t1, v.hada_w1_a, v.hada_w1_b, o, i, tap) *
        half(v.hada_t2, v.hada_w2_a, v.hada_w2_b, o, i, tap),
  );
  expectClose(mergedWeight(module, base, 1), expected, CLOSE);
});

test('LoKr: a Kronecker product, its second factor whole, low-rank or through a core', async () => {
  const [o2, i2] = [OUT / 2, IN / 2];
  const whole = await moduleOf([OUT, IN, 3, 3], { lokr_w1: [2, 2], lokr_w2: [o2, i2, 3, 3] }, 7);
  const expected = (
    w1: Floats,
    w2: (row: number, column: number, tap: number) => number,
    scale: number,
  ): Floats =>
    everyWeight(
      (o, i, tap) =>
        base[(o * IN + i) * TAPS + tap]! +
        scale * w1[Math.floor(o / o2) * 2 + Math.floor(i / i2)]! * w2(o % o2, i % i2, tap),
    );
  const { lokr_w1: w1, lokr_w2: w2 } = whole.values;
  // Two whole factors are not scaled, whatever alpha says.
  expectClose(
    mergedWeight(whole.module, base, 1),
    expected(w1, (row, column, tap) => w2[(row * i2 + column) * TAPS + tap]!, 1),
    CLOSE,
  );

  const low = await moduleOf(
    [OUT, IN, 3, 3],
    { lokr_w1: [2, 2], lokr_w2_a: [o2, RANK], lokr_w2_b: [RANK, i2 * TAPS] },
    1,
  );
  const product = (row: number, column: number, tap: number): number =>
    sum(
      [RANK],
      (r) => low.values.lokr_w2_a[row * RANK + r!]! * low.values.lokr_w2_b[(r! * i2 + column) * TAPS + tap]!,
    );
  expectClose(mergedWeight(low.module, base, 1), expected(low.values.lokr_w1, product, 1 / RANK), CLOSE);

  const tucker = await moduleOf([OUT, IN, 3, 3], {
    lokr_w1: [2, 2],
    lokr_w2_a: [RANK, o2],
    lokr_w2_b: [RANK, i2],
    lokr_t2: [RANK, RANK, 3, 3],
  });
  const { lokr_t2: t, lokr_w2_a: a, lokr_w2_b: b } = tucker.values;
  const cored = (row: number, column: number, tap: number): number =>
    sum([RANK, RANK], (p, q) => t[(p! * RANK + q!) * TAPS + tap]! * a[p! * o2 + row]! * b[q! * i2 + column]!);
  expectClose(mergedWeight(tucker.module, base, 1), expected(tucker.values.lokr_w1, cored, 1), CLOSE);
});

test.each([
  ['outputs (kohya, peft)', [OUT, 1, 1, 1]],
  ['inputs (LyCORIS)', [1, IN, 1, 1]],
] as const)('DoRA: the merged weight has the learned length, over %s', async (_, magnitudeShape) => {
  const { module, values: v } = await moduleOf(
    [OUT, IN, 3, 3],
    { down: [RANK, IN, 3, 3], up: [OUT, RANK, 1, 1], magnitude: magnitudeShape },
    RANK,
    '.dora_scale',
  );
  const merged = mergedWeight(module, base, 1);
  const perOutput = magnitudeShape[0] === OUT;
  const lengthOf = (group: number): number =>
    Math.sqrt(
      sum([perOutput ? IN : OUT, TAPS], (other, tap) => {
        const [o, i] = perOutput ? [group, other!] : [other!, group];
        return merged[(o * IN + i) * TAPS + tap!]! ** 2;
      }),
    );
  for (const [group, length] of v.magnitude.entries())
    expect(lengthOf(group)).toBeCloseTo(Math.abs(length), 5);
  const direction = everyWeight(
    (o, i, tap) =>
      base[(o * IN + i) * TAPS + tap]! +
      sum([RANK], (r) => v.up[o * RANK + r!]! * v.down[(r! * IN + i) * TAPS + tap]!),
  );
  expect(merged[0]! / merged[1]!).toBeCloseTo(direction[0]! / direction[1]!, 4);
  const half = mergedWeight(module, base, 0.5);
  expectClose(
    half,
    base.map((value, i) => (value + merged[i]!) / 2),
    CLOSE,
  );
});

test('sizes that do not fit are an error that names the file', async () => {
  const { module } = await moduleOf([OUT, IN, 3, 3], { diff: [OUT, IN] });
  expect(() => mergedWeight(module, base, 1)).toThrow(/lora.safetensors: diff: a change of 24 numbers/);
  const incomplete = await moduleOf([OUT, IN], { hada_w1_a: [OUT, RANK], hada_w1_b: [RANK, IN] });
  expect(() => mergedWeight(incomplete.module, wave(OUT * IN, 1), 1)).toThrow('another factor');
});

test('factors that make more than the layer holds are refused before they are multiplied', async () => {
  const [far, shape] = [60_000, [OUT, IN]] as const;
  const modules = [
    { hada_w1_a: [far, 1], hada_w1_b: [1, far], hada_w2_a: [OUT, 1], hada_w2_b: [1, IN] },
    { lokr_w1: [far, 1], lokr_w2: [1, far] },
    { lokr_w1_a: [far, 1], lokr_w1_b: [1, far], lokr_w2: [1, 1] },
    { down: [1, far], up: [far, 1], magnitude: [OUT] },
  ];
  for (const shapes of modules) {
    const { module } = await moduleOf(shape, shapes);
    expect(() => mergedWeight(module, wave(OUT * IN, 1), 1)).toThrow(
      /a change of 3600000000 numbers does not fit a weight of 24/,
    );
  }
});
