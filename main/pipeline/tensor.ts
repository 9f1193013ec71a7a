/** A dense float32 tensor as plain data: what the pipeline passes between its stages. */

export interface Tensor {
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: readonly number[];
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** The shape of a latent or of pictures. */
export type Nchw = readonly [batch: number, channels: number, height: number, width: number];

/** The shape of `x` by its four names; throws RangeError for a tensor of another rank. */
export function nchw({ shape }: Tensor): Nchw {
  if (!isNchw(shape)) throw new RangeError(`[${shape.join(', ')}] is not [batch, channels, height, width]`);
  return shape;
}

function isNchw(shape: readonly number[]): shape is Nchw {
  return shape.length === 4;
}

/** Wraps `data`; throws when its length does not fit `shape`. */
export function tensor(data: Float32Array<ArrayBuffer>, shape: readonly number[]): Tensor {
  if (data.length !== sizeOf(shape))
    throw new RangeError(`${data.length} values cannot fill [${shape.join(', ')}]`);
  return { data, shape };
}

/** A new tensor of zeros. */
export function zeros(shape: readonly number[]): Tensor {
  return { data: new Float32Array(sizeOf(shape)), shape };
}
