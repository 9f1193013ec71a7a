/** Files that a workflow names: which there are, and where each lies. Names are looked up, never used as paths. */
import type { LooseGraph, LooseNode } from '../images/comfy/graph.ts';
import { kindOf } from './registry.ts';

/** ComfyUI's folders. */
export const FOLDERS = [
  'checkpoints',
  'loras',
  'vae',
  'controlnet',
  'upscale_models',
  'embeddings',
  'input',
] as const;
export type Folder = (typeof FOLDERS)[number];

/** Name as the graph has it → path. */
export type FileTables = { readonly [Name in Folder]?: Readonly<Record<string, string>> | undefined };

export interface FileUse {
  readonly folder: Folder;
  readonly name: string;
}

/** ComfyUI's way to name a textual inversion in a prompt. */
const EMBEDDING = /embedding:([^\s,():[\]|]+)/gi;
/** Each is looked for in folders, so a prompt must not choose their number. */
const MAX_EMBEDDINGS = 100;

/** Every file that the nodes of a parsed graph name. */
export function filesOf(graph: LooseGraph): FileUse[] {
  return [...graph.values()].flatMap((node) => {
    const embeddings = embeddingsOf(node).map((name) => ({ folder: 'embeddings' as const, name }));
    const named = Object.entries(kindOf(node.class_type)?.files ?? {}).flatMap(([input, folder]) => {
      const name = node.inputs[input];
      return typeof name === 'string' ? [{ folder, name }] : [];
    });
    return [...named, ...embeddings];
  });
}

/** Names of the textual inversions in a node's prompt; by A1111's rules they look like words, so our own graphs list them. */
export function embeddingsOf({ class_type, inputs, emulsion }: LooseNode): string[] {
  if (!kindOf(class_type)?.inputs.includes('embeddings')) return [];
  const text = typeof inputs['text'] === 'string' ? inputs['text'] : '';
  const listed = Array.isArray(emulsion['embeddings']) ? emulsion['embeddings'] : [];
  const names = [...[...text.matchAll(EMBEDDING)].map(([, name]) => name!), ...listed];
  return [...new Set(names.filter((name) => typeof name === 'string'))].slice(0, MAX_EMBEDDINGS);
}
