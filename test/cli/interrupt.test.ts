/** Ctrl-C as a terminal sends it, to all processes of the command at once: the job stops in order, nothing is half-written. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import { tempFolder } from '../helpers/tempFolder.ts';
import { TINY_CHECKPOINT } from '../helpers/tinyModel.ts';

const CLI = join(import.meta.dirname, '../../main/cli/emulsion.ts');

/** The command in a process group of its own, as a shell starts it. */
function start(args: readonly string[]) {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let said = '';
  child.stdout.on('data', (part) => (said += part));
  child.stderr.on('data', (part) => (said += part));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) interrupt(child, 'SIGKILL');
  });
  return { child, ended, said: () => said };
}

const interrupt = ({ pid }: ChildProcess, signal: NodeJS.Signals): boolean => process.kill(-pid!, signal);

/** Steps taken so far by a training run. */
const stepsIn = (losses: string): number =>
  existsSync(losses) ? readFileSync(losses, 'utf8').trim().split('\n').length : 0;

describe.skipIf(process.platform === 'win32')('Ctrl-C in a terminal (not on Windows)', () => {
  test('a training run saves its state and goes on from there', async () => {
    const folder = tempFolder();
    const [data, out] = [join(folder, 'data'), join(folder, 'run')];
    mkdirSync(data);
    cpSync(join(GOLDEN_DIR, 'canny/picture.png'), join(data, 'picture.png'));
    const losses = join(out, 'losses.jsonl');
    const args = [
      ...['train', 'lora', '--checkpoint', TINY_CHECKPOINT, '--data', data, '--caption', 'a cat'],
      ...['--name', 'mine', '--resolution', '64', '--rank', '2', '--out', out, '--steps', '100'],
    ];
    const first = start(args);
    await vi.waitUntil(() => stepsIn(losses) >= 3, { timeout: 120_000 });
    interrupt(first.child, 'SIGINT');
    expect(await first.ended).toBe(130);
    expect(first.said()).toBe('emulsion: Stopped.\n');
    expect(readdirSync(out, { recursive: true }).join()).not.toContain('partial');
    expect(stepsIn(losses)).toBeLessThan(100);

    const second = start(args);
    expect(await second.ended, second.said()).toBe(0);
    expect(second.said()).toContain('100 steps');
    // One line a step: none was taken twice.
    expect(stepsIn(losses)).toBe(100);
  });

  test('a picture that is being painted leaves nothing', async () => {
    const folder = tempFolder();
    const out = join(folder, 'out');
    const { child, ended, said } = start([
      ...['generate', 'a cat', '--checkpoint', TINY_CHECKPOINT, '--out', out],
      ...['--width', '64', '--height', '64', '--steps', '1000'],
    ]);
    await vi.waitUntil(() => existsSync(out), { timeout: 60_000 });
    // Into the steps, of which there are enough for longer.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    interrupt(child, 'SIGINT');
    expect(await ended).toBe(130);
    expect(said()).toBe('emulsion: Stopped.\n');
    expect(readdirSync(out)).toEqual([]);
  });
});
