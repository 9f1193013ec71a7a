/** The graph IR: immutable values made by nodes. A graph is just the set of values reachable from its outputs. */
import type { OpName } from './shapes.ts';

export type Dtype =
  | 'float32' | 'float16' | 'bfloat16' | 'float64' | 'float8e4m3' | 'float8e5m2'
  | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool'; // biome-ignore format: one table, read across

/** A number, or the name of a size known only when the graph runs (`batch`, `height` …). */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** ONNX separates whole and floating attributes, JavaScript does not: hence the tags. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string };
export type Attributes = Readonly<Record<string, Attribute>>;

export type ConstantData =
  | Float32Array<ArrayBuffer>
  | Float16Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>;

/** Bytes inside a weights file; the graph only points at them. */
export interface WeightLocation {
  readonly path: string;
  readonly offset: number;
  readonly byteLength: number;
}

export type Source =
  | { readonly kind: 'node'; readonly node: Node; readonly index: number }
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'weight'; readonly name: string; readonly location: WeightLocation }
  | { readonly kind: 'constant'; readonly data: ConstantData };

export interface Value {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly source: Source;
}

export interface Node {
  readonly op: OpName;
  /** `undefined` = an optional ONNX input left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
}

/** What a shape rule says of one output. */
export interface ValueType {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** A named hole to be filled when the graph runs. */
export function input(name: string, dtype: Dtype, shape: Shape): Value {
  return { shape, dtype, source: { kind: 'input', name } };
}

/** A tensor that stays in its file; `name` is the key there and appears in error messages. */
export function weight(
  name: string,
  dtype: Dtype,
  shape: readonly number[],
  location: WeightLocation,
): Value {
  return { shape, dtype, source: { kind: 'weight', name, location } };
}

/** A tensor stored inside the graph itself; keep it small. */
export function constant(data: ConstantData, shape: readonly number[]): Value {
  return { shape, dtype: dtypeOf(data), source: { kind: 'constant', data } };
}

/** A scalar of a floating-point type: float16, or float32 for any other. */
export function scalar(value: number, dtype: Dtype = 'float32'): Value {
  return constant(dtype === 'float16' ? Float16Array.of(value) : Float32Array.of(value), []);
}

/** A 1-D int64 constant, as ONNX wants for shapes, axes and indices. */
export function indices(values: readonly number[]): Value {
  return constant(BigInt64Array.from(values, BigInt), [values.length]);
}

/** The whole numbers of an int64 constant, or undefined when `value` is not one. */
export function constantInts(value: Value | undefined): number[] | undefined {
  if (value?.source.kind !== 'constant' || !(value.source.data instanceof BigInt64Array)) return undefined;
  return Array.from(value.source.data, Number);
}

/** The shape as numbers; throws when a size is only known at run time. */
export function staticShape(value: Value): number[] {
  return value.shape.map((_, axis) => staticDim(value, axis));
}

/** The size along one axis (−1: the last); throws when it is only known at run time. */
export function staticDim({ shape }: Value, axis: number): number {
  const dim = shape.at(axis);
  if (typeof dim !== 'number')
    throw new Error(`a static size is needed for axis ${axis} of [${shape.join(', ')}]`);
  return dim;
}

function dtypeOf(data: ConstantData): Dtype {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float16Array) return 'float16';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int32Array) return 'int32';
  return data instanceof Uint8Array ? 'uint8' : 'int8';
}
