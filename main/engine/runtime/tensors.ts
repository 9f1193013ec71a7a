/**
 * Tensors of the pipeline ↔ tensors of ONNX Runtime; both look at the same memory, nothing is copied. One that lies on a
 * device has a shape and no numbers: it can only be given to a session there.
 */
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Tensor } from '../../pipeline/tensor.ts';

/** Inputs of a session, by name. */
export type Feeds = Readonly<Record<string, OrtTensor>>;

const onDevice = new WeakMap<Tensor, OrtTensor>();

/** As ONNX Runtime takes it: the tensor on the device where it lies there, else one that shares the data. */
export function toOrt(tensor: Tensor): OrtTensor {
  return onDevice.get(tensor) ?? new OrtTensor('float32', tensor.data, tensor.shape);
}

/** Whether its numbers cannot be read here. */
export function isOnDevice(tensor: Tensor): boolean {
  return onDevice.has(tensor);
}

function deviceTensor(value: OrtTensor): Tensor {
  const tensor: Tensor = {
    get data(): never {
      throw new Error('this tensor lies on the device, its numbers cannot be read');
    },
    shape: value.dims,
  };
  onDevice.set(tensor, value);
  return tensor;
}

/** Throws when a session did not give the float32 output that its graph promises. */
export function fromOrt(value: OrtTensor | undefined): Tensor {
  if (value?.location === 'gpu-buffer') return deviceTensor(value);
  if (!(value?.data instanceof Float32Array)) throw new Error('the session gave no float32 output');
  return { data: value.data as Float32Array<ArrayBuffer>, shape: value.dims };
}

/** Runs a session for a single output. */
export async function runOne(session: InferenceSession, feeds: Feeds, output: string): Promise<Tensor> {
  const outputs = await session.run(feeds, [output]);
  return fromOrt(outputs[output]);
}
