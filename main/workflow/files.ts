/** Files that a workflow names: which there are, and where each lies. Names are looked up, never used as paths. */
import type { LooseGraph } from '../images/comfy/graph.ts';
import { kindOf } from './registry.ts';

/** ComfyUI's folders. */
export const FOLDERS = ['checkpoints', 'loras', 'vae', 'controlnet', 'upscale_models', 'input'] as const;
export type Folder = (typeof FOLDERS)[number];

/** Name as the graph has it → path. */
export type FileTables = { readonly [Name in Folder]?: Readonly<Record<string, string>> | undefined };

export interface FileUse {
  readonly folder: Folder;
  readonly name: string;
}

/** Every file that the nodes of a parsed graph name. */
export function filesOf(graph: LooseGraph): FileUse[] {
  return [...graph.values()].flatMap(({ class_type, inputs }) =>
    Object.entries(kindOf(class_type)?.files ?? {}).flatMap(([input, folder]) => {
      const name = inputs[input];
      return typeof name === 'string' ? [{ folder, name }] : [];
    }),
  );
}
