/** Gradient rules of the ops that only move numbers: cutting, padding, picking rows, blocks to pixels. */
import {
  axisOf,
  intAttribute,
  type Step,
  scatterAddElements,
  scatterAddRows,
  strideIndex,
} from './gradientHelpers.ts';
import * as ops from './ops.ts';
import { constantInts, scalar, staticShape, type Value } from './value.ts';

/** The gradient lies where the slice was taken from, zeros elsewhere. Throws for bounds known only at run time. */
export function sliceRule({ a, dy, node }: Step): readonly Value[] {
  const [, starts, ends, axesValue, stepsValue] = node.inputs;
  const from = constantInts(starts);
  if (!from || !constantInts(ends)) throw new Error('Slice with run-time bounds has no gradient rule');
  const axes = constantInts(axesValue) ?? from.map((_, axis) => axis);
  const steps = constantInts(stepsValue) ?? from.map(() => 1);
  const shape = staticShape(a);
  // The slice is undone one axis at a time, from the last to the first.
  return [axes.reduceRight((gradient, axis, i) => unslice(gradient, shape, axis, from[i]!, steps[i]!), dy)];
}

/** Puts a slice back into zeros along one axis. */
function unslice(dy: Value, shape: readonly number[], given: number, from: number, step: number): Value {
  const axis = (given + shape.length) % shape.length;
  const size = shape[axis]!;
  const part = staticShape(dy);
  const start = Math.min(Math.max(from < 0 ? from + size : from, 0), step < 0 ? size - 1 : size);
  if (step === 1) {
    const only = (amount: number): number[] => part.map((_, i) => (i === axis ? amount : 0));
    const after = size - start - part[axis]!;
    return start === 0 && after === 0 ? dy : ops.pad(dy, only(start), only(after));
  }
  const whole = ops.expand(
    scalar(0),
    part.map((length, i) => (i === axis ? size : length)),
  );
  return scatterAddElements(whole, strideIndex(part, axis, start, step), dy, axis);
}

/** The gradient without what was padded. Throws for modes other than zeros. */
export function padRule({ a, dy, node, attributes }: Step): readonly Value[] {
  const mode = attributes['mode'];
  if (mode && 'string' in mode && mode.string !== 'constant')
    throw new Error(`Pad in mode ${mode.string} has no gradient rule`);
  const before = constantInts(node.inputs[1])!;
  return [
    staticShape(a).reduce((gradient, size, axis) => {
      const start = before[axis]!;
      return staticShape(gradient)[axis] === size ? gradient : ops.slice(gradient, axis, start, start + size);
    }, dy),
  ];
}

/** Rows are added back where they came from; other axes are brought to the front first. */
export function gatherRule({ a, b, dy, attributes }: Step): readonly Value[] {
  const axis = axisOf(attributes, a);
  if (axis === 0) return [scatterAddRows(a, b, dy)];
  const rank = b.shape.length;
  const others = a.shape.map((_, i) => i).filter((i) => i !== axis);
  const fromFront = dy.shape.map((_, i) => i);
  const indexAxes = fromFront.splice(axis, rank);
  const front = ops.transpose(a, [axis, ...others]);
  const scattered = scatterAddRows(front, b, ops.transpose(dy, [...indexAxes, ...fromFront]));
  const order = [axis, ...others];
  return [
    ops.transpose(
      scattered,
      order.map((_, i) => order.indexOf(i)),
    ),
  ];
}

/** The way back, space to depth: [B, C/r², rH, rW] → [B, C, H, W], for the channel order CRD. */
export function depthToSpaceRule({ a, dy, attributes }: Step): readonly Value[] {
  const mode = attributes['mode'];
  if (!mode || !('string' in mode) || mode.string !== 'CRD')
    throw new Error('DepthToSpace in mode DCR has no gradient rule');
  const r = intAttribute(attributes, 'blocksize', 1);
  const [batch, channels, height, width] = staticShape(a);
  const blocks = ops.reshape(dy, [batch!, channels! / r ** 2, height!, r, width!, r]);
  return [ops.reshape(ops.transpose(blocks, [0, 1, 3, 5, 2, 4]), staticShape(a))];
}
