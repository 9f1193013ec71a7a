/**
 * Before all tests: one folder for the compiled code of every process of the run. A test's engine has an empty data folder
 * and would else compile the same sources once more: about a second each time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names it to all processes started from here on. Returns what removes it after all tests. */
export default function shareCompiledCode(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'emulsion-compiled-'));
  process.env['NODE_COMPILE_CACHE'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
