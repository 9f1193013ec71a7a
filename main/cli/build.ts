/** Builds the window when it has not been built: a checkout starts with one command. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const PROJECT_ROOT = join(import.meta.dirname, '..', '..');

export async function buildWindow(): Promise<void> {
  console.log('Building the window (once) …');
  await runTool('vite', 'build', '--logLevel', 'warn');
}

/** Runs a development tool of this checkout to its end. Throws when it fails. */
export function runTool(name: string, ...args: string[]): Promise<void> {
  const bin = join(PROJECT_ROOT, 'node_modules', '.bin', name);
  const child = spawn(bin, args, {
    cwd: PROJECT_ROOT,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${name} failed with exit code ${code}`)),
    );
  });
}
