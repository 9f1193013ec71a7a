/** The options of `emulsion generate`, and the request they make. */
import { type Command, Option } from 'commander';
import {
  type GenerationRequest,
  generationRequestSchema,
  SAMPLERS,
  SCHEDULES,
  SPEEDS,
  STEP_RULES,
} from '../../preload/request.ts';
import { badInput } from '../engine/border/failures.ts';
import type { EngineSettings } from '../engine/border/protocol.ts';
import {
  addControlOptions,
  CONTROL_NEEDS,
  type ControlOptions,
  controlUses,
  ONE_FOR_EACH_CONTROL,
} from './controlOptions.ts';
import { modelRef } from './modelRef.ts';
import { starterCheckpoint } from './starter.ts';
import { type Need, refuseBeside, requireOneForEach, requireTogether } from './together.ts';

export interface GenerateOptions extends ControlOptions {
  readonly prompt?: string;
  readonly checkpoint?: string;
  readonly vae?: string;
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
  readonly rng?: string;
  readonly emphasis?: string;
  readonly speed?: string;
  readonly guidanceInterval?: string;
  readonly negativeBound?: number;
  readonly deepBound?: number;
  readonly lora?: readonly string[];
  readonly embedding?: readonly string[];
  readonly init?: string;
  readonly strength?: number;
  readonly stepRule?: string;
  readonly mask?: string;
  readonly maskBlur?: number;
  readonly maskGrow?: number;
  readonly maskedContent?: string;
  readonly inpaintArea?: string;
  readonly secondPass?: number;
  readonly secondPassUpscaler?: string;
  readonly secondPassStrength?: number;
  readonly from?: string;
  readonly out: string;
  readonly json?: boolean;
  readonly memory: EngineSettings['memory'];
  readonly device: EngineSettings['device'];
  readonly threads: number;
}

const choice = (flags: string, description: string, values: readonly string[]): Option =>
  new Option(flags, description).choices(values);

/** Options about the prompt and the walk through the noise. */
export function addSamplingOptions(command: Command): Command {
  return command
    .option('--checkpoint <file>', 'model file; default: the starter model')
    .option('--vae <file>', 'another VAE than the checkpoint’s own')
    .option('--prompt <text>', 'the prompt, when not given as argument')
    .option('--negative <text>', 'what not to see')
    .option('--seed <n>', 'same seed, same picture; default: random')
    .option('--steps <n>', 'denoising steps', Number)
    .addOption(choice('--sampler <name>', 'how to walk the noise levels', SAMPLERS))
    .addOption(choice('--schedule <name>', 'which noise levels to walk', SCHEDULES))
    .option('--cfg <scale>', 'guidance scale: how closely to follow the prompt', Number)
    .option('--width <pixels>', 'multiple of 8', Number)
    .option('--height <pixels>', 'multiple of 8', Number)
    .option('--batch <n>', 'pictures at once', Number)
    .option('--clip-skip <n>', '1 = last layer of the text encoder', Number)
    .addOption(
      choice('--rng <kind>', 'noise as torch’s CPU generator or NVIDIA’s Philox draws it', ['cpu', 'nv']),
    )
    .addOption(choice('--emphasis <rules>', 'whose rules for (word:1.2)', ['comfy', 'a1111']))
    .addOption(choice('--speed <mode>', 'how much exactness may be given for time; default: exact', SPEEDS))
    .option('--guidance-interval <low:high>', 'sigmas between which guidance acts, e.g. 0.3:10')
    .option(
      '--negative-bound <0–1>',
      'error up to which the negative prompt is extrapolated; 0 = never',
      Number,
    )
    .option('--deep-bound <0–1>', 'error up to which deep features are extrapolated; 0 = never', Number);
}

/** Options about pictures that go in, and models that act beside the checkpoint. */
export function addPictureOptions(command: Command): Command {
  return addControlOptions(command)
    .option(
      '--lora <file:weight...>',
      'LoRAs as file, file:weight or file:weight:textWeight, e.g. woodcut.safetensors:0.8',
    )
    .option('--embedding <file...>', 'textual-inversion files, used by their name in the prompt')
    .option('--init <image>', 'picture to start from (image-to-image)')
    .option('--strength <0–1>', 'denoising strength: 0 keeps the picture, 1 ignores it', Number)
    .addOption(
      choice(
        '--step-rule <rule>',
        'whose steps: how they share out with --strength, where ddim ends',
        STEP_RULES,
      ),
    )
    .option('--mask <image>', 'white = repaint, black = keep (inpainting, with --init)')
    .option('--mask-blur <pixels>', 'feather of the mask', Number)
    .option('--mask-grow <pixels>', 'grow (or shrink) the mask', Number)
    .addOption(
      choice('--masked-content <what>', 'what the masked part starts from', [
        'original',
        'fill',
        'latent noise',
        'latent nothing',
      ]),
    )
    .addOption(
      choice('--inpaint-area <area>', 'work on the whole picture or on the masked part', [
        'whole picture',
        'only masked',
      ]),
    )
    .option('--second-pass <scale>', 'enlarge and paint over (hires fix)', Number)
    .option('--second-pass-upscaler <file>', 'upscaler of the second pass; default: the latent is enlarged')
    .option('--second-pass-strength <0–1>', 'denoising strength of the second pass', Number);
}

/** Options → a complete request; the schema's message names the field that does not fit. Throws a bad-input error. */
export function requestOf(options: GenerateOptions): GenerationRequest {
  const starter = options.checkpoint ? undefined : starterCheckpoint();
  const fields = {
    kind:
      options.mask !== undefined
        ? 'inpaint'
        : options.init === undefined
          ? 'text-to-image'
          : 'image-to-image',
    checkpoint: modelRef(options.checkpoint ?? starter!.path),
    ...samplingFields(options, starter),
    ...pictureFields(options),
  };
  const defined = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const parsed = generationRequestSchema.safeParse(defined);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badInput(
    `${issue?.path.join('.') ?? 'request'}: ${issue?.message}.`,
    'See "emulsion generate --help".',
  );
}

function samplingFields(
  options: GenerateOptions,
  starter: ReturnType<typeof starterCheckpoint> | undefined,
): object {
  return {
    prompt: options.prompt ?? starter?.prompt,
    negativePrompt: options.negative,
    sampler: options.sampler,
    schedule: options.schedule,
    steps: options.steps ?? starter?.steps,
    guidanceScale: options.cfg ?? starter?.guidanceScale,
    seed: options.seed ?? String(Math.floor(Math.random() * 2 ** 32)),
    rng: options.rng,
    width: options.width ?? starter?.size ?? 512,
    height: options.height ?? starter?.size ?? 512,
    batch: options.batch,
    clipSkip: options.clipSkip,
    emphasis: options.emphasis,
    speed: options.speed,
    shortcuts: shortcutFields(options),
    vae: options.vae && modelRef(options.vae),
  };
}

/** What the options say about shortcuts, or nothing: `speed` then says it all. */
function shortcutFields({ guidanceInterval, negativeBound, deepBound }: GenerateOptions): object | undefined {
  const [low, high] = guidanceInterval === undefined ? [] : intervalOf(guidanceInterval);
  const said = {
    guidanceInterval: guidanceInterval === undefined ? undefined : { low, high },
    negativeBound,
    deepBound,
  };
  const defined = Object.entries(said).filter(([, value]) => value !== undefined);
  return defined.length === 0 ? undefined : Object.fromEntries(defined);
}

/** "0.3:10" */
function intervalOf(text: string): number[] {
  const bounds = text.split(':');
  if (bounds.length === 2) return bounds.map(Number);
  throw badInput(`--guidance-interval ${text} is not low:high.`, 'Write e.g. 0.3:10.');
}

function pictureFields(options: GenerateOptions): object {
  const { init, mask, secondPass, secondPassUpscaler } = options;
  return {
    initImage: init && { path: init },
    mask: mask && { path: mask },
    denoisingStrength: init && (options.strength ?? 0.75),
    stepRule: options.stepRule,
    maskBlur: options.maskBlur,
    maskGrow: options.maskGrow,
    maskedContent: options.maskedContent,
    inpaintArea: options.inpaintArea,
    loras: options.lora?.map(loraUse),
    embeddings: options.embedding?.map(modelRef),
    controls: controlUses(options),
    // Not by its truth: 0 and what is no number are for the schema to refuse.
    secondPass:
      secondPass === undefined
        ? undefined
        : {
            scale: secondPass,
            upscaler: secondPassUpscaler ? modelRef(secondPassUpscaler) : 'latent',
            denoisingStrength: options.secondPassStrength ?? 0.5,
          },
  };
}

/** `file`, `file:weight` or `file:unetWeight:textWeight`; a drive letter is no weight. */
function loraUse(text: string): object {
  const [, file, unet, clip] = /^(.*?)(?::(-?[\d.]+))?(?::(-?[\d.]+))?$/s.exec(text)!;
  const unetWeight = Number(unet ?? 1);
  return { model: modelRef(file!), unetWeight, textWeight: Number(clip ?? unetWeight) };
}

const NEEDS: readonly Need[] = [
  { option: 'init', what: 'the picture to repaint', by: ['mask'] },
  { option: 'init', what: 'the picture to start from', by: ['strength'] },
  {
    option: 'mask',
    what: 'which part to repaint',
    by: ['maskBlur', 'maskGrow', 'maskedContent', 'inpaintArea'],
  },
  {
    option: 'secondPass',
    what: 'how many times larger',
    by: ['secondPassUpscaler', 'secondPassStrength'],
  },
  ...CONTROL_NEEDS,
];

/** What else counts where a picture says all the rest. */
const HEEDED_BESIDE_FROM = ['checkpoint', 'memory', 'device', 'threads', 'out', 'json'];

/** Throws bad input for options that would not act in this company. */
export function checkTogether(options: GenerateOptions): void {
  const given = { ...options };
  if (options.from !== undefined)
    refuseBeside('from', 'the picture says how it was made', given, HEEDED_BESIDE_FROM);
  requireTogether(given, NEEDS);
  requireOneForEach(given, 'control', ONE_FOR_EACH_CONTROL);
  const { strength, prompt } = options;
  if (strength !== undefined && !(strength >= 0 && strength <= 1))
    throw badInput(`--strength ${strength} is outside 0–1.`, 'Use 0.3 to 0.8.');
  if (prompt === '')
    throw badInput('The prompt is empty.', 'Say what to see, e.g. "a red boat on the sea at sunset".');
}
