import { expect, test } from 'vitest';
import { surviveKills } from './kills.ts';

/** The short form of kill.fault.ts. */
test('a studio killed at 12 random moments loses nothing', async () => {
  const counts = await surviveKills(12, 1);
  expect(counts.pictures).toBeGreaterThan(0);
  expect(counts.strokes).toBeGreaterThan(0);
  expect(counts.models).toBeGreaterThan(0);
});
