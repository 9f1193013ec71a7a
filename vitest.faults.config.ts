import { defineConfig } from 'vitest/config';

/** `npm run test:faults`: kills, full disks and damaged files; minutes, and therefore not part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.fault.ts'],
    setupFiles: ['test/helpers/propertySeed.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
