/** Which nodes of a graph are to be run, and in which order: everything the output nodes are made from. */
import { badInput } from '../engine/border/failures.ts';
import { type LooseGraph, type LooseNode, linkFrom } from '../images/comfy/graph.ts';
import { nodeName } from './graph.ts';
import { OUTPUT_NODES } from './registry.ts';

/** Ids, sources before what uses them. Throws for a graph without output, a link into nothing, or a circle. */
export function evaluationOrder(graph: LooseGraph): string[] {
  const outputs = [...graph].filter(([, node]) => OUTPUT_NODES.has(node.class_type)).map(([id]) => id);
  if (outputs.length === 0)
    throw badInput('The workflow has no output.', 'Add a SaveImage or PreviewImage node.');
  const done = new Set<string>();
  for (const id of outputs) visit(graph, id, done);
  return [...done];
}

/** Depth first, with a stack of its own: a chain may be as long as the graph. */
function visit(graph: LooseGraph, start: string, done: Set<string>): void {
  const path: { id: string; sources: string[] }[] = [];
  const enter = (id: string): void => {
    const circle = path.findIndex((step) => step.id === id);
    if (circle >= 0)
      throw badInput(
        `The nodes ${[...path.slice(circle).map((step) => step.id), id].reverse().join(' → ')} form a circle.`,
        'Unlink one of them.',
      );
    if (!done.has(id)) path.push({ id, sources: sourcesOf(graph, id) });
  };
  enter(start);
  while (path.length > 0) {
    const source = path.at(-1)!.sources.pop();
    if (source !== undefined) enter(source);
    else done.add(path.pop()!.id);
  }
}

function sourcesOf(graph: LooseGraph, id: string): string[] {
  const node = graph.get(id)!;
  return linksOf(node).map(([input, source]) => {
    if (graph.has(source)) return source;
    throw badInput(
      `${nodeName(id, node)}: "${input}" is linked to node ${source.slice(0, 40)}, which is not in the workflow.`,
      'Link it to another node.',
    );
  });
}

/** Input name and source of every link, those of our own extras included. */
function linksOf({ inputs, emulsion }: LooseNode): [input: string, source: string][] {
  return [...Object.entries(inputs), ...Object.entries(emulsion)].flatMap(([input, value]) => {
    const link = linkFrom(value);
    return link ? [[input, link[0]] as [string, string]] : [];
  });
}
