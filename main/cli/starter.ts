/** The starter model that ships with the studio, and settings under which it paints well. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { badInput } from '../engine/border/failures.ts';

export interface Starter {
  readonly path: string;
  readonly prompt: string;
  readonly size: number;
  readonly steps: number;
  readonly guidanceScale: number;
}

/** Where the starter's files lie. */
export const STARTER_FOLDER = join(import.meta.dirname, '..', '..', 'starter');

/** Throws a bad-input error where the starter was left out of the installation. */
export function starterCheckpoint(): Starter {
  const path = join(STARTER_FOLDER, 'little-world.safetensors');
  if (!existsSync(path))
    throw badInput('The starter model is not installed.', 'Name a model with --checkpoint FILE.');
  return { path, prompt: 'a red boat on the sea at sunset', size: 128, steps: 20, guidanceScale: 4 };
}
