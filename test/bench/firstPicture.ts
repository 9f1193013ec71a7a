/** From the start of a process to a picture on disk, through the command line. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchContext, BenchRow } from './rows.ts';
import { secondsOf } from './timing.ts';

const CLI = join(import.meta.dirname, '..', '..', 'main', 'cli', 'emulsion.ts');
const STARTER = join(import.meta.dirname, '..', '..', 'starter', 'little-world.safetensors');

/** One step at 256² with SD 1.5, and 20 steps with the starter, each in a process of its own. */
export async function firstPictureRows({ checkpoint, folder }: BenchContext): Promise<BenchRow[]> {
  const generate = (...options: string[]): Promise<number> =>
    secondsOf(() =>
      promisify(execFile)(process.execPath, [CLI, 'generate', 'a boat', '--out', folder, ...options]),
    );
  const size = ['--width', '256', '--height', '256', '--steps', '1'];
  return [
    {
      what: 'cold start to picture: SD 1.5, 256², 1 step',
      value: await generate('--checkpoint', checkpoint, ...size),
      unit: 's',
    },
    {
      what: 'cold start to picture: the starter, 20 steps',
      value: await generate('--checkpoint', STARTER, '--steps', '20'),
      unit: 's',
    },
  ];
}
