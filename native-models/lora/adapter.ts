/**
 * LoRA (Hu et al. 2021) as live inputs: y + B·(A·x) beside a frozen layer, where A and B are inputs of the graph.
 * Their rank is free, so a switch, a stack or another weight is just other tensors; rank 0 adds nothing.
 */
import * as ops from '../graph/ops.ts';
import { input, type Value } from '../graph/value.ts';
import type { AdaptedLayer, Adapter, Flavour } from '../layers/scope.ts';

/** A place where a LoRA can attach, with the names of its two graph inputs. */
export interface LoraTarget extends AdaptedLayer {
  /** A as files have it, so that stacks are rows under rows: [rank, in]; for a convolution [rank, in, k, k]. */
  readonly downInput: string;
  /** B, already multiplied by weight·alpha/rank: [rank, out]; for a convolution [out, rank, 1, 1]. */
  readonly upInput: string;
}

/** An adapter that declares inputs for every layer that `accepts` admits, and lists them in `targets` while the graph is built. */
export function liveLora(accepts: (layer: AdaptedLayer) => boolean): {
  adapter: Adapter;
  targets: LoraTarget[];
} {
  const targets: LoraTarget[] = [];
  const adapter: Adapter = (layer, x, flavour) => {
    if (!accepts(layer)) return undefined;
    const target = { ...layer, downInput: `lora.${layer.path}.down`, upInput: `lora.${layer.path}.up` };
    targets.push(target);
    return branch(target, x, flavour);
  };
  return { adapter, targets };
}

/** The attention, feed-forward and projection matrices: what nearly every LoRA trains, and what costs 1 % at rank 0. */
export function isLinear(layer: AdaptedLayer): boolean {
  return layer.kernel === undefined;
}

function branch(target: LoraTarget, x: Value, flavour: Flavour): Value {
  const rank = `rank of ${target.path}`;
  const { inFeatures, outFeatures, kernel } = target;
  if (!kernel) {
    const down = ops.cast(input(target.downInput, 'float32', [rank, inFeatures]), x.dtype);
    const up = ops.cast(input(target.upInput, 'float32', [rank, outFeatures]), x.dtype);
    const inner =
      flavour === 'cpu' ? ops.matmul(x, down, { transB: true }) : ops.matmul(x, ops.transpose(down, [1, 0]));
    return ops.matmul(inner, up);
  }
  const down = ops.cast(
    input(target.downInput, 'float32', [rank, inFeatures, kernel.size, kernel.size]),
    x.dtype,
  );
  const up = ops.cast(input(target.upInput, 'float32', [outFeatures, rank, 1, 1]), x.dtype);
  return ops.conv(ops.conv(x, down, undefined, { stride: kernel.stride, padding: kernel.padding }), up);
}
