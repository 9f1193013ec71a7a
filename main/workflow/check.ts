/** Looks a whole graph over before anything runs: kinds of nodes, values, types of links, files. */
import type { z } from 'zod';
import { badInput } from '../engine/border/failures.ts';
import { type LooseGraph, type LooseNode, linkFrom } from '../images/comfy/graph.ts';
import { embeddingsOf, type FileTables, type Folder } from './files.ts';
import { nodeName } from './graph.ts';
import type { NodeKind } from './parts/node.ts';
import { Wire } from './parts/sockets.ts';
import { kindOf } from './registry.ts';
import { replacementFor } from './replacements.ts';

/** A node that may be run: its kind, and its inputs with files as paths. Links are still links. */
export interface CheckedNode {
  readonly id: string;
  readonly node: LooseNode;
  readonly kind: NodeKind;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Paths of the files it names. */
  readonly files: readonly string[];
}

/** The nodes of `order`, in that order. Throws bad input that names node, input and what would be right. */
export function checkedNodes(graph: LooseGraph, order: readonly string[], tables: FileTables): CheckedNode[] {
  return order.map((id) => {
    const node = graph.get(id)!;
    const kind = kindOf(node.class_type);
    if (!kind)
      throw badInput(
        `${nodeName(id, node)} is of a kind that is not known here.`,
        replacementFor(node.class_type),
      );
    const inputs: Record<string, unknown> = { ...node.inputs, emulsion: node.emulsion };
    const embeddings = foundEmbeddings(node, tables);
    inputs['embeddings'] = embeddings;
    const files = Object.entries(kind.files).map(([input, folder]) => {
      const path = findFile(id, node, input, folder, tables);
      inputs[input] = path;
      return path;
    });
    const linked = withLinks(inputs, (source, slot) => outputType(graph, id, node, source, slot));
    const parsed = kind.schema.safeParse(linked);
    if (!parsed.success)
      throw badInput(`${nodeName(id, node)}: ${explained(parsed.error, linked)}.`, 'Correct it.');
    return { id, node, kind, inputs, files: [...files, ...embeddings.map(({ path }) => path)] };
  });
}

/** Inputs with every link replaced by what `follow` says, one level into the extras of our own. */
export function withLinks(
  inputs: Readonly<Record<string, unknown>>,
  follow: (source: string, slot: number) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      if (name === 'emulsion') return [name, withLinks(value as LooseNode['emulsion'], follow)];
      const link = linkFrom(value);
      return [name, link ? follow(...link) : value];
    }),
  );
}

function outputType(graph: LooseGraph, id: string, node: LooseNode, source: string, slot: number): Wire {
  const from = graph.get(source)!;
  // Sources come first in the order, so their kind is known.
  const outputs = kindOf(from.class_type)!.outputs;
  const type = Number.isInteger(slot) ? outputs[slot] : undefined;
  if (type) return new Wire(type);
  throw badInput(
    `${nodeName(id, node)} is linked to output ${slot} of ${nodeName(source, from)}, which has ${outputs.length}.`,
    'Outputs are counted from 0.',
  );
}

function findFile(id: string, node: LooseNode, input: string, folder: Folder, tables: FileTables): string {
  const name = node.inputs[input];
  const table = tables[folder] ?? {};
  if (typeof name !== 'string')
    throw badInput(`${nodeName(id, node)}: "${input}" must be the name of a file.`, 'Choose one.');
  if (Object.hasOwn(table, name)) return table[name]!;
  throw badInput(
    `${nodeName(id, node)}: there is no "${name.slice(0, 200)}" in ${folder}.`,
    folder === 'input' ? 'Put the picture into the input folder.' : 'Add its folder, or name another file.',
  );
}

/** The textual inversions of a prompt; one that is missing is a word like others, and the prompt's encoder says so. */
function foundEmbeddings(node: LooseNode, { embeddings = {} }: FileTables): { name: string; path: string }[] {
  return embeddingsOf(node).flatMap((name) =>
    Object.hasOwn(embeddings, name) ? [{ name, path: embeddings[name]! }] : [],
  );
}

/** zod's first complaint in the words of a workflow. */
function explained(error: z.ZodError, inputs: unknown): string {
  const { path, message } = error.issues[0]!;
  const value = path.reduce<unknown>(
    (part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key],
    inputs,
  );
  const name = `"${path.filter((key) => key !== 'emulsion').join('.')}"`;
  if (value === undefined)
    return `${name} is missing${message.startsWith('needs a') ? `; it ${message}` : ''}`;
  if (message.startsWith('needs a')) return `${name} ${message}`;
  if (value instanceof Wire) return `${name} needs a value, but is linked to a ${value.type}`;
  return `${name}: ${message}`;
}
