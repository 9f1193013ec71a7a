/** A folder of its own for one test, removed afterwards. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export function tempFolder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'emulsion-test-')));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
