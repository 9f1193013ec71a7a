/** Losses as graph values: each is one number, averaged over the batch. Predictions and targets are [B, …]. */
import * as ops from '../graph/ops.ts';
import { constant, staticShape, type Value } from '../graph/value.ts';

/** Mean over everything. */
export function mean(x: Value): Value {
  return ops.reduceMean(
    x,
    x.shape.map((_, axis) => axis),
    false,
  );
}

/** Mean absolute difference. */
export function absoluteError(prediction: Value, target: Value): Value {
  return mean(ops.abs(ops.sub(prediction, target)));
}

/** Mean squared difference; with `itemWeights` [B], item i counts weight i times (the mean stays over B items). */
export function squaredError(prediction: Value, target: Value, itemWeights?: Value): Value {
  const difference = ops.sub(prediction, target);
  const squares = ops.mul(difference, difference);
  if (!itemWeights) return mean(squares);
  const axes = squares.shape.slice(1).map((_, axis) => axis + 1);
  return mean(ops.mul(ops.reduceMean(squares, axes, false), itemWeights));
}

/** Mean absolute difference of the pictures' horizontal and vertical steps: sharp edges where the target has them. */
export function edgeError(prediction: Value, target: Value): Value {
  const difference = ops.sub(prediction, target);
  return ops.add(mean(ops.abs(stepsAlong(difference, 2))), mean(ops.abs(stepsAlong(difference, 3))));
}

function stepsAlong(x: Value, axis: number): Value {
  const size = staticShape(x)[axis]!;
  return ops.sub(ops.slice(x, axis, 1, size), ops.slice(x, axis, 0, size - 1));
}

/**
 * KL divergence of N(mean, exp(logVariance)) from N(0, 1), per number: ½(μ² + σ² − 1 − log σ²)
 * (Kingma & Welling 2014, appendix B).
 */
export function klDivergence(means: Value, logVariances: Value): Value {
  const spread = ops.sub(ops.sub(ops.exp(logVariances), logVariances), 1);
  return ops.mul(mean(ops.add(ops.mul(means, means), spread)), 0.5);
}

/**
 * Symmetric InfoNCE of CLIP (Radford et al. 2021, figure 3): rows of `images` and `texts` [B, D] of unit length belong
 * together by index; `scale` is the inverse temperature, a scalar.
 */
export function contrastive(images: Value, texts: Value, scale: Value): Value {
  const logits = ops.mul(ops.matmul(images, texts, { transB: true }), scale); // [B, B]
  const pairs = staticShape(images)[0]!;
  const diagonal = constant(
    BigInt64Array.from({ length: pairs }, (_, i) => BigInt(i)),
    [pairs, 1],
  );
  const right = (table: Value): Value => mean(ops.gatherElements(ops.logSoftmax(table), diagonal, 1));
  return ops.mul(ops.add(right(logits), right(ops.transpose(logits, [1, 0]))), -0.5);
}

/** Rows [B, D] divided by their length. */
export function unitRows(x: Value): Value {
  return ops.div(x, ops.sqrt(ops.add(ops.reduceSum(ops.mul(x, x), [1]), 1e-12)));
}
