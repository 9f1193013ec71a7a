/** Float conversions against values worked out from the formats' definitions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countNonFinite,
  type FloatDtype,
  toFloat32,
  toHalfBytes,
} from '../../native-models/weights/dtypes.ts';

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);

describe('toFloat32', () => {
  it.each<[FloatDtype, number[], number]>([
    ['F16', [0x00, 0x3c], 1],
    ['F16', [0x01, 0x00], 2 ** -24],
    ['F16', [0xff, 0x7b], 65504],
    ['BF16', [0x80, 0x3f], 1],
    ['BF16', [0x49, 0xc0], -3.140625],
    ['F32', [0x00, 0x00, 0xc0, 0xbf], -1.5],
    ['F64', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], 1.5],
    ['F8_E4M3', [0x38], 1],
    ['F8_E4M3', [0x7e], 448],
    ['F8_E4M3', [0x81], -(2 ** -9)],
    ['F8_E4M3', [0xff], Number.NaN],
    ['F8_E5M2', [0x3c], 1],
    ['F8_E5M2', [0x7b], 57344],
    ['F8_E5M2', [0xfc], Number.NEGATIVE_INFINITY],
  ])('%s %j is %d', (dtype, raw, value) => {
    expect(toFloat32(bytes(...raw), dtype)).toEqual(Float32Array.of(value));
    const shifted = bytes(0, ...raw).subarray(1);
    expect(toFloat32(shifted, dtype)).toEqual(Float32Array.of(value));
  });

  it('undoes toHalfBytes for every half', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter(
      (word) => (word & 0x7c00) !== 0x7c00,
    );
    const values = toFloat32(new Uint8Array(halves.buffer), 'F16');
    expect(toHalfBytes(values)).toEqual(new Uint8Array(halves.buffer));
  });
});

describe('countNonFinite', () => {
  it.each<FloatDtype>(['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'])(
    'agrees with Number.isFinite for %s',
    (dtype) => {
      const cases = fc.property(
        fc.array(fc.constantFrom(0, 0x3c, 0x7c, 0x7f, 0x80, 0xf0, 0xff), { minLength: 64, maxLength: 64 }),
        (raw) => {
          const float64 = new Float64Array(bytes(...raw).buffer);
          const values: Iterable<number> = dtype === 'F64' ? float64 : toFloat32(bytes(...raw), dtype);
          expect(countNonFinite(bytes(...raw), dtype)).toBe(
            [...values].filter((value) => !Number.isFinite(value)).length,
          );
        },
      );
      fc.assert(cases);
    },
  );
});
