/** `emulsion generate`: a prompt (and pictures) in, PNG files with their settings inside out. */
import { Argument, Command, Option } from 'commander';
import { badInput } from '../engine/border/failures.ts';
import { runOnce } from './engine.ts';
import { repeatedRequest } from './from.ts';
import {
  addPictureOptions,
  addSamplingOptions,
  checkTogether,
  type GenerateOptions,
  requestOf,
} from './generateOptions.ts';
import { checkMemory } from './memoryCheck.ts';
import { savePictures, usableFolder } from './output.ts';
import { STARTER_FOLDER } from './starter.ts';
import { findTaggedLoras } from './taggedLoras.ts';

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('make pictures from a prompt')
    .addArgument(new Argument('[prompt]', 'what to see, e.g. "a red boat on the sea at sunset"'));
  addPictureOptions(addSamplingOptions(command))
    .addOption(
      new Option('--memory <mode>', 'memory for speed')
        .choices(['auto', 'normal', 'cached', 'low'])
        .default('auto'),
    )
    .addOption(new Option('--device <name>', 'see "emulsion devices"').default('auto'))
    .option('--threads <n>', 'threads; 0 = one per core', Number, 0)
    .option('--from <picture>', 'repeat a picture from its metadata alone')
    .option('--out <folder>', 'where the PNG files go', 'pictures')
    .option('--json', 'print files, seeds and timings as JSON')
    .action((prompt: string | undefined, options: GenerateOptions) => run(withPrompt(options, prompt)));
  return command;
}

/** The prompt may stand by itself or be an option, but there is one. */
function withPrompt(options: GenerateOptions, prompt: string | undefined): GenerateOptions {
  if (prompt === undefined) return options;
  if (options.prompt !== undefined)
    throw badInput('There are two prompts, one of them in --prompt.', 'Leave one of them out.');
  return { ...options, prompt };
}

async function run(options: GenerateOptions): Promise<void> {
  checkTogether(options);
  usableFolder(options.out);
  const { request, batchIndex } = options.from
    ? await repeatedRequest(options.from, options.checkpoint)
    : { request: requestOf(options) };
  const { memory, threads, device } = options;
  const remark = checkMemory(request, memory);
  if (remark !== undefined) console.error(remark);
  const result = await runOnce(
    { kind: 'generate', request: findTaggedLoras(request, STARTER_FOLDER) },
    { memory, threads, device },
  );
  if (result.kind !== 'images') throw new Error('the engine answered something else than pictures');
  const files = await savePictures(result, request, options.out, batchIndex);
  if (options.json) {
    const { seeds, notes, timings } = result;
    console.log(JSON.stringify({ files, seeds, notes, timings }, null, 2));
    return;
  }
  for (const note of result.notes) console.error(note);
  for (const file of files) console.log(file);
}
