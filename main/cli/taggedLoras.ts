/** LoRAs that a prompt names by tag, found as files: beside the checkpoint, beside the LoRAs given, in the starter folder. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { GenerationRequest } from '../../preload/request.ts';
import { badInput } from '../engine/border/failures.ts';
import { withTaggedLoras } from '../pipeline/text/prompt/taggedLoras.ts';

const EXTENSIONS = ['.safetensors', '.pt', '.ckpt'];

/** Throws bad input that names the LoRA and the folders that were searched. */
export function findTaggedLoras(request: GenerationRequest, starterFolder: string): GenerationRequest {
  const given = [request.checkpoint, ...request.loras.map(({ model }) => model)];
  const folders = [
    ...new Set([...given.flatMap(({ path }) => (path ? [dirname(path)] : [])), starterFolder]),
  ];
  const { loras, ...rest } = withTaggedLoras(request);
  return {
    ...rest,
    loras: loras.map((use) =>
      use.model.path ? use : { ...use, model: { ...use.model, path: find(use.model.name, folders) } },
    ),
  };
}

function find(name: string, folders: readonly string[]): string {
  const candidates = folders.flatMap((folder) =>
    EXTENSIONS.map((extension) => join(folder, name + extension)),
  );
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path) return path;
  throw badInput(
    `The LoRA "${name}" of the prompt is not in ${folders.join(' or ')}.`,
    'Give its file with --lora.',
  );
}
