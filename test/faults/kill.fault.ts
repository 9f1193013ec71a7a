import { expect, test } from 'vitest';
import { surviveKills } from './kills.ts';

/** 200 by default; fewer while working on something. */
const KILLS = Number(process.env['EMULSION_KILLS'] ?? 200);
/** Other moments each time; set it to see the same ones again. */
const SEED = Number(process.env['EMULSION_SEED'] ?? Date.now() % 1e9);

test(`kill -9 at ${KILLS} random moments, EMULSION_SEED=${SEED}`, { timeout: 3_600_000 }, async () => {
  const counts = await surviveKills(KILLS, SEED);
  console.log(`seed ${SEED}: ${JSON.stringify(counts)}; nothing lost, nothing half done, database sound`);
  expect(counts.kills).toBe(KILLS);
  expect(counts.pictures).toBeGreaterThan(KILLS / 20);
});
