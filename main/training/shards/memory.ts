/** Parameter sets in memory that every thread of this process sees. */
import { type AdamWState, createAdamW } from '../optimizer.ts';
import { createParameters, type ParameterSet, type Shapes } from '../parameters.ts';

/** Like createParameters: zeros of the given shapes. */
export function sharedParameters(shapes: Shapes): ParameterSet {
  return shared(createParameters(shapes));
}

/** Like createAdamW. */
export function sharedAdamW(shapes: Shapes): AdamWState {
  const state = createAdamW(shapes);
  return { step: state.step, mean: shared(state.mean), square: shared(state.square) };
}

/** Whether other threads can see the set's memory. */
export function isShared({ flat }: ParameterSet): boolean {
  const buffer: ArrayBufferLike = flat.buffer;
  return buffer instanceof SharedArrayBuffer;
}

/** The same set in shared memory. Its users do not care whose memory it is, so the type stays. */
function shared({ flat, shapes, views }: ParameterSet): ParameterSet {
  const memory: Float32Array = new Float32Array(new SharedArrayBuffer(flat.byteLength));
  const copy = memory as Float32Array<ArrayBuffer>;
  copy.set(flat);
  const window = (view: Float32Array): Float32Array<ArrayBuffer> => {
    const start = (view.byteOffset - flat.byteOffset) / view.BYTES_PER_ELEMENT;
    return copy.subarray(start, start + view.length);
  };
  return { flat: copy, shapes, views: new Map([...views].map(([name, view]) => [name, window(view)])) };
}
