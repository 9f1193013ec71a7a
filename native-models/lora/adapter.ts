/**
 * LoRA (Hu et al. 2021) as live inputs: y + B·(s∘(A·x)) beside a frozen layer, where A, B and s are inputs of the graph.
 * Their rank is free, so a switch or a stack is just other tensors; rank 0 adds nothing. s has one number per rank, so
 * another weight moves a few hundred numbers instead of the millions of B.
 */
import * as ops from '../graph/ops.ts';
import { input, type Value } from '../graph/value.ts';
import type { AdaptedLayer, Adapter, Flavour } from '../layers/scope.ts';

/** A place where a LoRA can attach, with the names of its three graph inputs. */
export interface LoraTarget extends AdaptedLayer {
  /** A as files have it, so that stacks are rows under rows: [rank, in]; for a convolution [rank, in, k, k]. */
  readonly downInput: string;
  /** B: [rank, out]; for a convolution [out, rank, 1, 1]. */
  readonly upInput: string;
  /** weight·alpha/rank of every rank: [rank]; for a convolution [rank, 1, 1]. */
  readonly scaleInput: string;
}

/** The names of the inputs beside the layer at `path`. */
export function loraInputs(path: string): Pick<LoraTarget, 'downInput' | 'upInput' | 'scaleInput'> {
  return {
    downInput: `lora.${path}.down`,
    upInput: `lora.${path}.up`,
    scaleInput: `lora.${path}.scale`,
  };
}

/** An adapter that declares inputs for every layer that `accepts` admits, and lists them in `targets` while the graph is built. */
export function liveLora(accepts: (layer: AdaptedLayer) => boolean): {
  adapter: Adapter;
  targets: LoraTarget[];
} {
  const targets: LoraTarget[] = [];
  const adapter: Adapter = (layer, x, flavour) => {
    if (!accepts(layer)) return undefined;
    const target = { ...layer, ...loraInputs(layer.path) };
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
  const factor = (name: string, ...shape: (number | string)[]): Value =>
    ops.cast(input(name, 'float32', shape), x.dtype);
  if (!kernel) {
    const down = factor(target.downInput, rank, inFeatures);
    const up = factor(target.upInput, rank, outFeatures);
    const inner =
      flavour === 'cpu' ? ops.matmul(x, down, { transB: true }) : ops.matmul(x, ops.transpose(down, [1, 0]));
    return ops.matmul(ops.mul(inner, factor(target.scaleInput, rank)), up);
  }
  const down = factor(target.downInput, rank, inFeatures, kernel.size, kernel.size);
  const up = factor(target.upInput, outFeatures, rank, 1, 1);
  const inner = ops.conv(x, down, undefined, { stride: kernel.stride, padding: kernel.padding });
  return ops.conv(ops.mul(inner, factor(target.scaleInput, rank, 1, 1)), up);
}
