/** Walking a graph along its links, from a node back to what it is made from; cycles and dangling links are harmless. */
import { type LooseGraph, type LooseNode, linkFrom } from './graph.ts';

/** Inputs through which a sampler made of parts (SamplerCustom, SamplerCustomAdvanced) gets its settings. */
const PARTS = ['noise', 'guider', 'sampler', 'sigmas'];
/** Where nodes that hold one value for others keep it (primitives, text boxes). */
const VALUE_KEYS = ['value', 'text', 'string', 'prompt', 'int', 'float', 'number', 'seed', 'noise_seed'];
const MAX_HOPS = 32;

/** The node an input is linked to. */
export function nodeBehind(graph: LooseGraph, value: unknown): LooseNode | undefined {
  const link = linkFrom(value);
  return link && graph.get(link[0]);
}

/**
 * All nodes that `starts` are made from, nearest first, the starts included. Follows the inputs whose name `follow`
 * accepts and does not look behind nodes that `stop` accepts.
 */
export function reach(
  graph: LooseGraph,
  starts: readonly LooseNode[],
  follow: (input: string) => boolean = () => true,
  stop: (node: LooseNode) => boolean = () => false,
): LooseNode[] {
  const found = new Set(starts);
  for (const node of found) {
    if (stop(node)) continue;
    for (const [name, value] of Object.entries(node.inputs)) {
      const source = follow(name) ? nodeBehind(graph, value) : undefined;
      if (source) found.add(source);
    }
  }
  return [...found];
}

/** The first of `keys` that a sampler or the parts it is made of have, with links to value nodes resolved. */
export function setting(graph: LooseGraph, node: LooseNode, keys: readonly string[]): unknown {
  for (const part of reach(graph, [node], (name) => PARTS.includes(name))) {
    const key = keys.find((candidate) => candidate in part.inputs);
    if (key !== undefined) return plainValue(graph, part.inputs[key], keys);
  }
  return undefined;
}

/** A link of a sampler or its parts, as the node behind it. */
export function partBehind(graph: LooseGraph, node: LooseNode, key: string): LooseNode | undefined {
  return reach(graph, [node], (name) => PARTS.includes(name))
    .map(({ inputs }) => nodeBehind(graph, inputs[key]))
    .find((found) => found !== undefined);
}

/** A value as it is, or through links to nodes that hold it under `keys` or one of the usual names. */
export function plainValue(graph: LooseGraph, value: unknown, keys: readonly string[] = []): unknown {
  let current = value;
  for (let hops = 0; hops < MAX_HOPS; hops++) {
    const node = nodeBehind(graph, current);
    if (!node) return linkFrom(current) ? undefined : current;
    const key = [...keys, ...VALUE_KEYS].find((candidate) => candidate in node.inputs);
    if (key === undefined) return undefined;
    current = node.inputs[key];
  }
  return undefined;
}
