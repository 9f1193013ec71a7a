import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { EngineSettings } from '../../main/engine/border/protocol.ts';

const cacheDir = mkdtempSync(join(tmpdir(), 'emulsion-test-'));
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

/** The engine at its plainest: on one core of the CPU, without previews, with a cache folder for one file of tests. */
export const PLAIN_SETTINGS: EngineSettings = {
  memory: 'normal',
  device: 'cpu',
  cacheDir,
  threads: 1,
  previews: false,
};
