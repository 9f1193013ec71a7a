/** The engine's training job and the folder it is given: progress with losses, a sample picture, errors people can mend. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { EngineProgress } from '../../../main/engine/border/protocol.ts';
import { createHost } from '../../../main/engine/loading/host.ts';
import { pictureSize } from '../../../main/images/codec.ts';
import { pictureFolder } from '../../../main/training/lora/dataset.ts';
import { trainLoraJob } from '../../../main/training/lora/job.ts';
import { loraTrainingRequestSchema } from '../../../preload/training.ts';
import { PLAIN_SETTINGS } from '../../helpers/engineSettings.ts';
import { smallCheckpoint } from '../../helpers/smallCheckpoint.ts';
import { stripedPicture } from '../../helpers/stripedPicture.ts';
import { tempFolder } from '../../helpers/tempFolder.ts';

test('a training job reports steps with losses and paints its sample', async () => {
  const folder = tempFolder();
  const request = loraTrainingRequestSchema.parse({
    kind: 'train-lora',
    checkpoint: { name: 'small', path: await smallCheckpoint(folder) },
    name: 'stripes',
    pictures: [{ path: await stripedPicture(folder, 'one', 128, 128), caption: 'a wall' }],
    outputDir: join(folder, 'run'),
    resolution: 128,
    steps: 2,
    learningRate: 1e-3,
    sampleEvery: 2,
  });
  const seen: EngineProgress[] = [];
  const host = createHost();
  const result = await trainLoraJob(host, request, {
    settings: { ...PLAIN_SETTINGS, cacheDir: folder },
    onProgress: (progress) => seen.push(progress),
    signal: new AbortController().signal,
  });
  await host.release();
  expect(result).toMatchObject({ kind: 'lora', path: join(folder, 'run', 'stripes.safetensors'), steps: 2 });
  const steps = seen.filter(({ stage }) => stage === 'train');
  expect(steps.map(({ step }) => step)).toEqual([1, 2]);
  for (const { loss } of steps) expect(loss).toBeGreaterThan(0);
  expect(steps[1]!.secondsLeft).toBe(0);
  expect(await pictureSize(join(folder, 'run', 'sample-2.png'))).toEqual({ width: 128, height: 128 });
  expect(existsSync(join(folder, 'run', 'sample-2.safetensors'))).toBe(false);
});

test('a folder gives pictures by name, captions from beside them, the common one for the rest', async () => {
  const folder = tempFolder();
  for (const name of ['b', 'a']) await stripedPicture(folder, name, 8, 8);
  writeFileSync(join(folder, 'a.txt'), '  a wall\n');
  writeFileSync(join(folder, 'notes.md'), 'no picture');
  expect(pictureFolder(folder, 'stripes')).toEqual([
    { path: join(folder, 'a.png'), caption: 'a wall' },
    { path: join(folder, 'b.png'), caption: 'stripes' },
  ]);
  expect(() => pictureFolder(join(folder, 'nowhere'))).toThrow(/cannot be read/);
  expect(() => pictureFolder(tempFolder())).toThrow(/no pictures/);
});
