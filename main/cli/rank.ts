/** `emulsion rank`: the pictures of a folder in the order in which they fit some words, by CLIP. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { badInput, EngineError } from '../engine/border/failures.ts';
import { type RunJob, withEngine } from './engine.ts';
import { starterCheckpoint } from './starter.ts';

interface Options {
  readonly model?: string;
  readonly top?: number;
  readonly json?: boolean;
}

interface Ranked {
  readonly file: string;
  /** Cosine of the angle between picture and words: 1 = the same, 0 = nothing in common. */
  readonly similarity: number;
}

const PICTURES = /\.(png|jpe?g|webp|gif|avif|tiff?)$/i;
/** Pictures of one job; an unreadable one costs no more than its job. */
const BATCH = 32;

export function rankCommand(): Command {
  return new Command('rank')
    .description('order the pictures of a folder by how well they fit some words')
    .argument('<words>', 'what to look for, e.g. "a red boat"')
    .argument('<folder>', 'where the pictures are')
    .option('--model <file>', 'CLIP model, or a checkpoint with an image encoder; default: the starter model')
    .option('--top <n>', 'show only the best n', Number)
    .option('--json', 'print files and similarities as JSON')
    .action(run);
}

async function run(words: string, folder: string, options: Options): Promise<void> {
  const top = options.top ?? Number.POSITIVE_INFINITY;
  if (!(top >= 1)) throw badInput('--top is no number from 1 on.', 'Leave it out to see all pictures.');
  const files = picturesIn(folder);
  const model = options.model ?? starterCheckpoint().path;
  const [ranked, unreadable] = await withEngine({}, (job) => rank(job, model, words, files));
  for (const message of unreadable) console.error(`left out: ${message}`);
  const shown = ranked.slice(0, top);
  if (options.json) console.log(JSON.stringify(shown, null, 2));
  else for (const { file, similarity } of shown) console.log(`${similarity.toFixed(4)}  ${file}`);
}

function picturesIn(folder: string): string[] {
  const names = namesIn(folder).filter((name) => PICTURES.test(name));
  if (names.length > 0) return names.sort().map((name) => join(folder, name));
  throw badInput(`${folder}: there are no pictures in it.`, 'Name a folder with PNG, JPEG or WebP files.');
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    throw badInput(`${folder}: this folder cannot be read.`, 'Check its name and permissions.');
  }
}

async function rank(
  job: RunJob,
  model: string,
  words: string,
  files: readonly string[],
): Promise<[ranked: Ranked[], unreadable: string[]]> {
  const [text] = (await embed(job, model, [], [words])).texts;
  const ranked: Ranked[] = [];
  const unreadable: string[] = [];
  const add = async (batch: readonly string[]): Promise<void> => {
    const { images } = await embed(job, model, batch, []);
    for (const [i, file] of batch.entries()) ranked.push({ file, similarity: dot(images[i]!, text!) });
  };
  for (let from = 0; from < files.length; from += BATCH) {
    const batch = files.slice(from, from + BATCH);
    try {
      await add(batch);
    } catch (error) {
      rethrowUnlessInput(error);
      for (const file of batch) await add([file]).catch((reason) => unreadable.push(reasonOf(file, reason)));
    }
  }
  return [ranked.toSorted((a, b) => b.similarity - a.similarity), unreadable];
}

async function embed(job: RunJob, model: string, images: readonly string[], texts: readonly string[]) {
  const result = await job({ kind: 'embed', model, images, texts });
  if (result.kind !== 'embeddings') throw new Error('the engine answered something else than embeddings');
  return result;
}

function rethrowUnlessInput(error: unknown): void {
  if (!(error instanceof EngineError) || error.failure.code !== 'bad-input') throw error;
}

function reasonOf(file: string, error: unknown): string {
  rethrowUnlessInput(error);
  return error instanceof Error ? error.message : basename(file);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
