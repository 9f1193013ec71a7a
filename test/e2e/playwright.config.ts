/** End to end: a real browser, `emulsion serve`, the real engine on the starter set; each test with a studio of its own. */
import { defineConfig } from '@playwright/test';
import { findChromium } from './chromium.ts';

const browser = findChromium();

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: '../../test-results',
  globalSetup: './build.ts',
  fullyParallel: true,
  // Some tests judge processor time, which two at a time on two cores make each other take twice of.
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
    // Of a page that failed its last picture is enough: taking one at every change costs a tenth of all the work.
    trace: { mode: 'retain-on-failure', screenshots: false },
    screenshot: 'only-on-failure',
    launchOptions: {
      args: ['--no-sandbox'],
      ...('missing' in browser
        ? {}
        : { executablePath: browser.executablePath, env: { ...process.env, ...browser.env } }),
    },
  },
});
