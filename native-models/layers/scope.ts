/** Where a layer finds its parameters: a path into the weights, so that code structure and checkpoint keys mirror each other. */
import { cast } from '../graph/ops.ts';
import type { Value } from '../graph/value.ts';

/**
 * Which operations a layer may use. `cpu`: ONNX Runtime's fused kernels. `webgpu`: standard operators, right on
 * every GPU backend. `training`: operators with a gradient rule.
 */
export type Flavour = 'cpu' | 'webgpu' | 'training';

/** Parameters by their canonical (LDM) name. `get` checks the shape; axes of size 1 at the end may be left out. */
export interface ParameterSource {
  has(name: string): boolean;
  get(name: string, shape: readonly number[]): Value;
}

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
  /** The scope below: `scope.at('attn1')`, `scope.at(3)`. */
  at(name: string | number): Scope;
  has(name: string): boolean;
  /** The stored tensor, in its stored type. */
  raw(name: string, shape: readonly number[]): Value;
  /** The stored tensor as float32. */
  parameter(name: string, shape: readonly number[]): Value;
  /** `y` plus whatever adapters add for the layer at this path. */
  adapt(
    layer: Omit<AdaptedLayer, 'path'>,
    x: Value,
    y: Value,
    add: (y: Value, branch: Value) => Value,
  ): Value;
}

export interface ScopeOptions {
  readonly flavour: Flavour;
  readonly adapter?: Adapter;
}

/** The root scope over `source`. */
export function rootScope(source: ParameterSource, options: ScopeOptions): Scope {
  return scopeAt('', source, options);
}

function scopeAt(path: string, source: ParameterSource, options: ScopeOptions): Scope {
  const join = (name: string | number): string => (path === '' ? `${name}` : `${path}.${name}`);
  const raw = (name: string, shape: readonly number[]): Value => source.get(join(name), shape);
  return {
    path,
    flavour: options.flavour,
    at: (name) => scopeAt(join(name), source, options),
    has: (name) => source.has(join(name)),
    raw,
    parameter: (name, shape) => cast(raw(name, shape), 'float32'),
    adapt: (layer, x, y, add) => {
      const branch = options.adapter?.({ ...layer, path }, x, options.flavour);
      return branch ? add(y, branch) : y;
    },
  };
}
