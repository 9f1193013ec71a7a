/** Whether integers pay is measured once a machine, and a speed that does not is refused with the reason. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chooseIntegers, judge } from '../../../main/engine/integers/choice.ts';
import {
  type IntegerGains,
  integerGains,
  keepGains,
  measureGains,
} from '../../../main/engine/integers/gain.ts';
import type { EngineSettings } from '../../../main/engine/protocol.ts';
import { tempFolder } from '../../helpers/tempFolder.ts';

const GAINS: IntegerGains = {
  8: { timeRatio: 0.3, relativeError: 5e-3 },
  16: { timeRatio: 1.2, relativeError: 2e-5 },
};
const settings = (cacheDir: string): EngineSettings => ({
  memory: 'normal',
  device: 'cpu',
  cacheDir,
  threads: 0,
  previews: false,
});

test('the measurement compares with float32: 16 bits are far nearer than 8, both take time', async () => {
  const gains = await measureGains(0);
  expect(gains[16].relativeError).toBeLessThan(1e-3);
  expect(gains[16].relativeError).toBeLessThan(gains[8].relativeError / 50);
  expect(gains[8].timeRatio).toBeGreaterThan(0);
  expect(gains[16].timeRatio).toBeGreaterThan(gains[8].timeRatio);
});

test('it is kept beside the app’s data, and measured again elsewhere or when the file is damaged', async () => {
  const folder = join(tempFolder(), 'cache');
  keepGains(folder, 0, GAINS);
  expect(await integerGains(folder, 0)).toEqual(GAINS);
  expect(await integerGains(folder, 1)).not.toEqual(GAINS); // other threads, other gains
  const [file] = ['integer-gains.json'].map((name) => join(folder, name));
  writeFileSync(file!, readFileSync(file!, 'utf8').slice(0, 20));
  const measured = await integerGains(folder, 0);
  expect(measured).not.toEqual(GAINS);
  expect(await integerGains(folder, 0)).toEqual(measured);
});

test('integers are chosen where they are right and faster; else the note says why not', () => {
  expect(judge('draft', GAINS)).toEqual({ bits: 8 });
  expect(judge('fast', GAINS).note).toContain('1.20 × the time of float32');
  const saturating = { ...GAINS, 8: { timeRatio: 0.2, relativeError: 0.4 } };
  expect(judge('draft', saturating)).toEqual({
    note: 'Speed "draft" keeps the weights exact: 8-bit products are off by 40.0 % on this processor.',
  });
});

test('exact measures nothing; another device than the CPU says so', async () => {
  const folder = join(tempFolder(), 'cache');
  expect(await chooseIntegers('exact', 'cpu', settings(folder))).toEqual({});
  expect((await chooseIntegers('draft', 'webgpu', settings(folder))).note).toContain('webgpu');
  expect(existsSync(folder)).toBe(false);
});
