/** Runs a workflow: checks all of it, then evaluates node by node what has changed since the last run. */
import { badInput, EngineError } from '../engine/border/failures.ts';
import type { Pixels } from '../images/pixels.ts';
import { fileStamp, keyOf, type WorkflowCache } from './cache.ts';
import { type CheckedNode, checkedNodes, withLinks } from './check.ts';
import type { FileTables } from './files.ts';
import { nodeName, parseWorkflow } from './graph.ts';
import { evaluationOrder } from './order.ts';
import type { NodeContext } from './parts/node.ts';
import type { Wire } from './parts/sockets.ts';
import { OUTPUT_NODES } from './registry.ts';

/** A picture that reached an output node. */
export interface WorkflowPicture {
  readonly nodeId: string;
  /** Which of the node's pictures. */
  readonly index: number;
  /** PreviewImage: to be shown, not kept. */
  readonly temporary: boolean;
  /** How the graph wants the file to be called. */
  readonly prefix: string;
  readonly picture: Pixels;
}

export interface WorkflowRun {
  readonly pictures: readonly WorkflowPicture[];
  /** Ids of nodes that were run, and of those whose result was still known. */
  readonly ran: readonly string[];
  readonly cached: readonly string[];
}

/** `graph` is untrusted. Throws EngineError that names the node at fault; nodes that were done stay in the cache. */
export async function runWorkflow(
  graph: unknown,
  files: FileTables,
  cache: WorkflowCache,
  context: NodeContext,
): Promise<WorkflowRun> {
  const parsed = parseWorkflow(graph);
  const nodes = checkedNodes(parsed, evaluationOrder(parsed), files);
  const keys = nodeKeys(nodes);
  const outputs = new Map<string, readonly Wire[]>();
  const [ran, cached]: [string[], string[]] = [[], []];
  try {
    for (const node of neededNodes(nodes, keys, cache)) {
      context.signal.throwIfAborted();
      const known = cache.get(keys.get(node.id)!);
      const wires = known ?? (await evaluate(node, outputs, context));
      (known ? cached : ran).push(node.id);
      outputs.set(node.id, wires);
      cache.set(keys.get(node.id)!, wires);
    }
  } finally {
    cache.keepOnly(new Set(keys.values()));
  }
  return { pictures: nodes.flatMap((node) => picturesOf(node, outputs)), ran, cached };
}

/** Nodes are told apart by all that they are made from. */
function nodeKeys(nodes: readonly CheckedNode[]): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const { id, node, inputs, files } of nodes) {
    const linked = withLinks(inputs, (source, slot) => ({ source: keys.get(source), slot }));
    keys.set(id, keyOf({ class: node.class_type, linked, files: files.map(fileStamp) }));
  }
  return keys;
}

/** From the outputs back to what is known already: nodes behind that are not looked at. */
function neededNodes(
  nodes: readonly CheckedNode[],
  keys: ReadonlyMap<string, string>,
  cache: WorkflowCache,
): CheckedNode[] {
  const needed = new Set(nodes.filter(({ node }) => OUTPUT_NODES.has(node.class_type)).map(({ id }) => id));
  for (const { id, inputs } of nodes.toReversed()) {
    if (!needed.has(id) || cache.get(keys.get(id)!)) continue;
    withLinks(inputs, (source) => needed.add(source));
  }
  return nodes.filter(({ id }) => needed.has(id));
}

async function evaluate(
  { id, node, kind, inputs }: CheckedNode,
  outputs: ReadonlyMap<string, readonly Wire[]>,
  context: NodeContext,
): Promise<Wire[]> {
  const linked = withLinks(inputs, (source, slot) => outputs.get(source)![slot]);
  try {
    return await kind.run(linked, context);
  } catch (error) {
    if (!(error instanceof EngineError) || error.failure.code !== 'bad-input') throw error;
    throw badInput(`${nodeName(id, node)}: ${error.failure.message}`, error.failure.hint);
  }
}

function picturesOf(
  { id, node: { class_type, inputs } }: CheckedNode,
  outputs: ReadonlyMap<string, readonly Wire[]>,
): WorkflowPicture[] {
  if (!OUTPUT_NODES.has(class_type)) return [];
  const [images] = outputs.get(id) as readonly [Wire<'IMAGE'>];
  const prefix = typeof inputs['filename_prefix'] === 'string' ? inputs['filename_prefix'] : 'ComfyUI';
  const temporary = class_type === 'PreviewImage';
  return images.value!.map((picture, index) => ({ nodeId: id, index, temporary, prefix, picture }));
}
