/** A posted graph whose classes are known: how its nodes hang together. */
import type { ComfyNodeKind } from './nodes.ts';

export interface WiredNode {
  readonly class_type: string;
  readonly kind: ComfyNodeKind;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What our own graphs say beyond ComfyUI's inputs. */
  readonly emulsion: Readonly<Record<string, unknown>>;
}
export type Graph = ReadonlyMap<string, WiredNode>;

/** ComfyUI's form of an error, of the whole prompt or of a node. */
export interface NodeError {
  readonly type: string;
  readonly message: string;
  readonly details: string;
  readonly extra_info: object;
}

export function nodeError(
  type: string,
  message: string,
  details: string,
  extra_info: object = {},
): NodeError {
  return { type, message, details, extra_info };
}

/** Every node that `start` is made from by inputs of its kind, `start` included. */
export function reachedFrom(graph: Graph, start: string): string[] {
  const found = new Set([start]);
  for (const id of found) for (const source of sourcesOf(graph, id)) found.add(source);
  return [...found];
}

/** The nodes of circles and between them: what stays when ends are taken off, on both sides, as long as there are any. */
export function circularNodes(graph: Graph): ReadonlySet<string> {
  const forwards = new Map([...graph.keys()].map((id) => [id, sourcesOf(graph, id)]));
  const backwards = new Map<string, string[]>([...graph.keys()].map((id) => [id, []]));
  for (const [id, sources] of forwards) for (const source of sources) backwards.get(source)!.push(id);
  const left = withoutEnds(new Set(graph.keys()), forwards, backwards);
  return withoutEnds(left, backwards, forwards);
}

/** `ids` without those that lead to none of the others, and so on. */
function withoutEnds(
  ids: ReadonlySet<string>,
  to: ReadonlyMap<string, readonly string[]>,
  from: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const left = new Set(ids);
  const isEnd = (id: string): boolean => left.has(id) && !to.get(id)!.some((other) => left.has(other));
  const ends = [...left].filter(isEnd);
  for (let id = ends.pop(); id !== undefined; id = ends.pop()) {
    left.delete(id);
    ends.push(...from.get(id)!.filter(isEnd));
  }
  return left;
}

function sourcesOf(graph: Graph, id: string): string[] {
  const { kind, inputs } = graph.get(id)!;
  return [...Object.keys(kind.required), ...Object.keys(kind.optional)].flatMap((name) => {
    const value = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    const source = Array.isArray(value) ? String(value[0]) : '';
    return graph.has(source) ? [source] : [];
  });
}
