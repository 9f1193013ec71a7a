/** `emulsion train lora`: pictures of a folder and their captions in, a LoRA file out; stopped with Ctrl-C, it goes on later. */
import { basename, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { LORA_TARGETS, type LoraTrainingRequest, loraTrainingRequestSchema } from '../../preload/training.ts';
import { badInput } from '../engine/border/failures.ts';
import { pictureFolder } from '../training/lora/dataset.ts';
import { TrainingError } from '../training/lora/trainingError.ts';
import { runOnce } from './engine.ts';
import { usableFolder } from './output.ts';
import { starterCheckpoint } from './starter.ts';
import { requireTogether } from './together.ts';

interface Options extends Partial<Omit<LoraTrainingRequest, 'checkpoint' | 'pictures'>> {
  readonly checkpoint?: string;
  readonly data: string;
  readonly caption?: string;
  readonly name: string;
  readonly out?: string;
  readonly threads: number;
  readonly memory: 'auto' | 'normal' | 'cached' | 'low';
}

export function trainCommand(): Command {
  return new Command('train').description('teach a model something new').addCommand(loraCommand());
}

function loraCommand(): Command {
  const command = new Command('lora')
    .description('train a LoRA on the pictures of a folder')
    .requiredOption('--data <folder>', 'pictures, each with its caption in a .txt file of the same name')
    .requiredOption('--name <name>', 'of the LoRA and its file')
    .option('--checkpoint <file>', 'what the LoRA is for; default: the starter model')
    .option('--caption <text>', 'for pictures without a text file')
    .option('--trigger-word <word>', 'caption of pictures that have none at all')
    .option('--out <folder>', 'the run’s folder; default: training/NAME');
  return addTrainingOptions(command)
    .addOption(
      new Option('--memory <mode>', '"cached" keeps a float32 copy of the weights')
        .choices(['auto', 'normal', 'cached', 'low'])
        .default('auto'),
    )
    .option('--threads <n>', 'threads; 0 = one per core', Number, 0)
    .action(run);
}

/** Everything else has the default of the request. */
function addTrainingOptions(command: Command): Command {
  return command
    .option('--rank <n>', 'columns of each pair', Number)
    .option('--alpha <n>', 'the pairs count alpha/rank times', Number)
    .addOption(new Option('--targets <parts...>', 'which layers').choices([...LORA_TARGETS]))
    .option('--resolution <pixels>', 'side of a square picture; others get the same area', Number)
    .option('--steps <n>', 'optimiser steps', Number)
    .option('--batch <n>', 'pictures a step', Number)
    .option('--learning-rate <rate>', 'of AdamW', Number)
    .option('--warmup-steps <n>', 'steps of rising learning rate', Number)
    .addOption(
      new Option('--schedule <curve>', 'of the learning rate').choices(['constant', 'cosine', 'linear']),
    )
    .option('--weight-decay <n>', 'of AdamW', Number)
    .option('--min-snr-gamma <n>', '0 = all timesteps count alike', Number)
    .option('--noise-offset <n>', 'for very dark or bright pictures', Number)
    .option('--flip', 'mirror pictures at random')
    .option('--repeats <n>', 'how often an epoch shows each picture', Number)
    .option('--caption-dropout <share>', 'how often a caption is left out', Number)
    .option('--seed <number>', 'of everything drawn by lot')
    .option('--sample-every <n>', 'paint a sample picture every n steps', Number)
    .option('--sample-prompt <text>', 'of the sample pictures')
    .option('--save-every <n>', 'save the state every n steps', Number);
}

async function run({ data, caption, checkpoint, out, threads, memory, ...settings }: Options): Promise<void> {
  requireTogether(settings, [
    { option: 'sampleEvery', what: 'how often to paint one', by: ['samplePrompt'] },
  ]);
  const path = resolve(checkpoint ?? starterCheckpoint().path);
  const request = loraTrainingRequestSchema.parse({
    ...settings,
    kind: 'train-lora',
    checkpoint: { name: basename(path), path },
    pictures: picturesOf(data, caption),
    outputDir: resolve(out ?? join('training', settings.name)),
  });
  usableFolder(request.outputDir);
  const result = await runOnce({ kind: 'train-lora', request }, { threads, memory });
  if (result.kind !== 'lora') throw new Error('the engine answered something else than a LoRA');
  console.error(`${result.steps} steps, final loss ${result.finalLoss.toFixed(4)}`);
  console.log(result.path);
}

function picturesOf(folder: string, caption?: string): LoraTrainingRequest['pictures'] {
  try {
    return pictureFolder(resolve(folder), caption);
  } catch (error) {
    throw error instanceof TrainingError ? badInput(`${error.message}.`) : error;
  }
}
