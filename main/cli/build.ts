/** Builds the window where it is missing or older than its sources: a checkout starts with one command, also after an update. */
import { spawn } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';

export const PROJECT_ROOT = join(import.meta.dirname, '..', '..');

/** Builds the window unless it is there and as new as its sources. */
export async function buildWindow(): Promise<void> {
  if (builtAt() > newestSource()) return;
  console.log('Building the window …');
  await runTool('vite', ['build', '--logLevel', 'warn']);
}

const builtAt = (): number =>
  statSync(join(PROJECT_ROOT, 'out', 'renderer', 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Milliseconds; of a packed or copied studio without sources, 0. */
function newestSource(): number {
  const files = ['renderer/**/*', 'preload/*.ts', 'vite.config.ts', 'package-lock.json'];
  const found = globSync(files, { cwd: PROJECT_ROOT, exclude: ['**/node_modules/**'] });
  return Math.max(0, ...found.map((file) => statSync(join(PROJECT_ROOT, file)).mtimeMs));
}

/** Runs a development tool of this checkout to its end, with `env` beside our own environment. Throws when it fails. */
export function runTool(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const bin = join(PROJECT_ROOT, 'node_modules', '.bin', name);
  const child = spawn(bin, args, {
    cwd: PROJECT_ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${name} failed with exit code ${code}`)),
    );
  });
}
