/** Not a test: takes the pictures of docs/screens, see screens.ts. */
import { defineConfig } from '@playwright/test';
import base from './playwright.config.ts';

export default defineConfig(base, { testMatch: 'screens.ts', workers: 1 });
