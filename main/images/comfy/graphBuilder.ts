/** Collects the nodes of a graph under running ids, and knows how files are named in it. */
import type { ImageRef, ModelRef } from '../../../preload/request.ts';
import type { ComfyGraph, ComfyInput, ComfyLink, ComfyNode } from './graph.ts';

/** The outputs of a node that has been added. */
export type Outputs = (slot: number) => ComfyLink;

export interface GraphBuilder {
  /** Adds a node; entries of `emulsion` that are undefined are left out, and it altogether if none is left. */
  readonly add: (
    type: string,
    inputs: Readonly<Record<string, ComfyInput>>,
    emulsion?: Readonly<Record<string, unknown>>,
    title?: string,
  ) => Outputs;
  readonly finish: () => ComfyGraph;
}

/** An empty graph; nodes are numbered from 1 in the order they are added. */
export function graphBuilder(): GraphBuilder {
  const nodes: Record<string, ComfyNode> = {};
  return {
    add: (type, inputs, emulsion = {}, title = type) => {
      const id = String(Object.keys(nodes).length + 1);
      const said = Object.entries(emulsion).filter(([, value]) => value !== undefined);
      const meta = { title, ...(said.length > 0 && { emulsion: Object.fromEntries(said) }) };
      nodes[id] = { class_type: type, inputs, _meta: meta };
      return (slot) => [id, slot];
    },
    finish: () => nodes,
  };
}

/** ComfyUI lists models by file name, so the file's own name wins over what people see. */
export function modelFile({ name, path }: ModelRef): string {
  return path === undefined ? name : fileName(path);
}

/** A picture known by contents alone is called by them. */
export function imageFile({ path, sha256 }: ImageRef): string {
  return path === undefined ? `${sha256}.png` : fileName(path);
}

/** The last part of a path with either kind of slash. */
export function fileName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}
