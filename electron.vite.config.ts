/** Builds the desktop app: main process and engine, preload script, window. */
import { resolve } from 'node:path';
import { defineConfig } from 'electron-vite';
import page from './vite.config.ts';

export default defineConfig({
  main: {
    build: {
      // Three programs: the app, the engine that runs in a process of its own, and the threads of its training.
      rollupOptions: {
        input: {
          main: resolve('main/shell/main.ts'),
          engine: resolve('main/engine/process.ts'),
          shardWorker: resolve('main/training/shards/worker.ts'),
        },
        // Parts lie beside the programs: the engine's finds the worker by its own place.
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      // A sandboxed preload script is CommonJS and one file.
      rollupOptions: {
        input: { bridge: resolve('preload/bridge.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  // The same window as in a browser: one configuration for both.
  renderer: {
    ...page,
    build: {
      ...page.build,
      outDir: 'out/renderer',
      rollupOptions: { input: resolve('renderer/index.html') },
    },
  },
});
