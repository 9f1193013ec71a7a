import { afterAll, expect, test } from 'vitest';
import { runJob } from '../../../main/engine/jobs/jobs.ts';
import { createHost } from '../../../main/engine/loading/host.ts';
import { PLAIN_SETTINGS } from '../../helpers/engineSettings.ts';
import { writeTinyFamily } from '../../helpers/tinyFamilies.ts';
import { tinyRequest } from '../../helpers/tinyModel.ts';
import { temporaryFolder } from '../../helpers/weightFiles.ts';

const host = createHost();
afterAll(() => host.release());

async function paint(path: string, overrides: Readonly<Record<string, unknown>> = {}) {
  const checkpoint = { name: 'tiny', path };
  const request = tinyRequest({ checkpoint, width: 128, height: 128, steps: 2, ...overrides });
  const context = {
    settings: PLAIN_SETTINGS,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  };
  const result = await runJob(host, { kind: 'generate', request }, context);
  if (result.kind !== 'images') throw new Error('no pictures');
  const [{ data } = { data: new Uint8Array() }] = result.images;
  expect(new Set(data).size).toBeGreaterThan(16); // a picture, not one colour
  return Buffer.from(data);
}

test('SD 2: OpenCLIP encodes, and what the network says is read as noise or as v, as the file states', async () => {
  const folder = temporaryFolder();
  const eps = await paint(await writeTinyFamily('sd2', folder, { 'modelspec.prediction_type': 'epsilon' }));
  const v = await paint(await writeTinyFamily('sd2', folder, { 'modelspec.prediction_type': 'v' }));
  expect(v.equals(eps)).toBe(false);
}, 200_000);

test('SDXL: both encoders, pooled text and sizes reach the U-Net', async () => {
  const path = await writeTinyFamily('sdxl', temporaryFolder());
  const one = await paint(path);
  const other = await paint(path, { prompt: 'a boat on the sea' });
  expect(other.equals(one)).toBe(false);
  expect((await paint(path)).equals(one)).toBe(true);
}, 200_000);
