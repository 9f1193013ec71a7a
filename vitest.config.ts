import { defineConfig } from 'vitest/config';

/** Real engine processes and two cores: files run in few workers, and each test gets time to load models. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    globalSetup: ['test/helpers/compiledCode.ts'],
    setupFiles: ['test/helpers/propertySeed.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
