import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromTensor, pixelsOf, toTensor, withAlpha, withoutAlpha } from '../../main/images/pixels.ts';
import { tensor } from '../../main/pipeline/tensor.ts';

test('a picture goes to a tensor and back without a changed byte', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('signed' as const, 'unit' as const),
      fc.uint8Array({ minLength: 60, maxLength: 60 }),
      (range, data) => {
        const picture = pixelsOf(Uint8Array.from(data), 5, 4, 3);
        expect(fromTensor(toTensor([picture], range), range)).toEqual([picture]);
      },
    ),
  );
});

test('tensors are NCHW, -1…1 or 0…1, and a batch keeps its order', () => {
  const first = pixelsOf(Uint8Array.from([0, 127, 255, 255, 0, 51]), 2, 1, 3);
  const second = pixelsOf(new Uint8Array(6).fill(255), 2, 1, 3);
  const unit = toTensor([first, second], 'unit');
  expect(unit.shape).toEqual([2, 3, 1, 2]);
  expect([...unit.data.slice(0, 6)]).toEqual([0, 1, 127 / 255, 0, 1, 0.2].map(Math.fround));
  expect([...unit.data.slice(6)]).toEqual(new Array(6).fill(1));
  expect([...toTensor([first], 'signed').data.slice(0, 2)]).toEqual([-1, 1]);
});

test('values outside the range and NaN are clamped', () => {
  const image = tensor(Float32Array.from([-3, 3, Number.NaN]), [1, 3, 1, 1]);
  expect([...fromTensor(image, 'signed')[0]!.data]).toEqual([0, 255, 0]);
});

test('pictures of different sizes make no batch, other shapes no picture', () => {
  const small = pixelsOf(new Uint8Array(3), 1, 1, 3);
  const large = pixelsOf(new Uint8Array(6), 2, 1, 3);
  expect(() => toTensor([small, large], 'unit')).toThrow(/differ in size: 1×1 and 2×1/);
  expect(() => toTensor([], 'unit')).toThrow(/no picture/);
  expect(() => fromTensor(tensor(new Float32Array(4), [1, 4, 1, 1]), 'unit')).toThrow(/\[1, 4, 1, 1\]/);
  expect(() => pixelsOf(new Uint8Array(5), 1, 1, 3)).toThrow(/5 bytes/);
});

test('alpha can be put on and taken off', () => {
  const picture = pixelsOf(Uint8Array.from([1, 2, 3, 4, 5, 6]), 2, 1, 3);
  const rgba = withAlpha(picture, Uint8Array.from([9, 8]));
  expect([...rgba.data]).toEqual([1, 2, 3, 9, 4, 5, 6, 8]);
  expect(withoutAlpha(rgba)).toEqual(picture);
});
