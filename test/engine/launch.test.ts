/** An engine behind a window lets everything else go first, with all its threads; one of the command line does not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EngineClient, type LaunchEngine } from '../../main/engine/client.ts';
import { launchBehindWindow, launchEngine, stepBehindWindow } from '../../main/engine/launch.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { tinyRequest } from '../helpers/tinyModel.ts';

const BELOW = constants.priority.PRIORITY_BELOW_NORMAL;

/** Field 19 of a thread's `stat`; the name in brackets before it may hold spaces. */
const niceOf = (stat: string): number => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);

/** Priorities of the threads of a process that computes; empty where the system does not tell. */
function threadPriorities(pid: number): number[] {
  const folder = `/proc/${pid}/task`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((id) => niceOf(readFileSync(join(folder, id, 'stat'), 'utf8')));
}

async function whilePainting(launch: LaunchEngine): Promise<{ process: number; threads: number[] }> {
  const engine = new EngineClient(launch, {
    ...{ memory: 'normal', device: 'cpu', threads: 2, previews: false },
    cacheDir: tempFolder(),
  });
  let seen = { process: Number.NaN, threads: [] as number[] };
  const onProgress = () => {
    seen = { process: getPriority(engine.pid), threads: threadPriorities(engine.pid!) };
  };
  await engine.run(
    { kind: 'generate', request: tinyRequest({ width: 64, height: 64, steps: 2 }) },
    { onProgress },
  );
  await engine.dispose();
  return seen;
}

test('behind a window', async () => {
  const { process, threads } = await whilePainting(launchBehindWindow);
  expect(process).toBe(BELOW);
  expect(threads.filter((nice) => nice !== BELOW)).toEqual([]);
});

test('on the command line', async () => {
  const { process, threads } = await whilePainting(() => launchEngine());
  expect(process).toBe(getPriority());
  expect(threads.filter((nice) => nice !== getPriority())).toEqual([]);
});

test('a process that is not there any more is no trouble', () => {
  expect(() => stepBehindWindow(undefined)).not.toThrow();
  expect(() => stepBehindWindow(2 ** 22 + 1)).not.toThrow();
});
