import { expect, test } from 'vitest';
import { readLimits, rememberLimit } from '../../main/app/deviceLimits.ts';
import { tempDatabase } from '../helpers/tempDatabase.ts';

const DAY = 24 * 3600 * 1000;

test('what a device ran out of memory with is kept for a week, the latest for each device', () => {
  const db = tempDatabase();
  expect(readLimits(db, 0)).toEqual({});
  rememberLimit(db, 'webgpu', 4e9, 0);
  rememberLimit(db, 'dml', 2e9, 3 * DAY);
  rememberLimit(db, 'webgpu', 3e9, 4 * DAY);
  expect(readLimits(db, 5 * DAY)).toEqual({ webgpu: 3e9, dml: 2e9 });
  expect(readLimits(db, 10.5 * DAY)).toEqual({ webgpu: 3e9 });
  expect(readLimits(db, 12 * DAY)).toEqual({});
});
