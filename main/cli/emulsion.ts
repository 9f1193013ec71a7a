#!/usr/bin/env node
/** The command line: one command per file; this one only lists them and turns failures into one line and an exit code. */
import { Command } from 'commander';
import { devicesCommand } from './devices.ts';
import { failWith } from './failure.ts';
import { generateCommand } from './generate.ts';
import { inspectCommand } from './inspect.ts';
import { rankCommand } from './rank.ts';
import { runCommand } from './run.ts';
import { serveCommand } from './serve.ts';
import { startCommand } from './start.ts';
import { trainCommand } from './train.ts';
import { upscaleCommand } from './upscale.ts';

const program = new Command('emulsion')
  .description('A local Stable Diffusion studio')
  .showHelpAfterError('(see --help)')
  .addCommand(startCommand())
  .addCommand(serveCommand())
  .addCommand(generateCommand())
  .addCommand(upscaleCommand())
  .addCommand(trainCommand())
  .addCommand(inspectCommand())
  .addCommand(runCommand())
  .addCommand(rankCommand())
  .addCommand(devicesCommand());

try {
  await program.parseAsync();
} catch (error) {
  failWith(error);
}
