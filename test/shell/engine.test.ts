/** The engine as a utility process: messages both ways, its last words kept, its end told. */
import { spawn } from 'node:child_process';
import { constants, getPriority } from 'node:os';
import { expect, it, onTestFinished, vi } from 'vitest';
import { launchUtility } from '../../main/shell/engine.ts';
import * as electron from './electron.ts';

vi.mock('electron', () => import('./electron.ts'));

it('carries messages, keeps what the engine said last, and tells its end', () => {
  const handle = launchUtility('/app/engine.js');
  const { entry, options, child } = electron.utilityProcess.forked.at(-1)!;
  expect(entry).toBe('/app/engine.js');
  expect(options['env']).toMatchObject({ ORT_DISABLE_TELEMETRY: '1' });
  handle.post({ type: 'stop' } as never);
  expect(child.posted).toEqual([{ type: 'stop' }]);
  const heard = vi.fn();
  const ended = vi.fn();
  handle.onMessage(heard);
  handle.onExit(ended);
  child.emit('message', { type: 'ready' });
  expect(heard).toHaveBeenCalledWith({ type: 'ready' });
  child.stderr.emit('data', Buffer.from(`${'x'.repeat(5000)}bad_alloc`));
  child.emit('exit', 134);
  expect(ended).toHaveBeenCalledOnce();
  const [reason, tail] = ended.mock.calls[0]!;
  expect(reason).toBe('exit code 134');
  expect(tail).toHaveLength(4000);
  expect(tail.endsWith('bad_alloc')).toBe(true);
});

it('asks the process to end where it has no id to be ended by', () => {
  const handle = launchUtility('/app/engine.js');
  handle.kill();
  expect(electron.utilityProcess.forked.at(-1)!.child.killed).toBe(true);
});

it('lets the window go first once the process is there', () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'ignore' });
  onTestFinished(() => void other.kill('SIGKILL'));
  launchUtility('/app/engine.js');
  const { child } = electron.utilityProcess.forked.at(-1)!;
  child.pid = other.pid;
  child.emit('spawn');
  expect(getPriority(other.pid)).toBe(constants.priority.PRIORITY_BELOW_NORMAL);
});
