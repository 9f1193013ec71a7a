/** The tensors in an unpickled object, by dotted name, and the few plain values beside them worth keeping. */
import { isKind, type PickleValue, type StoredTensor } from './pickleValues.ts';

interface StateDict {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Top-level texts and numbers ("global_step", "sd_checkpoint_name"). */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Dicts within dicts may repeat each other without end; no model is deeper or larger. */
const MAX_DEPTH = 8;
const MAX_VISITS = 200_000;
/** Names are joined from keys that may repeat: a long key and many short ones make gigabytes of a file of megabytes. */
const MAX_NAME_LENGTH = 1000;
const MAX_METADATA_LENGTH = 10_000;

/** Training checkpoints keep the weights under one of these, beside optimizer state that is no part of the model. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model', 'net'] as const;

/** Names are dotted paths through the dictionaries ("string_to_param.*"), below the wrapper if there is one. */
export function stateDictOf(root: PickleValue, refuse: (problem: string) => Error): StateDict {
  const tensors = new Map<string, StoredTensor>();
  let visits = 0;
  const visit = (value: PickleValue, name: string, depth: number): void => {
    if (++visits > MAX_VISITS || depth > MAX_DEPTH)
      throw refuse('its dictionaries are nested beyond those of any model');
    if (name.length > MAX_NAME_LENGTH) throw refuse('its dictionaries have longer names than any model');
    if (isKind(value, 'tensor')) tensors.set(name, value);
    for (const [key, child] of childrenOf(value))
      visit(child, name === '' ? key : `${name}.${key}`, depth + 1);
  };
  visit(unwrapped(root), '', 0);
  return { tensors, metadata: plainValues(root) };
}

function unwrapped(root: PickleValue): PickleValue {
  if (!isKind(root, 'dict')) return root;
  return WRAPPERS.map((name) => root.entries.get(name)).find((value) => isKind(value, 'dict')) ?? root;
}

function childrenOf(value: PickleValue): [string, PickleValue][] {
  if (isKind(value, 'inert')) return childrenOf(parametersOf(value.state));
  if (!isKind(value, 'dict')) return [];
  return [...value.entries].flatMap(([key, child]) => {
    const name = typeof key === 'number' ? String(key) : key;
    return typeof name === 'string' ? [[name, child] as [string, PickleValue]] : [];
  });
}

/** A ParameterDict (textual inversions) keeps its tensors in an attribute; other inert objects have nothing for us. */
function parametersOf(state: PickleValue): PickleValue {
  return isKind(state, 'dict') ? (state.entries.get('_parameters') ?? null) : null;
}

function plainValues(root: PickleValue): Record<string, string> {
  if (!isKind(root, 'dict')) return {};
  const plain = [...root.entries].flatMap(([key, value]) => {
    if (typeof key !== 'string') return [];
    const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return isPlain ? [[key, String(value).slice(0, MAX_METADATA_LENGTH)] as const] : [];
  });
  return Object.fromEntries(plain);
}
