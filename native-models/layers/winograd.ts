/**
 * 3×3 convolutions by fewer products: F(m×m, 3×3) of Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural
 * Networks" (after Winograd 1980). A tile of m×m outputs takes (m+2)² products of a channel pair where the plain sum
 * takes 9·m²: 4 times fewer for m = 4, 2.25 times for m = 2. Float32 all through; what is added up in another order
 * errs by some 1e-5 (m = 4). Its weights take (m+2)²/9 times the memory: 4 times, 1.8 times.
 */
import * as ops from '../graph/ops.ts';
import { constant, staticDim, type Value } from '../graph/value.ts';
import type { Scope } from './scope.ts';

/** Side of a tile of outputs. */
export type WinogradTile = 2 | 4;

/** With fewer channels than this, a layer spends more on the transforms than it saves. */
const FEWEST_CHANNELS = 128;
/** Weights of layers with more pairs of channels than this would take too much memory in large tiles. */
const MOST_PAIRS = 1280 * 1000;

/**
 * The tile that pays for a weight of [C', C] kernels, if one does. Measured (2 cores, AVX512, SD 1.5 and its VAE at 512²)
 * against the plain convolution: 0.35–0.45 × its time with tiles of 4 and 0.55 × with tiles of 2.
 */
export function winogradTile([outChannels, inChannels]: readonly [number, number]): WinogradTile | undefined {
  if (Math.min(outChannels, inChannels) < FEWEST_CHANNELS) return undefined;
  return outChannels * inChannels <= MOST_PAIRS ? 4 : 2;
}

/** The matrices of §4 there, as rows. */
interface Transforms {
  /** Bᵀ [m+2, m+2]: a tile of inputs. */
  readonly input: readonly (readonly number[])[];
  /** G [m+2, 3]: a kernel. */
  readonly kernel: readonly (readonly number[])[];
  /** Aᵀ [m, m+2]: back to outputs. */
  readonly output: readonly (readonly number[])[];
}

export const TRANSFORMS: Readonly<Record<WinogradTile, Transforms>> = {
  2: {
    input: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    kernel: [
      [1, 0, 0],
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, -1 / 2, 1 / 2],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    input: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    kernel: [
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 2, -2, 0],
      [0, 1, 1, 4, 4, 0],
      [0, 1, -1, 8, -8, 1],
    ],
  },
};

/** Name of a layer's prepared weight beside its own: [(m+2)², C', C] float32. */
export const WINOGRAD = 'weight.winograd';

/** x [B, C, H, W] → [B, outChannels, H, W], with the stride 1 and padding 1 that such layers have. */
export function winogradConv2d(scope: Scope, x: Value, outChannels: number, bias?: Value): Value {
  const inChannels = staticDim(x, 1);
  const tile = winogradTile([outChannels, inChannels])!;
  const points = (tile + 2) ** 2;
  const { input, output } = TRANSFORMS[tile];
  const batch = ops.extent(x, 0);
  const channelsApart = ops.reshape(x, [-1, 1, ops.extent(x, 2), ops.extent(x, 3)]);
  // Every tile of a channel in one convolution that steps by a tile; what sticks out below and right is zero.
  const seen = ops.conv(channelsApart, bothAxes(input, [points, 1, tile + 2, tile + 2]), undefined, {
    stride: tile,
    padding: [1, 1, tile, tile],
  }); // [B·C, points, H/m, W/m]
  const byPoint = ops.transpose(ops.reshape(seen, [batch, inChannels, points, -1]), [2, 1, 0, 3]);
  const kernels = scope.raw(WINOGRAD, [points, outChannels, inChannels]);
  const products = ops.matmul(kernels, ops.reshape(byPoint, [points, inChannels, -1])); // [points, C', B·tiles]
  const tiles = ops.matmul(bothAxes(output, [tile ** 2, points]), ops.reshape(products, [points, -1]));
  const byTile = ops.transpose(ops.reshape(tiles, [tile ** 2, outChannels, batch, -1]), [2, 1, 0, 3]);
  const [tall, wide] = [ops.extent(seen, 2), ops.extent(seen, 3)];
  const whole = ops.pixelShuffle(ops.reshape(byTile, [batch, outChannels * tile ** 2, tall, wide]), tile);
  const y = ops.cropLike(whole, x);
  return bias ? ops.add(y, ops.reshape(bias, [1, outChannels, 1, 1])) : y;
}

/** A transform along columns and rows at once: the matrix's Kronecker product with itself. */
function bothAxes(matrix: Transforms['input'], shape: readonly number[]): Value {
  const pairs = matrix.flatMap((row) => matrix.map((other) => row.flatMap((a) => other.map((b) => a * b))));
  return constant(Float32Array.from(pairs.flat()), shape);
}
