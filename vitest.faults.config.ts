import { defineConfig } from 'vitest/config';

/** `npm run test:faults`: kills, full disks and damaged files; its `.fault.ts` take minutes and are no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.fault.ts', 'test/faults/**/*.test.ts'],
    globalSetup: ['test/helpers/compiledCode.ts'],
    setupFiles: ['test/helpers/propertySeed.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
