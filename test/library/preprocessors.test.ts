import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { locatedPreprocessor, ownPreprocessors } from '../../main/library/preprocessors.ts';
import { temporaryFolder } from '../helpers/weightFiles.ts';

test("a user's own preprocessors are the .onnx files of the folder, and nothing outside it", () => {
  const folder = temporaryFolder();
  for (const name of ['pose.onnx', 'depth.onnx', 'notes.txt']) writeFileSync(join(folder, name), '');
  expect(ownPreprocessors(folder)).toEqual(['onnx:depth', 'onnx:pose']);
  expect(locatedPreprocessor(folder, 'onnx:depth')).toBe(`onnx:${join(folder, 'depth.onnx')}`);
  expect(locatedPreprocessor(folder, 'canny')).toBe('canny');
  expect(() => locatedPreprocessor(folder, 'onnx:lineart')).toThrow('There is no preprocessor "lineart".');
  for (const name of ['../depth', join(folder, 'depth')])
    expect(() => locatedPreprocessor(join(folder, 'sub'), `onnx:${name}`)).toThrow(
      'There is no preprocessor',
    );
});
