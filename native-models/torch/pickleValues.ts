/** What an unpickled object can be here: plain data and inert tokens. Nothing in it can run. */
import type { TensorDtype } from '../weights/tensors.ts';

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Sequence
  | Dict
  | Global
  | Inert
  | Storage
  | StoredTensor;

export type Sequence = List | Tuple | PickledSet;

interface List {
  readonly kind: 'list';
  readonly items: PickleValue[];
}

interface Tuple {
  readonly kind: 'tuple';
  readonly items: PickleValue[];
}

/** Order and repetition as pickled; nothing here asks a set for more. */
interface PickledSet {
  readonly kind: 'set';
  readonly items: PickleValue[];
}

/** A dict or OrderedDict. Objects as keys count by identity. */
export interface Dict {
  readonly kind: 'dict';
  readonly entries: Map<PickleValue, PickleValue>;
}

/** A name that the allow-list knows. `call` is ours, never the file's. */
interface Global {
  readonly kind: 'global';
  readonly name: string;
  readonly call: (args: readonly PickleValue[]) => PickleValue;
}

/** An allowed object that weights do not need (training state); `state` is what the file would have set on it. */
interface Inert {
  readonly kind: 'inert';
  readonly name: string;
  state: PickleValue;
}

/** A block of elements elsewhere in the file. */
export interface Storage {
  readonly kind: 'storage';
  readonly key: string;
  readonly dtype: TensorDtype;
  /** Elements of `dtype`. */
  readonly length: number;
  /** The element of the block called `key` at which this one begins (legacy views). */
  readonly start: number;
}

/** A strided view of a storage, in elements. */
export interface StoredTensor {
  readonly kind: 'tensor';
  readonly storage: Storage;
  readonly dtype: TensorDtype;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

type Kinds = Extract<PickleValue, { readonly kind: string }>;

/** Whether `value` is an object of one of these kinds. */
export function isKind<K extends Kinds['kind']>(
  value: PickleValue | undefined,
  ...kinds: K[]
): value is Extract<Kinds, { readonly kind: K }> {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && (kinds as string[]).includes(value.kind)
  );
}

/** A non-negative integer that fits a double; undefined for everything else. */
export function asCount(value: PickleValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
