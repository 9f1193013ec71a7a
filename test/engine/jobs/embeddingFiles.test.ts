import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readEmbeddings } from '../../../main/engine/jobs/embeddingFiles.ts';
import { GOLDEN_DIR } from '../../helpers/golden.ts';
import { tinyRequest } from '../../helpers/tinyModel.ts';

const read = (file: string, folder = 'textual-inversion') =>
  readEmbeddings(tinyRequest({ embeddings: [{ name: file, path: join(GOLDEN_DIR, folder, file) }] }));

test.each([
  ['tiny-a1111.safetensors', ['emb_params']],
  ['tiny-sdxl.safetensors', ['clip_g', 'clip_l']],
])('%s: its vectors, under the name without extension', (file, keys) => {
  const [embedding] = read(file);
  expect(embedding!.name).toBe(file.replace('.safetensors', ''));
  expect([...embedding!.tensors.keys()].toSorted()).toEqual(keys);
});

test('a file without vectors is named', () => {
  expect(() => read('rrdb_missing.safetensors', 'esrgan')).toThrow(
    'rrdb_missing.safetensors: there is no such file',
  );
});
