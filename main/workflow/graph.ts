/** A workflow as it comes from outside: ComfyUI's API graph, checked in shape and size before anything looks at its meaning. */
import { badInput } from '../engine/border/failures.ts';
import { isRecord, type LooseGraph, type LooseNode, looseNode } from '../images/comfy/graph.ts';
import { kindOf } from './registry.ts';

/** Larger than any workflow a person wires up; bounds what a hostile one can make us do. */
const MAX_NODES = 1000;

/** Throws a bad-input error that names the node or says which format this is. */
export function parseWorkflow(value: unknown): LooseGraph {
  if (isRecord(value) && Array.isArray(value['nodes']))
    throw badInput(
      "This is the editor's format of a workflow, which holds no values by name.",
      'In ComfyUI choose "Export (API)" and run that file.',
    );
  const graph = postedGraph(value);
  const entries = isRecord(graph) ? Object.entries(graph) : [];
  if (entries.length === 0)
    throw badInput(
      'This is no workflow.',
      'Give a graph in ComfyUI\'s API format: {"1": {"class_type": …}}.',
    );
  if (entries.length > MAX_NODES)
    throw badInput(`The workflow has ${entries.length} nodes; ${MAX_NODES} are allowed.`, 'Split it up.');
  return new Map(entries.map(([id, node]) => [id, parseNode(id, node)]));
}

/** What is posted to ComfyUI's /prompt has the graph under that name. */
export function postedGraph(value: unknown): unknown {
  return isRecord(value) && isRecord(value['prompt']) ? value['prompt'] : value;
}

function parseNode(id: string, node: unknown): LooseNode {
  const found = looseNode(node);
  if (!found)
    throw badInput(
      `Node ${id} is not a node: it needs "class_type" and "inputs".`,
      'Export the graph again.',
    );
  return withoutUnread(found);
}

/** Versions and extensions of ComfyUI add inputs of their own; what is behind those need not be understood. */
function withoutUnread({ class_type, inputs, emulsion }: LooseNode): LooseNode {
  const kind = kindOf(class_type);
  return { class_type, inputs: picked(inputs, kind?.inputs), emulsion: picked(emulsion, kind?.extras) };
}

function picked(
  values: Readonly<Record<string, unknown>>,
  names: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  const own = names.filter((name) => Object.hasOwn(values, name));
  return Object.fromEntries(own.map((name) => [name, values[name]]));
}

/** "Node 5 (KSampler)": how messages call a node. */
export function nodeName(id: string, { class_type }: LooseNode): string {
  return `Node ${id.slice(0, 40)} (${class_type.slice(0, 80)})`;
}
