/** End to end: a real browser, `emulsion serve`, the real engine on the starter set. One worker: the engine has the machine. */
import { defineConfig } from '@playwright/test';
import { findChromium } from './chromium.ts';

const browser = findChromium();

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: '../../test-results',
  globalSetup: './build.ts',
  workers: 1,
  timeout: 300_000,
  expect: { timeout: 60_000 },
  reporter: [
    [process.env['CI'] ? 'line' : 'list'],
    ['./skips.ts'],
    // For `npm test`, which adds up.
    ...(process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'] ? [['json'] as const] : []),
  ],
  metadata: 'missing' in browser ? { missing: browser.missing } : {},
  use: {
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    actionTimeout: 90_000,
    trace: 'retain-on-failure',
    launchOptions: {
      args: ['--no-sandbox'],
      ...('missing' in browser
        ? {}
        : { executablePath: browser.executablePath, env: { ...process.env, ...browser.env } }),
    },
  },
});
