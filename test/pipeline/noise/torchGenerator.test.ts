import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { torchGenerator } from '../../../main/pipeline/noise/torchGenerator.ts';
import { expectConformance } from '../../conformance/expectConformance.ts';
import { rngTorchCpu } from '../../conformance/rngTorchCpu.ts';
import { meanAndVariance } from './moments.ts';

const seed = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('torchGenerator', () => {
  test("gives torch's and A1111's numbers", () => expectConformance(rngTorchCpu, 'rng-torch-cpu', 226));

  test('keeps only the low 32 bits of the seed, as torch does', () => {
    fc.assert(
      fc.property(seed, (value) => {
        expect(torchGenerator(value).randn(20)).toEqual(torchGenerator(value & 0xffffffffn).randn(20));
      }),
      { numRuns: 20 },
    );
  });

  test('draws uniforms from [0, 1)', () => {
    fc.assert(
      fc.property(seed, fc.nat(100), (value, count) => {
        expect(
          torchGenerator(value)
            .rand(count)
            .every((u) => u >= 0 && u < 1),
        ).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('holds the second number of a pair over a block draw', () => {
    const generator = torchGenerator(3n);
    const first = generator.randn(1);
    generator.randn(32);
    expect([...first, ...generator.randn(1)]).toEqual([...torchGenerator(3n).randn(2)]);
  });

  test('is standard normal in both of its ways of drawing', () => {
    const generator = torchGenerator(7n);
    const singles = Float32Array.from({ length: 20_000 }, () => generator.randn(1)[0]!);
    for (const values of [singles, generator.randn(20_003)]) {
      const { mean, variance } = meanAndVariance(values);
      expect(Math.abs(mean)).toBeLessThan(0.03);
      expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    }
  });
});
