import { describe, expect, it } from 'vitest';
import { previewOf } from '../../../../main/engine/networks/preview.ts';
import { fitColours } from '../../../../main/training/starter/vae/latentColours.ts';
import { type LatentToRgb, SD15 } from '../../../../native-models/models/configs.ts';

const [COUNT, SIDE, CHANNELS] = [2, 4, 4];
const AREA = SIDE ** 2;
const MATRIX: LatentToRgb['matrix'] = [[0.2, 0, 0.1], [0, 0.3, 0], [0.1, -0.1, 0.2], [0, 0.05, -0.3]]; // biome-ignore format: a matrix, read as one
const OFFSET: LatentToRgb['offset'] = [0.1, -0.2, 0.05];
const latents = Float32Array.from({ length: COUNT * CHANNELS * AREA }, (_, i) =>
  Math.sin(7 * i + 0.01 * i * i),
);

/** Each latent position a square of 8 × 8 pixels whose mean is the colour that `MATRIX` gives it. */
function pictures(): Float32Array {
  const size = 8 * SIDE;
  return Float32Array.from({ length: COUNT * 3 * size ** 2 }, (_, i) => {
    const [x, y, channel] = [i % size, Math.floor(i / size) % size, Math.floor(i / size ** 2) % 3];
    const item = Math.floor(i / size ** 2 / 3);
    const at = Math.floor(y / 8) * SIDE + Math.floor(x / 8);
    const colour = MATRIX.reduce(
      (sum, row, c) => sum + row[channel]! * latents[(item * CHANNELS + c) * AREA + at]!,
      OFFSET[channel]!,
    );
    return colour + (x % 2 === 0 ? 0.1 : -0.1);
  });
}

describe('the colours of latents', () => {
  const found = fitColours(latents, pictures(), COUNT);

  it('are those that made the pictures', () => {
    for (const [c, row] of MATRIX.entries())
      for (const [k, value] of row.entries()) expect(found.matrix[c]![k]).toBeCloseTo(value, 4);
    for (const [k, value] of OFFSET.entries()) expect(found.offset[k]).toBeCloseTo(value, 4);
  });

  it('are what a preview of that model is painted with', () => {
    const config = { ...SD15, vae: { ...SD15.vae, latentToRgb: found } };
    const latent = { data: latents.slice(0, CHANNELS * AREA), shape: [1, CHANNELS, SIDE, SIDE] };
    const { data } = previewOf(latent, config);
    const red = MATRIX.reduce((sum, row, c) => sum + row[0] * latents[c * AREA]!, OFFSET[0]);
    expect(data[0]).toBe(Math.round((red + 1) * 127.5));
  });

  it('cannot be told when a channel says nothing', () => {
    expect(() => fitColours(new Float32Array(latents.length), pictures(), COUNT)).toThrow(
      /leave some of the unknowns open/,
    );
  });
});
