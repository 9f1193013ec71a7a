/** The allow-list: every Python name a weights file may mention, and the data it becomes here. Anything else is refused. */
import type { TensorDtype } from '../weights/tensors.ts';
import {
  asCount,
  type Dict,
  isKind,
  type PickleValue,
  type Storage,
  type StoredTensor,
} from './pickleValues.ts';

/** Element types by the name of torch's storage class. */
const STORAGES: Readonly<Record<string, TensorDtype>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  UntypedStorage: 'U8',
};

/** Element types by the name of torch's dtype; _rebuild_tensor_v3 gives them beside an untyped storage. */
const DTYPES: Readonly<Record<string, TensorDtype>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
};

/** Found in published checkpoints beside the weights: training state, which is read over. */
const INERT: readonly string[] = [
  '_codecs.encode',
  'numpy.core.multiarray._reconstruct',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray._reconstruct',
  'numpy._core.multiarray.scalar',
  'numpy.dtype',
  'numpy.ndarray',
  'pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint',
  'torch.Size',
  'torch.device',
  'torch.nn.modules.container.ParameterDict',
];

type Stand = (args: readonly PickleValue[]) => PickleValue | undefined;

/** The calls that build data. A stand-in that returns undefined was given arguments that make no sense. */
const CALLS: Readonly<Record<string, Stand>> = {
  'collections.OrderedDict': ([pairs]) => dictOf(pairs),
  'builtins.set': ([items]) => setOf(items),
  '__builtin__.set': ([items]) => setOf(items),
  'torch._utils._rebuild_tensor': ([storage, offset, shape, strides]) =>
    rebuild(storage, offset, shape, strides),
  'torch._utils._rebuild_tensor_v2': ([storage, offset, shape, strides]) =>
    rebuild(storage, offset, shape, strides),
  'torch._utils._rebuild_tensor_v3': ([storage, offset, shape, strides, , , dtype]) =>
    rebuild(storage, offset, shape, strides, dtype),
  'torch._utils._rebuild_parameter': ([data]) => data,
  'torch._utils._rebuild_parameter_with_state': ([data]) => data,
};

/** The stand-in for a Python name. Throws `refuse`'s error, naming it, when it is not on the list. */
export function allowedGlobal(name: string, refuse: (problem: string) => Error): PickleValue {
  const call = Object.hasOwn(CALLS, name) ? CALLS[name]! : inertCall(name);
  if (!call) throw refuse(`it wants to use "${name}", which no weights need`);
  return {
    kind: 'global',
    name,
    call: (args) => {
      const made = call(args);
      if (made === undefined) throw refuse(`it misuses "${name}"`);
      return made;
    },
  };
}

/** The element type that a storage class or dtype among the globals stands for. */
function dtypeNamed(value: PickleValue | undefined): TensorDtype | undefined {
  return isKind(value, 'global') ? elementType(value.name) : undefined;
}

function elementType(name: string): TensorDtype | undefined {
  const [, module, last] = /^(torch|torch\.cuda|torch\.storage)\.(\w+)$/.exec(name) ?? [];
  if (module === undefined || last === undefined) return undefined;
  if (Object.hasOwn(STORAGES, last)) return STORAGES[last];
  return module === 'torch' && Object.hasOwn(DTYPES, last) ? DTYPES[last] : undefined;
}

/** Names of types are only ever mentioned; calling one gives nothing. */
function inertCall(name: string): Stand | undefined {
  if (elementType(name)) return () => undefined;
  return INERT.includes(name) ? () => ({ kind: 'inert', name, state: null }) : undefined;
}

function dictOf(pairs: PickleValue | undefined): Dict | undefined {
  if (pairs === undefined) return { kind: 'dict', entries: new Map() };
  if (!isKind(pairs, 'list', 'tuple')) return undefined;
  const entries = pairs.items.map((pair) =>
    isKind(pair, 'list', 'tuple') && pair.items.length === 2 ? pair.items : undefined,
  );
  return entries.includes(undefined)
    ? undefined
    : { kind: 'dict', entries: new Map(entries as [PickleValue, PickleValue][]) };
}

function setOf(items: PickleValue | undefined): PickleValue | undefined {
  if (items === undefined) return { kind: 'set', items: [] };
  return isKind(items, 'list', 'tuple') ? { kind: 'set', items: items.items } : undefined;
}

function rebuild(
  storage: PickleValue | undefined,
  offset: PickleValue | undefined,
  shape: PickleValue | undefined,
  strides: PickleValue | undefined,
  dtype?: PickleValue,
): StoredTensor | undefined {
  const start = asCount(offset);
  const [sizes, steps] = [asCounts(shape), asCounts(strides)];
  const type = dtype === undefined ? isKind(storage, 'storage') && storage.dtype : dtypeNamed(dtype);
  if (!isKind(storage, 'storage') || !type || start === undefined || !sizes || sizes.length !== steps?.length)
    return undefined;
  return { kind: 'tensor', storage, dtype: type, offset: start, shape: sizes, strides: steps };
}

/** torch.Size pickles as a plain tuple. No tensor has more than a few axes. */
function asCounts(value: PickleValue | undefined): number[] | undefined {
  if (!isKind(value, 'tuple') || value.items.length > 16) return undefined;
  const counts = value.items.map(asCount);
  return counts.includes(undefined) ? undefined : (counts as number[]);
}

/** What torch's persistent id ('storage', class, key, device, length[, view]) refers to; undefined when it is no such thing. */
export function storageOf(id: PickleValue): Storage | undefined {
  if (!isKind(id, 'tuple')) return undefined;
  const [tag, type, key, , count, view] = id.items;
  const [dtype, length] = [dtypeNamed(type), asCount(count)];
  if (tag !== 'storage' || !dtype || typeof key !== 'string' || length === undefined) return undefined;
  if (view === undefined || view === null) return { kind: 'storage', key, dtype, length, start: 0 };
  // Legacy files name a part of a storage: (its own key, first element, length).
  const [, first, size] = isKind(view, 'tuple') ? view.items : [];
  const [start, viewLength] = [asCount(first), asCount(size)];
  if (start === undefined || viewLength === undefined || start + viewLength > length) return undefined;
  return { kind: 'storage', key, dtype, length: viewLength, start };
}
