/** Whether integers pay is measured once a machine, and a speed that does not is refused with the reason. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { EngineSettings } from '../../../main/engine/border/protocol.ts';
import { choosePacking, judge } from '../../../main/engine/devices/packingChoice.ts';
import {
  isConfirmed,
  keepGains,
  measureGains,
  type PackingGains,
  packingGains,
  untilConfirmed,
} from '../../../main/engine/devices/packingGain.ts';
import { tempFolder } from '../../helpers/tempFolder.ts';

const GAINS: PackingGains = {
  8: { timeRatio: 0.3, relativeError: 5e-3 },
  16: { timeRatio: 1.2, relativeError: 2e-5 },
  winograd: { timeRatio: 0.7, relativeError: 2e-6 },
};
const settings = (cacheDir: string): EngineSettings => ({
  memory: 'normal',
  device: 'cpu',
  cacheDir,
  threads: 0,
  previews: false,
});

test('the measurement compares with float32: 16 bits are far nearer than 8, both take time', async () => {
  const { gains } = await measureGains(0);
  expect(gains[16].relativeError).toBeLessThan(1e-3);
  expect(gains[16].relativeError).toBeLessThan(gains[8].relativeError / 50);
  expect(gains.winograd.relativeError).toBeLessThan(2e-5);
  expect(Math.min(gains[8].timeRatio, gains.winograd.timeRatio)).toBeGreaterThan(0);
  expect(gains[16].timeRatio).toBeGreaterThan(gains[8].timeRatio);
});

test('it is kept beside the app’s data, and measured again elsewhere or when the file is damaged', async () => {
  const folder = join(tempFolder(), 'cache');
  const others = { ...GAINS, 8: { timeRatio: 0.4, relativeError: 5e-3 } };
  const measure = vi.fn(async () => ({ gains: others, steady: true }));
  const ask = (threads: number) => packingGains(folder, threads, measure);
  keepGains(folder, 0, GAINS);
  expect([await ask(0), measure.mock.calls.length]).toEqual([GAINS, 0]);
  expect([await ask(1), measure.mock.calls.length]).toEqual([others, 1]); // other threads, other gains
  keepGains(folder, 0, GAINS);
  keepGains(tempFolder(), 1, GAINS); // what the process itself remembers is not this folder's
  const file = join(folder, 'packing-gains.json');
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 20));
  expect([await ask(0), measure.mock.calls.length]).toEqual([others, 2]);
  expect([await ask(0), measure.mock.calls.length]).toEqual([others, 2]);
});

test('a file of another make is not believed', async () => {
  const folder = join(tempFolder(), 'cache');
  keepGains(folder, 3, GAINS);
  const path = join(folder, 'packing-gains.json');
  const { gains: _, ...rest } = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify(rest));
  keepGains(join(tempFolder(), 'cache'), 4, GAINS); // what this process measured last
  const measure = vi.fn(async () => ({ gains: GAINS, steady: true }));
  expect(await packingGains(folder, 3, measure)).toEqual(GAINS);
  expect(measure).toHaveBeenCalledTimes(1);
});

test('what a busy machine measured is believed for some minutes, then measured again; a steady measurement stays', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const folder = join(tempFolder(), 'cache');
  const other = { ...GAINS, 8: { timeRatio: 0.95, relativeError: 5e-3 } };
  const results = [
    { gains: other, steady: false },
    { gains: GAINS, steady: true },
  ];
  const measure = vi.fn(async () => results[measure.mock.calls.length - 1]!);
  const ask = () => packingGains(folder, 7, measure);
  expect([await ask(), await ask(), measure.mock.calls.length]).toEqual([other, other, 1]);
  vi.setSystemTime(Date.now() + 11 * 60_000);
  expect([await ask(), measure.mock.calls.length]).toEqual([GAINS, 2]);
  vi.setSystemTime(Date.now() + 1000 * 60_000);
  expect([await ask(), measure.mock.calls.length]).toEqual([GAINS, 2]);
});

test('a folder that takes no file: measured once a process, without an error', async () => {
  const file = join(tempFolder(), 'file');
  writeFileSync(file, '');
  const measure = vi.fn(async () => ({ gains: GAINS, steady: true }));
  for (let i = 0; i < 2; i++) expect(await packingGains(join(file, 'cache'), 5, measure)).toEqual(GAINS);
  expect(measure).toHaveBeenCalledTimes(1);
});

test('rounds go on until two runs of each agree, within bounds', async () => {
  expect([isConfirmed([9, 5, 5.4]), isConfirmed([9, 5, 7]), isConfirmed([5])]).toEqual([true, false, false]);
  const rounds = async (confirmedAt: number, milliseconds?: number): Promise<[boolean, number]> => {
    let done = 0;
    const round = async (): Promise<void> => void done++;
    const options = milliseconds === undefined ? {} : { milliseconds };
    return [await untilConfirmed(round, () => done >= confirmedAt, options), done];
  };
  expect(await rounds(1)).toEqual([true, 5]);
  expect(await rounds(9)).toEqual([true, 9]);
  expect(await rounds(100)).toEqual([false, 20]);
  expect(await rounds(9, -1)).toEqual([false, 5]);
});

test('the fastest packing that is right and worth it is chosen; else the note says why not', () => {
  expect(judge('draft', GAINS)).toEqual({ packing: 8 });
  expect(judge('fast', GAINS)).toEqual({ packing: 'winograd' });
  expect(judge('fast', { ...GAINS, 16: { timeRatio: 0.6, relativeError: 2e-5 } })).toEqual({ packing: 16 });
  const wrong = { timeRatio: 0.2, relativeError: 0.4 };
  expect(judge('draft', { ...GAINS, 8: wrong })).toEqual({ packing: 'winograd' });
  const slow = { timeRatio: 1.1, relativeError: 2e-6 };
  expect(judge('fast', { ...GAINS, winograd: slow }).note).toContain('1.10 × the time of float32');
  expect(judge('draft', { ...GAINS, 8: wrong, winograd: wrong })).toEqual({
    note: 'Speed "draft" keeps the weights exact: faster products are off by 40.0 % on this processor.',
  });
});

test('exact measures nothing; another device than the CPU says so', async () => {
  const folder = join(tempFolder(), 'cache');
  expect(await choosePacking('exact', 'cpu', settings(folder))).toEqual({});
  expect((await choosePacking('draft', 'webgpu', settings(folder))).note).toContain('webgpu');
  expect(existsSync(folder)).toBe(false);
});
