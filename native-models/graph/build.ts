/** From output values to a named, ordered graph: the only place that names nodes. */
import { MICROSOFT_OPS } from './shapes.ts';
import type { Attributes, ConstantData, Node, Shape, Value, ValueType, WeightLocation } from './value.ts';

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

/** Collects everything the named outputs need. Inputs not reached by any output are listed too when given in `keepInputs`. */
export function buildGraph(
  outputs: Readonly<Record<string, Value>>,
  keepInputs: readonly Value[] = [],
): Graph {
  const ordered = topologicalOrder(Object.values(outputs));
  const names = new Map<Value, string>();
  const inputs = new Map<string, NamedValue>();
  const initializers: Initializer[] = [];
  const constants = new Map<string, string>();

  const nameLeaf = (value: Value): string => {
    const { source, shape, dtype } = value;
    switch (source.kind) {
      case 'input':
        checkSameInput(inputs.get(source.name), value, source.name);
        inputs.set(source.name, { name: source.name, shape, dtype });
        return source.name;
      case 'weight': {
        const { offset, byteLength } = source.location;
        // The same bytes may be viewed twice (a slice and the whole), so the place is part of the name.
        return intern(`${source.name}@${offset}+${byteLength}`, (name) => ({
          name,
          shape,
          dtype,
          location: source.location,
        }));
      }
      case 'constant':
        return source.data.length > 64
          ? addInitializer(`constant_${initializers.length}`, { shape, dtype, data: source.data })
          : intern(`${dtype}[${shape}]:${source.data}`, () => ({
              name: `constant_${initializers.length}`,
              shape,
              dtype,
              data: source.data,
            }));
      case 'node':
        throw new Error('a node output was used before its node');
    }
  };
  const addInitializer = (
    name: string,
    rest: Omit<Extract<Initializer, { data: ConstantData }>, 'name'>,
  ): string => {
    initializers.push({ name, ...rest });
    return name;
  };
  const intern = (key: string, make: (key: string) => Initializer): string => {
    const known = constants.get(key);
    if (known !== undefined) return known;
    const initializer = make(key);
    initializers.push(initializer);
    constants.set(key, initializer.name);
    return initializer.name;
  };
  const nameOf = (value: Value | undefined): string => {
    if (!value) return '';
    const known = names.get(value);
    if (known !== undefined) return known;
    const name = nameLeaf(value);
    names.set(value, name);
    return name;
  };

  for (const value of keepInputs) nameOf(value);
  for (const [name, value] of Object.entries(outputs))
    if (value.source.kind === 'node' && !names.has(value)) names.set(value, name);
  const nodes = ordered.map((node, index) => nameNode(node, index, names, nameOf));
  const aliases = Object.entries(outputs).filter(([name, value]) => nameOf(value) !== name);
  for (const [name, value] of aliases) {
    nodes.push({
      name: `alias_${name}`,
      op: 'Identity',
      domain: '',
      inputs: [nameOf(value)],
      outputs: [name],
      attributes: {},
    });
  }
  return {
    inputs: [...inputs.values()],
    outputs: Object.entries(outputs).map(([name, { shape, dtype }]) => ({ name, shape, dtype })),
    nodes,
    initializers,
  };
}

function nameNode(
  node: Node,
  index: number,
  names: Map<Value, string>,
  nameOf: (value: Value | undefined) => string,
): NamedNode {
  const name = `${node.op}_${index}`;
  const inputs = node.inputs.map(nameOf);
  while (inputs.at(-1) === '') inputs.pop();
  const outputs = node.outputs.map((value, output) => {
    const known = names.get(value) ?? `${name}:${output}`;
    names.set(value, known);
    return known;
  });
  return {
    name,
    op: node.op,
    domain: MICROSOFT_OPS.has(node.op) ? 'com.microsoft' : '',
    inputs,
    outputs,
    attributes: publicAttributes(node),
  };
}

/** Attributes that only our own shape inference reads stay out of the file. */
function publicAttributes(node: Node): Attributes {
  const { emulsion_shape: _shape, emulsion_outputs: _outputs, ...attributes } = node.attributes;
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
