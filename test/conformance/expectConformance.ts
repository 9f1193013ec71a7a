/** Runs a conformance module over its case of test/golden inside a test. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { GOLDEN_DIR } from '../helpers/golden.ts';
import type { ConformanceModule } from './check.ts';

/** Every check of the case passes, and there are at least `least` of them, so that none can go missing unnoticed. */
export async function expectConformance(
  module: ConformanceModule,
  caseName: string,
  least: number,
): Promise<void> {
  const checks = await Array.fromAsync(module(join(GOLDEN_DIR, caseName)));
  expect(checks.filter(({ pass }) => !pass)).toEqual([]);
  expect(checks.length).toBeGreaterThanOrEqual(least);
}
