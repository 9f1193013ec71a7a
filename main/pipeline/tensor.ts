/** A dense float32 tensor as plain data: what the pipeline passes between its stages. */

export interface Tensor {
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: readonly number[];
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** Wraps `data`; throws when its length does not fit `shape`. */
export function tensor(data: Float32Array<ArrayBuffer>, shape: readonly number[]): Tensor {
  if (data.length !== sizeOf(shape))
    throw new RangeError(`${data.length} values cannot fill [${shape.join(', ')}]`);
  return { data, shape };
}

export function zeros(shape: readonly number[]): Tensor {
  return { data: new Float32Array(sizeOf(shape)), shape };
}
