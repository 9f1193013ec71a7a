/** Not part of the tests: the long session of soak.ts, see scripts/soak.ts. */
import { defineConfig } from '@playwright/test';
import base from './playwright.config.ts';

export default defineConfig(base, {
  testMatch: 'soak.ts',
  outputDir: '../../test-results-soak',
  use: { trace: 'off', screenshot: 'off' },
  workers: 1,
});
