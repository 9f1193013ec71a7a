/** LoRA pairs in training: the base is frozen, the pairs beside its layers are the trained inputs. */
import * as ops from '../graph/ops.ts';
import { input, type Value } from '../graph/value.ts';
import type { AdaptedLayer, Adapter } from '../layers/scope.ts';
import type { Trainables } from './step.ts';

/** A layer that gets a pair, and the names of the pair's two tensors. */
export interface TrainedPair extends AdaptedLayer {
  /** What the file calls it: `down` and `up` begin with this. */
  readonly name: string;
  readonly down: string;
  readonly up: string;
}

export interface PairOptions {
  readonly rank: number;
  /** The pair's output is multiplied by alpha/rank. */
  readonly alpha: number;
  readonly accepts: (layer: AdaptedLayer) => boolean;
  /** What a layer's pair is called; '.lora_down.weight' and '.lora_up.weight' are added. */
  readonly nameOf: (path: string) => string;
}

/** What a step's adapters fill: the trained tensors, and the pairs they make. */
export interface TrainedLora {
  readonly trainables: Trainables;
  readonly pairs: TrainedPair[];
}

/**
 * An adapter that adds y + alpha/rank · up(down(x)) (Hu et al. 2021, eq. 3) wherever `accepts` says so, entering the pair
 * into `lora`. Tensors lie as torch has them: down [rank, in] or [rank, in, k, k], up [out, rank] or [out, rank, 1, 1].
 */
export function trainedPairs({ trainables, pairs }: TrainedLora, options: PairOptions): { adapter: Adapter } {
  const { rank, alpha, accepts, nameOf } = options;
  const trained = (name: string, shape: readonly number[]): Value => {
    const value = input(name, 'float32', shape);
    trainables.set(name, value);
    return value;
  };
  const adapter: Adapter = (layer, x) => {
    if (!accepts(layer)) return undefined;
    const { inFeatures, outFeatures, kernel } = layer;
    const name = nameOf(layer.path);
    const pair = { ...layer, name, down: `${name}.lora_down.weight`, up: `${name}.lora_up.weight` };
    pairs.push(pair);
    const [window, point] = kernel
      ? [
          [kernel.size, kernel.size],
          [1, 1],
        ]
      : [[], []];
    const down = trained(pair.down, [rank, inFeatures, ...window]);
    const up = trained(pair.up, [outFeatures, rank, ...point]);
    const y = kernel
      ? ops.conv(ops.conv(x, down, undefined, { stride: kernel.stride, padding: kernel.padding }), up)
      : ops.matmul(ops.matmul(x, down, { transB: true }), up, { transB: true });
    return alpha === rank ? y : ops.mul(y, alpha / rank);
  };
  return { adapter };
}
