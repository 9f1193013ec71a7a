#!/usr/bin/env node
/**
 * The command line: one command per file; this one only finds them and turns failures into one line and an exit code.
 * What is not asked for is not loaded, and compiled code is kept: half of a second before anything begins.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import { CACHE_FOLDER } from './cacheFolder.ts';

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./start.ts')).startCommand(),
  serve: async () => (await import('./serve.ts')).serveCommand(),
  generate: async () => (await import('./generate.ts')).generateCommand(),
  upscale: async () => (await import('./upscale.ts')).upscaleCommand(),
  train: async () => (await import('./train.ts')).trainCommand(),
  inspect: async () => (await import('./inspect.ts')).inspectCommand(),
  run: async () => (await import('./run.ts')).runCommand(),
  rank: async () => (await import('./rank.ts')).rankCommand(),
  devices: async () => (await import('./devices.ts')).devicesCommand(),
};

enableCompileCache(join(CACHE_FOLDER, 'code'));
const program = new Command('emulsion')
  .description('A local Stable Diffusion studio')
  .showHelpAfterError('(see --help)');
const wanted = Object.hasOwn(COMMANDS, process.argv[2] ?? '') ? [process.argv[2]!] : Object.keys(COMMANDS);
for (const name of wanted) program.addCommand(await COMMANDS[name]!());

try {
  await program.parseAsync();
} catch (error) {
  const { failWith } = await import('./failure.ts');
  failWith(error);
}
