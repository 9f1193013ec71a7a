/** Reads one case folder: case.json and the tensors of its safetensors files, in whatever type they are stored. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '../../main/pipeline/tensor.ts';
import {
  openSafetensors,
  readTensorBytes,
  type WeightsFile,
} from '../../native-models/weights/safetensors.ts';

/** `case.json` of a folder laid out like test/golden; `T` states the part that the caller reads. */
export function readCase<T>(caseDir: string): T {
  return JSON.parse(readFileSync(join(caseDir, 'case.json'), 'utf8')) as T;
}

export function openTensors(caseDir: string, file: string): WeightsFile {
  return openSafetensors(join(caseDir, file));
}

export type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** All values of a tensor stored as F32, F64, I32 or I64, without loss (I64 comes back as doubles). */
export function readNumbers(file: WeightsFile, name: string): Numbers {
  const { buffer } = readTensorBytes(file, name);
  const dtype = file.tensors.get(name)?.dtype;
  if (dtype === 'F32') return new Float32Array(buffer);
  if (dtype === 'F64') return new Float64Array(buffer);
  if (dtype === 'I32') return new Int32Array(buffer);
  if (dtype === 'U8') return Int32Array.from(new Uint8Array(buffer));
  if (dtype === 'I64') return Float64Array.from(new BigInt64Array(buffer), Number);
  throw new Error(`${file.path}: tensor "${name}" is ${dtype}, which no case uses; extend readNumbers`);
}

export function shapeOf(file: WeightsFile, name: string): readonly number[] {
  const info = file.tensors.get(name);
  if (!info) throw new Error(`${file.path}: there is no tensor "${name}"`);
  return info.shape;
}

/** A float32 tensor with its shape, as the pipeline takes it. */
export function readTensor(file: WeightsFile, name: string): Tensor {
  return { data: Float32Array.from(readNumbers(file, name)), shape: shapeOf(file, name) };
}
