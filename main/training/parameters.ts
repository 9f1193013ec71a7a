/** Trainable numbers: named tensors that lie one behind another in a single Float32Array. */

/** Names and shapes, in the order in which the tensors lie. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

export interface ParameterSet {
  /** All values; updates that treat every number alike (EMA, copies) walk this. */
  readonly flat: Float32Array<ArrayBuffer>;
  readonly shapes: Shapes;
  /** One window into `flat` per tensor. */
  readonly views: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
}

/** Gradients of one step by parameter name, each as long as its parameter. */
export type Gradients = ReadonlyMap<string, Float32Array>;

/** Zeros of the given shapes. Throws RangeError on a size that is not a count. */
export function createParameters(shapes: Shapes): ParameterSet {
  const sizes = [...shapes].map(([name, shape]) => [name, countOf(name, shape)] as const);
  const flat = new Float32Array(sizes.reduce((sum, [, size]) => sum + size, 0));
  const views = new Map<string, Float32Array<ArrayBuffer>>();
  let offset = 0;
  for (const [name, size] of sizes) {
    views.set(name, flat.subarray(offset, offset + size));
    offset += size;
  }
  return { flat, shapes, views };
}

/** A second set with the same values. */
export function copyParameters(source: ParameterSet): ParameterSet {
  const copy = createParameters(source.shapes);
  copy.flat.set(source.flat);
  return copy;
}

/** The window of one tensor. Throws RangeError when there is none of that name. */
export function view(set: ParameterSet, name: string): Float32Array<ArrayBuffer> {
  const values = set.views.get(name);
  if (!values)
    throw new RangeError(`There is no parameter "${name}" among the ${set.shapes.size} being trained`);
  return values;
}

function countOf(name: string, shape: readonly number[]): number {
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (!Number.isSafeInteger(size) || size < 0)
    throw new RangeError(`Parameter "${name}" has the impossible shape [${shape.join(', ')}]`);
  return size;
}
