/** From output values to a named, ordered graph: the only place that names nodes. */
import { MICROSOFT_OPS } from './shapes.ts';
import type {
  Attributes,
  ConstantData,
  Dtype,
  Node,
  Shape,
  Value,
  ValueType,
  WeightLocation,
} from './value.ts';

export interface NamedValue extends ValueType {
  readonly name: string;
}
export interface NamedNode {
  readonly name: string;
  readonly op: string;
  readonly domain: '' | 'com.microsoft';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}
export type Initializer = NamedValue &
  ({ readonly data: ConstantData } | { readonly location: WeightLocation });

/** A graph ready to be written: everything has a name, nodes stand in an order in which they can run. */
export interface Graph {
  readonly inputs: readonly NamedValue[];
  readonly outputs: readonly NamedValue[];
  readonly nodes: readonly NamedNode[];
  readonly initializers: readonly Initializer[];
}

/** Collects everything the named outputs need. `keepInputs` are listed even where no output reaches them. */
export function buildGraph(
  outputs: Readonly<Record<string, Value>>,
  keepInputs: readonly Value[] = [],
): Graph {
  const named = Object.entries(outputs);
  const namer = createNamer();
  for (const value of keepInputs) namer.nameOf(value);
  for (const [name, value] of named) namer.reserve(value, name);
  const nodes = topologicalOrder(Object.values(outputs)).map((node, index) => nameNode(node, index, namer));
  // An output that is an input, a weight or another output besides gets its own name by a copy.
  for (const [name, value] of named) {
    const source = namer.nameOf(value);
    if (source !== name) nodes.push(alias(name, source));
  }
  return {
    inputs: namer.inputs(),
    outputs: named.map(([name, { shape, dtype }]) => ({ name, shape, dtype })),
    nodes,
    initializers: namer.initializers,
  };
}

interface Namer {
  /** The name of a value; inputs, weights and constants are recorded when they are first named. */
  nameOf(value: Value | undefined): string;
  /** Gives a node's output a name of its own, unless it has one. Returns the name that holds. */
  reserve(value: Value, name: string): string;
  inputs(): readonly NamedValue[];
  readonly initializers: readonly Initializer[];
}

function createNamer(): Namer {
  const names = new Map<Value, string>();
  const inputs = new Map<string, NamedValue>();
  const store = createInitializers();
  const nameLeaf = (value: Value): string => {
    const { source, shape, dtype } = value;
    if (source.kind === 'node') throw new Error('a node output was used before its node');
    if (source.kind !== 'input') return store.add(value);
    checkSameInput(inputs.get(source.name), value, source.name);
    inputs.set(source.name, { name: source.name, shape, dtype });
    return source.name;
  };
  const nameOf = (value: Value | undefined): string => {
    if (!value) return '';
    const name = names.get(value) ?? nameLeaf(value);
    names.set(value, name);
    return name;
  };
  const reserve = (value: Value, name: string): string => {
    const held = names.get(value);
    if (held !== undefined || value.source.kind !== 'node') return held ?? name;
    names.set(value, name);
    return name;
  };
  return { nameOf, reserve, inputs: () => [...inputs.values()], initializers: store.all };
}

/** Small constants of equal content, and weights of equal place, are stored once. */
function createInitializers(): { add(value: Value): string; readonly all: Initializer[] } {
  const all: Initializer[] = [];
  const known = new Map<string, string>();
  const add = ({ source, shape, dtype }: Value): string => {
    if (source.kind !== 'weight' && source.kind !== 'constant')
      throw new Error('only weights and constants are stored');
    const key = contentKey(source, dtype, shape);
    const held = key === undefined ? undefined : known.get(key);
    if (held !== undefined) return held;
    const isWeight = source.kind === 'weight';
    // The same bytes may be viewed twice (a slice and the whole), so the place is part of a weight's name.
    const name = isWeight ? key! : `constant_${all.length}`;
    all.push(
      isWeight
        ? { name, shape, dtype, location: source.location }
        : { name, shape, dtype, data: source.data },
    );
    if (key !== undefined) known.set(key, name);
    return name;
  };
  return { add, all };
}

/** Constants longer than this are not compared: they are few and made once. */
const COMPARED_LENGTH = 64;

function contentKey(
  source: Value['source'] & { kind: 'weight' | 'constant' },
  dtype: Dtype,
  shape: Shape,
): string | undefined {
  if (source.kind === 'weight') {
    const { offset, byteLength } = source.location;
    return `${source.name}[${shape}]@${offset}+${byteLength}`;
  }
  return source.data.length > COMPARED_LENGTH ? undefined : `${dtype}[${shape}]:${source.data}`;
}

function nameNode(node: Node, index: number, namer: Namer): NamedNode {
  const name = `${node.op}_${index}`;
  const inputs = node.inputs.map(namer.nameOf);
  while (inputs.at(-1) === '') inputs.pop();
  const outputs = node.outputs.map((value, output) => namer.reserve(value, `${name}:${output}`));
  const domain = MICROSOFT_OPS.has(node.op) ? 'com.microsoft' : '';
  return { name, op: node.op, domain, inputs, outputs, attributes: publicAttributes(node) };
}

function alias(name: string, source: string): NamedNode {
  return {
    name: `alias_${name}`,
    op: 'Identity',
    domain: '',
    inputs: [source],
    outputs: [name],
    attributes: {},
  };
}

/** Attributes that only our own shape inference reads stay out of the file. */
function publicAttributes(node: Node): Attributes {
  const { emulsion_shape: _private, ...attributes } = node.attributes;
  return attributes;
}

function checkSameInput(known: NamedValue | undefined, value: Value, name: string): void {
  const text = (shape: Shape): string => shape.join(',');
  if (known && (text(known.shape) !== text(value.shape) || known.dtype !== value.dtype)) {
    throw new Error(`input "${name}" is declared twice, as [${known.shape}] and [${value.shape}]`);
  }
}

/** Every node behind `values`, producers before consumers. Iterative: deep graphs overflow a recursive walk. */
export function topologicalOrder(values: readonly Value[]): Node[] {
  const ordered: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  const stack: Node[] = [];
  const push = (value: Value | undefined): void => {
    if (value?.source.kind === 'node' && !state.has(value.source.node)) stack.push(value.source.node);
  };
  for (const value of values) {
    push(value);
    while (stack.length > 0) {
      const node = stack.at(-1)!;
      if (state.get(node) === undefined) {
        state.set(node, 'open');
        for (const parent of node.inputs.toReversed()) push(parent);
        continue;
      }
      stack.pop();
      if (state.get(node) === 'open') ordered.push(node);
      state.set(node, 'done');
    }
  }
  return ordered;
}
