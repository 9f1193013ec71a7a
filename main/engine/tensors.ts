/** Tensors of the pipeline ↔ tensors of ONNX Runtime; both look at the same memory, nothing is copied. */
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Tensor } from '../pipeline/tensor.ts';

export type Feeds = Readonly<Record<string, OrtTensor>>;

export function toOrt({ data, shape }: Tensor): OrtTensor {
  return new OrtTensor('float32', data, shape);
}

/** Throws when a session did not give the float32 output that its graph promises. */
export function fromOrt(value: OrtTensor | undefined): Tensor {
  if (!(value?.data instanceof Float32Array)) throw new Error('the session gave no float32 output');
  return { data: value.data as Float32Array<ArrayBuffer>, shape: value.dims };
}

/** Runs a session for a single output. */
export async function runOne(session: InferenceSession, feeds: Feeds, output: string): Promise<Tensor> {
  const outputs = await session.run(feeds, [output]);
  return fromOrt(outputs[output]);
}
