/** Weights files as parameters of a graph: nothing is read here, the graph only points into the file. */
import { basename } from 'node:path';
import { add, cast } from '../graph/ops.ts';
import { type Dtype, type Value, weight } from '../graph/value.ts';
import { PACKED } from '../layers/integer.ts';
import type { ParameterSource } from '../layers/scope.ts';
import { WINOGRAD } from '../layers/winograd.ts';
import { isShapedAs } from './shapes.ts';
import { type TensorDtype, type TensorInfo, WeightsError } from './tensors.ts';

const DTYPES: Partial<Record<TensorDtype, Dtype>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F8_E4M3: 'float8e4m3',
  F8_E5M2: 'float8e5m2',
  I8: 'int8',
};

/** Parameters by canonical name; `path` is the file to name when one is missing. `get` throws a WeightsError. */
export function fileParameters(path: string, tensors: ReadonlyMap<string, TensorInfo>): ParameterSource {
  const values = new Map<string, Value>();
  return {
    has: (name) => tensors.has(name),
    packed: (layer) => {
      if (tensors.has(`${layer}.${WINOGRAD}`)) return 'winograd';
      if (!tensors.has(`${layer}.${PACKED.high}`)) return undefined;
      return tensors.has(`${layer}.${PACKED.low}`) ? 16 : 8;
    },
    get: (name, shape) => {
      const key = `${name}[${shape}]`;
      const known = values.get(key);
      if (known) return known;
      const value = locate(path, tensors.get(name), name, shape);
      values.set(key, value);
      return value;
    },
  };
}

/** The sums of parameters: `own` plus those of the same name in `base`, for weights stored as a difference. */
export function addedParameters(own: ParameterSource, base: ParameterSource): ParameterSource {
  return {
    has: own.has,
    get: (name, shape) => {
      const value = own.get(name, shape);
      if (!base.has(name)) return value;
      return add(cast(value, 'float32'), cast(base.get(name, shape), 'float32'));
    },
  };
}

function locate(path: string, info: TensorInfo | undefined, name: string, shape: readonly number[]): Value {
  if (!info)
    throw new WeightsError(
      path,
      `tensor "${name}" is missing`,
      'The file is incomplete or of another kind; use a complete checkpoint',
    );
  if (!isShapedAs(info.shape, shape)) {
    const problem = `tensor "${info.name}" is [${info.shape.join(', ')}], but the model needs [${shape.join(', ')}]`;
    throw new WeightsError(
      path,
      problem,
      'The file is damaged or of another architecture; try "emulsion inspect" on it',
    );
  }
  const dtype = DTYPES[info.dtype];
  if (!dtype)
    throw new WeightsError(
      path,
      `tensor "${info.name}" holds ${info.dtype}`,
      `${basename(path)} must hold floating-point weights`,
    );
  return weight(info.name, dtype, shape, {
    path: info.path,
    offset: info.offset,
    byteLength: info.byteLength,
  });
}
