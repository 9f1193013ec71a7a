import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { lossCurvePng, lossCurveSvg } from '../../main/training/lossCurve.ts';
import { type LossRecord, openLossLog, readLossLog } from '../../main/training/lossLog.ts';
import { temporaryFolder } from '../helpers/weightFiles.ts';

function record(step: number): LossRecord {
  return { step, loss: 1 / step + 0.05 * Math.abs(Math.sin(step)), learningRate: 1e-3, seconds: step * 0.3 };
}

test('resuming drops the steps after the saved state', () => {
  const path = join(temporaryFolder(), 'runs', 'unet.jsonl');
  const log = openLossLog(path, 0);
  for (let step = 1; step <= 10; step++) log.append(record(step));
  openLossLog(path, 7).append(record(8));
  expect(readLossLog(path)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map(record));
});

test('a line cut off by a kill is left out', () => {
  const path = join(temporaryFolder(), 'unet.jsonl');
  openLossLog(path, 0).append(record(1));
  appendFileSync(path, '{"step":2,"los');
  expect(readLossLog(path)).toEqual([record(1)]);
});

test('the curve is a PNG of the asked size, from two records to many', async () => {
  const records = Array.from({ length: 5000 }, (_, i) => record(i + 1));
  for (const count of [2, 5000]) {
    const png = await lossCurvePng(records.slice(0, count), {
      title: 'U-Net <eps>',
      width: 500,
      height: 250,
    });
    expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: 500, height: 250 });
  }
  expect(lossCurveSvg(records, { title: 'a' }).length).toBeLessThan(20_000);
});

test('losses that are logarithms already have a curve too, on a linear scale', () => {
  const records = [-1, -3, -5].map((loss, i) => ({ ...record(i + 1), loss }));
  const rows = [...lossCurveSvg(records, { title: 'a' }).matchAll(/text-anchor="end">([^<]+)</g)];
  expect(rows.map(([, label]) => Number(label))).toEqual([-5, -4, -3, -2, -1]);
});

test('there is no curve of one record, nor of NaN', () => {
  expect(() => lossCurveSvg([record(1)], { title: 'a' })).toThrow(RangeError);
  expect(() =>
    lossCurveSvg(
      [1, 2, 3].map((step) => ({ ...record(step), loss: Number.NaN })),
      { title: 'a' },
    ),
  ).toThrow(RangeError);
});
