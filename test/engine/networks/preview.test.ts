import { expect, test } from 'vitest';
import { previewOf } from '../../../main/engine/networks/preview.ts';
import { tensor } from '../../../main/pipeline/tensor.ts';
import { SD15, SDXL } from '../../../native-models/models/configs.ts';

const vae = {
  ...SD15.vae,
  latentToRgb: {
    matrix: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0.5, 0, 0],
    ],
    offset: [0, 0.5, 0],
  },
} as const;

test('a pixel is its latent by the matrix, plus the offset, from −1…1 to 0…255, clamped', () => {
  const latent = tensor(Float32Array.of(0, -2, 0, 0, 0, 0.2, 1, 0), [1, 4, 1, 2]);
  const { width, height, data } = previewOf(latent, { ...SD15, vae });
  expect([width, height]).toEqual([2, 1]);
  // Pixel 0: (0 + 0.5·1, 0 + 0.5, 0); pixel 1: (−2, 0.5, 0.2).
  expect([...data]).toEqual([191, 191, 128, 0, 191, 153]);
});

test('the first picture of a batch, with the matrix of its family', () => {
  const latent = tensor(new Float32Array(2 * 4 * 6).fill(0.3), [2, 4, 2, 3]);
  const sd = previewOf(latent, SD15);
  expect(sd.data).toHaveLength(2 * 3 * 3);
  expect(previewOf(latent, SDXL).data).not.toEqual(sd.data);
});
