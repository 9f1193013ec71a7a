/** Where a layer finds its parameters: a path into the weights, so that code structure and checkpoint keys mirror each other. */
import { cast } from '../graph/ops.ts';
import type { Dtype, Value } from '../graph/value.ts';

/**
 * Which operations a layer may use. `cpu`: ONNX Runtime's fused kernels. `webgpu`: standard operators, right on
 * every GPU backend. `training`: operators with a gradient rule.
 */
export type Flavour = 'cpu' | 'webgpu' | 'training';

/** What layers compute in. Norms, softmax and the timestep's sinusoids stay float32, and so do a graph's inputs and outputs. */
export type Precision = 'float32' | 'float16';

/** The device a graph is written for. */
export interface Target {
  readonly flavour: Flavour;
  /** float32 unless told otherwise. */
  readonly precision?: Precision;
  /** ONNX Runtime's own attention kernel: always on `cpu`, elsewhere where a probe found it right. */
  readonly fusedAttention?: boolean;
}

/** Parameters by their canonical (LDM) name. `get` checks the shape; axes of size 1 at the end may be left out. */
export interface ParameterSource {
  has(name: string): boolean;
  get(name: string, shape: readonly number[]): Value;
  /** In which other form than its own the weight of the layer at `path` is there, if in any. */
  packed?(path: string): Packing | undefined;
}

/** Products in integers (layers/integer.ts). 8: one int8 per weight. 16: two, for some 15 bits. */
export type PackedBits = 8 | 16;

/** How weights are prepared to be computed with faster: for integers, or for fewer products (layers/winograd.ts). */
export type Packing = PackedBits | 'winograd';

/** A layer's weight as low-rank adapters see it: linear when `kernel` is absent, else a convolution. */
export interface AdaptedLayer {
  readonly path: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly kernel?: { readonly size: number; readonly stride: number; readonly padding: number };
}

/** Makes the branch B·(A·x) that is added to a layer's output, or nothing where no adapter attaches. */
export type Adapter = (layer: AdaptedLayer, x: Value, flavour: Flavour) => Value | undefined;

export interface Scope {
  readonly path: string;
  readonly flavour: Flavour;
  readonly precision: Precision;
  readonly fusedAttention: boolean;
  /** Set where this layer's weight is packed. */
  readonly packed: Packing | undefined;
  /** The scope below: `scope.at('attn1')`, `scope.at(3)`. */
  at(name: string | number): Scope;
  has(name: string): boolean;
  /** The stored tensor, in its stored type. */
  raw(name: string, shape: readonly number[]): Value;
  /** The stored tensor in the scope's precision, or in another type. */
  parameter(name: string, shape: readonly number[], dtype?: Dtype): Value;
  /** `y` plus whatever adapters add for the layer at this path. */
  adapt(
    layer: Omit<AdaptedLayer, 'path'>,
    x: Value,
    y: Value,
    add: (y: Value, branch: Value) => Value,
  ): Value;
}

export interface ScopeOptions extends Target {
  readonly adapter?: Adapter;
}

/** The root scope over `source`. */
export function rootScope(source: ParameterSource, options: ScopeOptions): Scope {
  return scopeAt('', source, options);
}

function scopeAt(path: string, source: ParameterSource, options: ScopeOptions): Scope {
  const join = (name: string | number): string => (path === '' ? `${name}` : `${path}.${name}`);
  const raw = (name: string, shape: readonly number[]): Value => source.get(join(name), shape);
  const { flavour, precision = 'float32', fusedAttention = flavour === 'cpu' } = options;
  return {
    path,
    flavour,
    precision,
    fusedAttention,
    packed: source.packed?.(path),
    at: (name) => scopeAt(join(name), source, options),
    has: (name) => source.has(join(name)),
    raw,
    parameter: (name, shape, dtype = precision) => cast(raw(name, shape), dtype),
    adapt: (layer, x, y, add) => {
      const branch = options.adapter?.({ ...layer, path }, x, flavour);
      return branch ? add(y, branch) : y;
    },
  };
}
