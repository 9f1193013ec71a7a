/** TAESD (Bohan 2023): a tiny decoder from the U-Net's latents to pictures, good enough to watch a run by. */
import * as ops from '../graph/ops.ts';
import type { Value } from '../graph/value.ts';
import { conv2d } from '../layers/basic.ts';
import type { Scope } from '../layers/scope.ts';

export interface TaesdConfig {
  readonly latentChannels: number;
  readonly width: number;
}

/** Latents beyond ±3 are squeezed, as in training. */
const SQUEEZE = 3;
/** Blocks before each doubling; the numbers of the list count activations and doublings too. */
const BLOCKS_PER_LEVEL = [3, 3, 3];

/** Latent [B, latentChannels, h, w] as the U-Net has it (× scalingFactor) → picture [B, 3, 8h, 8w], about 0–1. */
export function taesdDecoder(scope: Scope, { latentChannels, width }: TaesdConfig, latent: Value): Value {
  const at = scope.at('decoder');
  const squeezed = ops.mul(ops.tanh(ops.mul(latent, 1 / SQUEEZE)), SQUEEZE);
  let x = ops.relu(conv2d(at.at(1), squeezed, latentChannels, width));
  let index = 3; // 0 squeezes, 2 is the ReLU
  for (const blocks of BLOCKS_PER_LEVEL) {
    for (let block = 0; block < blocks; block++) x = tinyBlock(at.at(index++), x, width);
    x = conv2d(at.at(++index), ops.upsampleNearest(x, 2), width, width);
    index++;
  }
  x = tinyBlock(at.at(index++), x, width);
  return conv2d(at.at(index), x, width, 3);
}

/** Three convolutions with a residual around them. */
function tinyBlock(scope: Scope, x: Value, width: number): Value {
  const conv = scope.at('conv');
  const first = ops.relu(conv2d(conv.at(0), x, width, width));
  const second = ops.relu(conv2d(conv.at(2), first, width, width));
  return ops.relu(ops.add(conv2d(conv.at(4), second, width, width), x));
}
