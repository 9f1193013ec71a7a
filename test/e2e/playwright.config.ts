/** End to end: a real browser, `emulsion serve`, the real engine on the starter set. One worker: the engine has the machine. */
import { defineConfig } from '@playwright/test';
import { chromiumPath } from './chromium.ts';

const executablePath = chromiumPath();

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: '../../test-results',
  globalSetup: './build.ts',
  workers: 1,
  timeout: 240_000,
  expect: { timeout: 20_000 },
  reporter: process.env['CI'] ? 'line' : 'list',
  use: {
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    trace: 'retain-on-failure',
    launchOptions: { args: ['--no-sandbox'], ...(executablePath === null ? {} : { executablePath }) },
  },
});
