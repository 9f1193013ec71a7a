/** Questions about stored tensors: is it there, how long is an axis, how many follow, does its shape fit. */
import type { CanonicalTensors } from './keys.ts';
import { WeightsError } from './tensors.ts';

/** No model is wider. A tensor without elements may claim any width in no bytes, and graphs would be built for it. */
const LONGEST_AXIS = 100_000;

export interface Shapes {
  has(name: string): boolean;
  /** Length of one axis. Throws WeightsError when the tensor or the axis is missing, or longer than `most`. */
  axis(name: string, axis: number, most?: number): number;
  rank(name: string): number;
  /** How many of `name(0)`, `name(1)`, … exist before the first gap. */
  count(name: (index: number) => string): number;
  /** The first tensor whose name ends so. */
  ending(suffix: string): string | undefined;
}

/** `path` is the file that messages name. */
export function shapesOf(tensors: CanonicalTensors, path: string): Shapes {
  const dims = (name: string): readonly number[] => {
    const info = tensors.get(name);
    if (info) return info.shape;
    throw new WeightsError(path, `tensor "${name}" is missing`, 'Use a complete file');
  };
  return {
    has: (name) => tensors.has(name),
    axis: (name, axis, most = LONGEST_AXIS) => {
      const length = dims(name)[axis];
      if (length !== undefined && length > 0 && length <= most) return length;
      throw new WeightsError(path, `tensor "${name}" has the shape [${dims(name)}]`, 'Use an undamaged file');
    },
    rank: (name) => dims(name).length,
    count: (name) => {
      let count = 0;
      while (tensors.has(name(count))) count++;
      return count;
    },
    ending: (suffix) => tensors.keys().find((name) => name.endsWith(suffix)),
  };
}

/** Whether a stored tensor fits a layer: equal shapes, up to axes of size 1 at the end (a 1×1 convolution is a matrix). */
export function isShapedAs(stored: readonly number[], wanted: readonly number[]): boolean {
  const trimmed = (shape: readonly number[]): string => shape.join(',').replace(/(,1)+$/, '');
  return trimmed(stored) === trimmed(wanted);
}
