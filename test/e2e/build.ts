/** Before all tests: the window as it is now, built once. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { FullConfig } from '@playwright/test';

const ROOT = join(import.meta.dirname, '..', '..');

export default function build({ metadata }: FullConfig): void {
  if (metadata['missing'] !== undefined) return;
  const vite = join(ROOT, 'node_modules', '.bin', 'vite');
  execFileSync(vite, ['build', '--logLevel', 'warn'], {
    cwd: ROOT,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
}
