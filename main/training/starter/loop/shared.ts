/** Parameters in memory that several threads see at once, and the part of it each of them updates. */
import type { AdamWState } from '../../optimizer.ts';
import type { ParameterSet, Shapes } from '../../parameters.ts';

/** What the threads of one run share; buffers hold float32. */
export interface SharedRun {
  readonly shapes: Shapes;
  readonly parameters: SharedArrayBuffer;
  readonly mean: SharedArrayBuffer;
  readonly square: SharedArrayBuffer;
  readonly average: SharedArrayBuffer;
  /** One per thread. */
  readonly gradients: readonly SharedArrayBuffer[];
}

/** New shared memory for a run, all zeros. */
export function shareRun(shapes: Shapes, threads: number): SharedRun {
  const count = [...shapes.values()].reduce((sum, shape) => sum + product(shape), 0);
  const buffer = (): SharedArrayBuffer => new SharedArrayBuffer(4 * count);
  const gradients = Array.from({ length: threads }, buffer);
  return { shapes, parameters: buffer(), mean: buffer(), square: buffer(), average: buffer(), gradients };
}

/** Shared memory as a parameter set. Every reader here and in ONNX Runtime takes shared memory as it takes any other. */
export function setOver(buffer: SharedArrayBuffer, shapes: Shapes): ParameterSet {
  const flat = floats(buffer, 0, buffer.byteLength / 4);
  const views = new Map<string, Float32Array<ArrayBuffer>>();
  let offset = 0;
  for (const [name, shape] of shapes) {
    views.set(name, flat.subarray(offset, offset + product(shape)));
    offset += product(shape);
  }
  return { flat, shapes, views };
}

/** Thread `index` of `threads`'s share of a buffer as a set of one tensor. */
export function sliceOf(buffer: SharedArrayBuffer, index: number, threads: number): ParameterSet {
  const count = buffer.byteLength / 4;
  const [start, end] = [Math.floor((count * index) / threads), Math.floor((count * (index + 1)) / threads)];
  const flat = floats(buffer, start, end - start);
  return { flat, shapes: new Map([['slice', [flat.length]]]), views: new Map([['slice', flat]]) };
}

/** The optimiser's averages as `over` sees their buffers, before the first step. */
export function optimizerOver(
  { mean, square }: SharedRun,
  over: (buffer: SharedArrayBuffer) => ParameterSet,
): AdamWState {
  return { step: 0, mean: over(mean), square: over(square) };
}

/** The types of Float32Array tell shared from other memory, the code that reads it does not. */
function floats(buffer: SharedArrayBuffer, start: number, length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(buffer, 4 * start, length) as unknown as Float32Array<ArrayBuffer>;
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}
