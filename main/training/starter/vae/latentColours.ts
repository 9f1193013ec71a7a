/** Which colours a latent stands for, roughly: the matrix that previews of a run are painted with. */
import type { LatentToRgb } from '../../../../native-models/models/configs.ts';
import type { ParameterSet } from '../../parameters.ts';
import { writePlanar } from '../../world/dataset.ts';
import { drawAll, mixedPicture } from '../data/pictures.ts';
import { leastSquares } from '../leastSquares.ts';
import { PICTURE_SIZE } from '../models.ts';
import { encodeAll } from './vaeModel.ts';

/** Pictures the matrix is fitted to: 256 positions each. */
const PICTURES = 64;

/** Fitted to what the encoder makes of training pictures. */
export async function latentColours(vae: ParameterSet): Promise<LatentToRgb> {
  const drawn = await drawAll(PICTURES, (index) => mixedPicture(index, PICTURE_SIZE));
  const pictures = new Float32Array(PICTURES * 3 * PICTURE_SIZE ** 2);
  for (const [index, pixels] of drawn.entries())
    writePlanar(pixels, pictures, (index * pictures.length) / PICTURES);
  const { matrix, offset } = fitColours(await encodeAll(vae, pictures), pictures, PICTURES);
  return { matrix: matrix.map(rounded), offset: rounded(offset) };
}

/** Four digits are more than a preview shows. */
function rounded(colour: Rgb): Rgb {
  const [red, green, blue] = colour.map((value) => Math.round(1e4 * value) / 1e4);
  return [red!, green!, blue!];
}

/**
 * Least squares: rgb ≈ latent·matrix + offset, where rgb is the mean colour of the pixels that a latent position covers.
 * `latents` [count, channels, h, w], `pictures` [count, 3, 8h, 8w] in −1…1, both square. Throws RangeError when the
 * latents do not vary enough to be told apart.
 */
export function fitColours(latents: Float32Array, pictures: Float32Array, count: number): LatentToRgb {
  const size = Math.sqrt(pictures.length / count / 3);
  const side = size / 8;
  const channels = latents.length / count / side ** 2;
  const fit = leastSquares(channels + 1, 3);
  for (let item = 0; item < count; item++)
    for (let at = 0; at < side * side; at++) {
      const latent = Array.from(
        { length: channels },
        (_, c) => latents[(item * channels + c) * side * side + at]!,
      );
      fit.add([...latent, 1], meanColour(pictures, item, size, at));
    }
  const rows = fit.solve().map(([red, green, blue]): Rgb => [red!, green!, blue!]);
  return { matrix: rows.slice(0, channels), offset: rows[channels]! };
}

type Rgb = readonly [number, number, number];

/** Of the 8 × 8 pixels below latent position `at`. */
function meanColour(pictures: Float32Array, item: number, size: number, at: number): Rgb {
  const [top, left] = [8 * Math.floor(at / (size / 8)), 8 * (at % (size / 8))];
  const mean = (channel: number): number => {
    let sum = 0;
    for (let y = top; y < top + 8; y++)
      for (let x = left; x < left + 8; x++) sum += pictures[((item * 3 + channel) * size + y) * size + x]!;
    return sum / 64;
  };
  return [mean(0), mean(1), mean(2)];
}
