/** `emulsion generate`: a prompt (and pictures) in, PNG files with their settings inside out. */
import { basename } from 'node:path';
import { Argument, Command, Option } from 'commander';
import {
  type GenerationRequest,
  generationRequestSchema,
  SAMPLERS,
  SCHEDULES,
} from '../../preload/request.ts';
import { badInput } from '../engine/failures.ts';
import type { EngineSettings } from '../engine/protocol.ts';
import { runOnce } from './engine.ts';
import { repeatedRequest } from './from.ts';
import { savePictures, usableFolder } from './output.ts';
import { starterCheckpoint } from './starter.ts';

interface Options {
  readonly checkpoint?: string;
  readonly vae?: string;
  readonly prompt?: string;
  readonly negative?: string;
  readonly seed?: string;
  readonly steps?: number;
  readonly sampler?: string;
  readonly schedule?: string;
  readonly cfg?: number;
  readonly width?: number;
  readonly height?: number;
  readonly batch?: number;
  readonly clipSkip?: number;
  readonly init?: string;
  readonly strength?: number;
  readonly stepRule?: string;
  readonly mask?: string;
  readonly maskBlur?: number;
  readonly maskGrow?: number;
  readonly maskedContent?: string;
  readonly inpaintArea?: string;
  readonly rng?: string;
  readonly emphasis?: string;
  readonly speed?: string;
  readonly from?: string;
  readonly out: string;
  readonly json?: boolean;
  readonly memory: EngineSettings['memory'];
  readonly device: EngineSettings['device'];
  readonly threads: number;
}

export function generateCommand(): Command {
  return new Command('generate')
    .description('make pictures from a prompt')
    .addArgument(new Argument('[prompt]', 'what to see, e.g. "a red boat on the sea at sunset"'))
    .option('--checkpoint <file>', 'model file; default: the starter model')
    .option('--vae <file>', 'another VAE than the checkpoint’s own')
    .option('--prompt <text>', 'the prompt, when not given as argument')
    .option('--negative <text>', 'what not to see')
    .option('--seed <n>', 'same seed, same picture; default: random')
    .option('--steps <n>', 'denoising steps', Number)
    .addOption(new Option('--sampler <name>', 'how to walk the noise levels').choices(SAMPLERS))
    .addOption(new Option('--schedule <name>', 'which noise levels to walk').choices(SCHEDULES))
    .option('--cfg <scale>', 'guidance scale: how closely to follow the prompt', Number)
    .option('--width <pixels>', 'multiple of 8', Number)
    .option('--height <pixels>', 'multiple of 8', Number)
    .option('--batch <n>', 'pictures at once', Number)
    .option('--clip-skip <n>', '1 = last layer of the text encoder', Number)
    .option('--init <image>', 'picture to start from (image-to-image)')
    .option('--strength <0–1>', 'denoising strength: 0 keeps the picture, 1 ignores it', Number)
    .addOption(
      new Option('--step-rule <rule>', 'how steps and strength share out').choices([
        'diffusers',
        'comfy',
        'a1111',
      ]),
    )
    .option('--mask <image>', 'white = repaint, black = keep (inpainting, with --init)')
    .option('--mask-blur <pixels>', 'feather of the mask', Number)
    .option('--mask-grow <pixels>', 'grow (or shrink) the mask', Number)
    .addOption(
      new Option('--masked-content <what>', 'what the masked part starts from').choices([
        'original',
        'fill',
        'latent noise',
        'latent nothing',
      ]),
    )
    .addOption(
      new Option('--inpaint-area <area>', 'work on the whole picture or on the masked part').choices([
        'whole picture',
        'only masked',
      ]),
    )
    .addOption(
      new Option('--rng <kind>', 'noise as torch’s CPU generator or NVIDIA’s Philox draws it').choices([
        'cpu',
        'nv',
      ]),
    )
    .addOption(new Option('--emphasis <rules>', 'whose rules for (word:1.2)').choices(['comfy', 'a1111']))
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
    .action(async (prompt: string | undefined, options: Options) =>
      run({ ...options, ...(prompt !== undefined && { prompt }) }),
    );
}

async function run(options: Options): Promise<void> {
  usableFolder(options.out);
  const { request, batchIndex } = options.from
    ? await repeatedRequest(options.from, options.checkpoint)
    : { request: requestOf(options) };
  const { memory, threads, device } = options;
  const result = await runOnce({ kind: 'generate', request }, { memory, threads, device });
  if (result.kind !== 'images') throw new Error('the engine answered something else than pictures');
  const files = await savePictures(result, request, options.out, batchIndex);
  if (options.json) {
    console.log(
      JSON.stringify({ files, seeds: result.seeds, notes: result.notes, timings: result.timings }, null, 2),
    );
    return;
  }
  for (const note of result.notes) console.error(note);
  for (const file of files) console.log(file);
}

/** Options → a complete request; the schema's message names the field that does not fit. */
function requestOf(options: Options): GenerationRequest {
  const starter = options.checkpoint ? undefined : starterCheckpoint();
  const path = options.checkpoint ?? starter!.path;
  const defined = Object.entries({
    prompt: options.prompt ?? starter?.prompt,
    negativePrompt: options.negative,
    sampler: options.sampler,
    schedule: options.schedule,
    steps: options.steps ?? starter?.steps,
    guidanceScale: options.cfg ?? starter?.guidanceScale,
    seed: options.seed ?? randomSeed(),
    rng: options.rng,
    width: options.width ?? starter?.size ?? 512,
    height: options.height ?? starter?.size ?? 512,
    batch: options.batch,
    clipSkip: options.clipSkip,
    emphasis: options.emphasis,
    initImage: options.init === undefined ? undefined : { path: options.init },
    mask: options.mask === undefined ? undefined : { path: options.mask },
    denoisingStrength: options.init === undefined ? undefined : (options.strength ?? 0.75),
    stepRule: options.stepRule,
    maskBlur: options.maskBlur,
    maskGrow: options.maskGrow,
    maskedContent: options.maskedContent,
    inpaintArea: options.inpaintArea,
    vae: options.vae === undefined ? undefined : { name: basename(options.vae), path: options.vae },
  }).filter(([, value]) => value !== undefined);
  const checkpoint = { name: basename(path), path };
  const parsed = generationRequestSchema.safeParse({
    kind: kindOf(options),
    checkpoint,
    ...Object.fromEntries(defined),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badInput(
    `${issue?.path.join('.') ?? 'request'}: ${issue?.message}.`,
    'See "emulsion generate --help".',
  );
}

function kindOf({ init, mask, strength, prompt, from }: Options): GenerationRequest['kind'] {
  if (mask !== undefined && init === undefined)
    throw badInput('--mask needs --init: the picture to repaint.', 'Give both.');
  if (strength !== undefined && init === undefined)
    throw badInput('--strength needs --init: the picture to start from.', 'Give both.');
  if (strength !== undefined && !(strength >= 0 && strength <= 1))
    throw badInput(`--strength ${strength} is outside 0–1.`, 'Use 0.3 to 0.8.');
  if (prompt === '' && from === undefined)
    throw badInput('The prompt is empty.', 'Say what to see, e.g. "a red boat on the sea at sunset".');
  if (mask !== undefined) return 'inpaint';
  return init === undefined ? 'text-to-image' : 'image-to-image';
}

function randomSeed(): string {
  return String(Math.floor(Math.random() * 2 ** 32));
}
