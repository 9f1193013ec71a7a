/** Every kind of node there is, by ComfyUI's class_type. */

import { AUTOENCODER } from './nodes/autoencoder.ts';
import { CONTROL } from './nodes/control.ts';
import { IMAGES } from './nodes/images.ts';
import { LATENTS } from './nodes/latents.ts';
import { LOADERS } from './nodes/loaders.ts';
import { MASKS } from './nodes/masks.ts';
import { OUTPUTS } from './nodes/outputs.ts';
import { SAMPLING } from './nodes/sampling.ts';
import { TEXT } from './nodes/text.ts';
import { UPSCALE } from './nodes/upscale.ts';
import type { NodeKind } from './parts/node.ts';

const NODES: Readonly<Record<string, NodeKind>> = {
  ...LOADERS,
  ...TEXT,
  ...LATENTS,
  ...AUTOENCODER,
  ...SAMPLING,
  ...IMAGES,
  ...MASKS,
  ...CONTROL,
  ...UPSCALE,
  ...OUTPUTS,
};

/** Undefined for a class_type that is not known here. */
export function kindOf(classType: string): NodeKind | undefined {
  return Object.hasOwn(NODES, classType) ? NODES[classType] : undefined;
}

/** Nodes that give their pictures to whoever asked for the workflow. */
export const OUTPUT_NODES: ReadonlySet<string> = new Set(Object.keys(OUTPUTS));

export const KNOWN_NODES: readonly string[] = Object.keys(NODES);
