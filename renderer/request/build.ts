/** From the draft and the canvas's exported pictures to one complete GenerationRequest. */

import type { PartialRequest } from '../../preload/history.ts';
import type { ControlUse, GenerationRequest, ImageRef, UpscaleRequest } from '../../preload/request.ts';
import type { Draft } from '../document/draft.ts';

/** What the canvas adds. Without `initImage` the request is text-to-image; with `mask` it is inpainting. */
export interface RequestPictures {
  readonly initImage?: ImageRef;
  /** The final soft mask at request size: grown and feathered already, so that what is seen is what is sent. */
  readonly mask?: ImageRef;
  /** True when the frame has empty parts: they start from fill, not from what lies there. */
  readonly outpaint?: boolean;
  readonly hint?: ImageRef;
}

/** Largest seed that every tool can hold: 32 bits. */
export const SEED_LIMIT = 2 ** 32;

/** A seed from a number in [0, 1). */
export const seedFrom = (random: number): string => String(Math.floor(random * SEED_LIMIT));

/** The draft as a request; null while no checkpoint is chosen. */
export function buildRequest(draft: Draft, pictures: RequestPictures): GenerationRequest | null {
  if (draft.checkpoint === null) return null;
  const common = {
    ...commonPart(draft),
    checkpoint: draft.checkpoint,
    controls: controls(draft, pictures.hint),
  };
  if (pictures.initImage === undefined) return { kind: 'text-to-image', ...common, stepRule: 'comfy' };
  const { denoisingStrength } = draft;
  const started = {
    ...common,
    initImage: pictures.initImage,
    denoisingStrength,
    stepRule: draft.stepRule,
  };
  if (pictures.mask === undefined) return { kind: 'image-to-image', ...started };
  return {
    kind: 'inpaint',
    ...started,
    denoisingStrength: pictures.outpaint ? Math.max(denoisingStrength, OUTPAINT_STRENGTH) : denoisingStrength,
    mask: pictures.mask,
    maskBlur: 0,
    maskGrow: 0,
    maskedContent: draft.maskedContent,
    inpaintArea: 'whole picture',
    maskedPadding: 32,
  };
}

/** Empty canvas has nothing to keep: outpainting starts from noise, whatever the slider says. */
const OUTPAINT_STRENGTH = 1;

function commonPart(draft: Draft) {
  const { secondPass, vae } = draft;
  return {
    ...(vae === null ? {} : { vae }),
    prompt: draft.prompt,
    negativePrompt: draft.negativePrompt,
    loras: draft.loras
      .filter(({ on }) => on)
      .map(({ model, unetWeight, textWeight }) => ({ model, unetWeight, textWeight })),
    embeddings: [],
    sampler: draft.sampler,
    schedule: draft.schedule,
    steps: draft.steps,
    guidanceScale: draft.guidanceScale,
    seed: draft.seed,
    rng: draft.rng,
    batchSeeds: draft.batchSeeds,
    width: draft.width,
    height: draft.height,
    batch: draft.batch,
    clipSkip: draft.clipSkip,
    emphasis: draft.emphasis,
    speed: draft.speed,
    ...(draft.shortcuts ? { shortcuts: draft.shortcuts } : {}),
    ...(secondPass.on
      ? {
          secondPass: {
            scale: secondPass.scale,
            upscaler: secondPass.upscaler ?? ('latent' as const),
            denoisingStrength: secondPass.denoisingStrength,
          },
        }
      : {}),
  };
}

function controls(draft: Draft, hint: ImageRef | undefined): ControlUse[] {
  const { control } = draft;
  if (!draft.useSketch || control.model === null || hint === undefined) return [];
  return [
    {
      model: control.model,
      image: hint,
      preprocessor: control.preprocessor,
      preprocessorOptions: control.preprocessorOptions,
      weight: control.weight,
      startFraction: control.startFraction,
      endFraction: control.endFraction,
      priority: control.priority,
    },
  ];
}

/** Settings that a request and the draft have under one name. */
// biome-ignore format: one table, read across
const SHARED = [
  'checkpoint', 'vae', 'prompt', 'negativePrompt', 'sampler', 'schedule', 'steps', 'guidanceScale', 'seed', 'rng', 'batchSeeds',
  'width', 'height', 'batch', 'clipSkip', 'emphasis', 'speed', 'denoisingStrength',
] as const;
const PROMPTS = ['prompt', 'negativePrompt'] as const;

/** The settings of a finished request, or those that a picture of another tool tells, as a change of the draft. */
export function recall(request: PartialRequest, part: 'all' | 'prompt' | 'seed'): Partial<Draft> {
  const keys = part === 'seed' ? (['seed'] as const) : part === 'prompt' ? PROMPTS : SHARED;
  const told = keys.filter((key) => request[key] !== undefined).map((key) => [key, request[key]]);
  const seed = part !== 'prompt' && request.seed !== undefined ? { freshSeed: false } : {};
  const loras = part === 'all' ? { loras: (request.loras ?? []).map((lora) => ({ ...lora, on: true })) } : {};
  const shortcuts = part === 'all' ? { shortcuts: request.shortcuts } : {};
  return {
    ...Object.fromEntries(told),
    ...seed,
    ...loras,
    ...shortcuts,
    ...(part === 'all' ? stepRuleOf(request) : {}),
  };
}

/** Text-to-image names a rule too, but has no strength for it to act on. */
const stepRuleOf = ({ kind, stepRule }: PartialRequest): Partial<Draft> =>
  stepRule === undefined || kind === undefined || kind === 'text-to-image' ? {} : { stepRule };

export const isUpscale = (request: { readonly kind: string }): request is UpscaleRequest =>
  request.kind === 'upscale';
