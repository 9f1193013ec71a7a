/** An engine behind a window lets everything else go first, with all its threads; one of the command line does not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { EngineClient, type LaunchEngine } from '../../../main/engine/border/client.ts';
import { launchBehindWindow, launchEngine, stepBehindWindow } from '../../../main/engine/border/launch.ts';
import type { EngineSettings, ToEngine } from '../../../main/engine/border/protocol.ts';
import { tempFolder } from '../../helpers/tempFolder.ts';
import { tinyRequest } from '../../helpers/tinyModel.ts';

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

/** Starts an engine (1st argument) with a message (2nd), and says its process once that has a job. */
const PARENT = `
import { fork } from 'node:child_process';
const [, entry, run] = process.argv;
const engine = fork(entry, [], { execArgv: [], serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
engine.on('message', ({ type, progress }) => {
  if (type === 'ready') engine.send(JSON.parse(run));
  if (progress?.stage === 'encode text') console.log(engine.pid);
});`;

test('an engine whose parent was killed ends, though a network takes all its time', async () => {
  const settings: EngineSettings = {
    ...{ memory: 'normal', device: 'cpu', threads: 1, previews: false },
    cacheDir: tempFolder(),
  };
  // Attention over 512 × 512 places: one call takes minutes.
  const request = tinyRequest({ width: 4096, height: 4096, steps: 1 });
  const run: ToEngine = { type: 'run', id: 1, job: { kind: 'generate', request }, settings };
  const entry = join(import.meta.dirname, '../../../main/engine/process.ts');
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT, entry, JSON.stringify(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(said);
  onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')));
  // Into the network.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 6000 }).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a process that is not there any more is no trouble', () => {
  expect(() => stepBehindWindow(undefined)).not.toThrow();
  expect(() => stepBehindWindow(2 ** 22 + 1)).not.toThrow();
});
