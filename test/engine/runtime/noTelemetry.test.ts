import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { EngineClient } from '../../../main/engine/border/client.ts';
import { launchEngine } from '../../../main/engine/border/launch.ts';
import { tempFolder } from '../../helpers/tempFolder.ts';
import { tinyRequest } from '../../helpers/tinyModel.ts';

test('an engine that paints leaves no device id, no report and no log outside the studio’s folders', async () => {
  const home = tempFolder();
  mkdirSync(join(home, 'tmp'));
  // What would keep ONNX Runtime quiet by itself must not be set, nor where else compiled code would lie.
  const unset = [
    'CI',
    'ORT_RUNNING_UNIT_TESTS',
    'ORT_DISABLE_TELEMETRY',
    'XDG_CACHE_HOME',
    'NODE_COMPILE_CACHE',
  ];
  for (const name of unset) vi.stubEnv(name, undefined);
  for (const [name, value] of [
    ['HOME', home],
    ['TMPDIR', join(home, 'tmp')],
  ] as const)
    vi.stubEnv(name, value);
  const engine = new EngineClient(() => launchEngine(), {
    ...{ memory: 'normal', device: 'cpu', threads: 1, previews: false },
    cacheDir: join(home, 'cache'),
  });
  const request = tinyRequest({ width: 64, height: 64, steps: 1 });
  expect((await engine.run({ kind: 'generate', request })).kind).toBe('images');
  await engine.dispose();
  vi.unstubAllEnvs();
  const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const isOurs = (folder: string): boolean => folder.startsWith(join(home, 'cache', 'code'));
  expect(files.filter(({ parentPath }) => !isOurs(parentPath)).map(({ name }) => name)).toEqual([]);
  // The engine is ended by a signal, and has kept its compiled code before.
  expect(files.filter(({ parentPath }) => isOurs(parentPath)).length).toBeGreaterThan(100);
});
