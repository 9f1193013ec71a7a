/** Builds the desktop app: main process and engine, preload script, window. */
import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';

export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      // Two programs: the app, and the engine that runs in a process of its own.
      rollupOptions: {
        input: { main: resolve('main/shell/main.ts'), engine: resolve('main/engine/process.ts') },
        output: { format: 'es', entryFileNames: '[name].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      // A sandboxed preload script is CommonJS and one file.
      rollupOptions: {
        input: { bridge: resolve('preload/bridge.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'renderer',
    base: './',
    plugins: [react()],
    build: {
      outDir: 'out/renderer',
      target: 'es2023',
      rollupOptions: { input: resolve('renderer/index.html') },
    },
  },
});
