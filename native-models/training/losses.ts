/** Losses as graph values: each is one number, averaged over the batch. Predictions and targets are [B, …]. */
import * as ops from '../graph/ops.ts';
import type { Value } from '../graph/value.ts';

/** Mean over everything. */
function mean(x: Value): Value {
  return ops.reduceMean(
    x,
    x.shape.map((_, axis) => axis),
    false,
  );
}

/** Mean squared difference; with `itemWeights` [B], item i counts weight i times (the mean stays over B items). */
export function squaredError(prediction: Value, target: Value, itemWeights?: Value): Value {
  const difference = ops.sub(prediction, target);
  const squares = ops.mul(difference, difference);
  if (!itemWeights) return mean(squares);
  const axes = squares.shape.slice(1).map((_, axis) => axis + 1);
  return mean(ops.mul(ops.reduceMean(squares, axes, false), itemWeights));
}
