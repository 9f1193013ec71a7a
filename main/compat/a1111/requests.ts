/** From the JSON that A1111's clients send to our requests. Unknown fields are ignored, as A1111 ignores them. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { StudioError } from '../../../preload/errors.ts';
import {
  type GenerationRequest,
  generationRequestSchema,
  type LoraUse,
  type ModelRef,
} from '../../../preload/request.ts';
import type { Services } from '../../app/services.ts';
import { imagePath, storeUpload } from '../../history/uploads.ts';
import { decodePixels, encodePixels } from '../../images/codec.ts';
import { invert } from '../../images/hints/tones.ts';
import { fromA1111 } from '../../images/recall/names.ts';
import { extractLoraTags } from '../../pipeline/text/prompt/loraTags.ts';
import { chosenSpeed, speedSchema } from '../options.ts';
import { storeBase64 } from '../running.ts';

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const number = (fallback: number) =>
  z
    .number()
    .nullish()
    .transform((value) => value ?? fallback);

const common = {
  prompt: text,
  negative_prompt: text,
  seed: number(-1),
  steps: number(20),
  cfg_scale: number(7),
  width: number(512),
  height: number(512),
  batch_size: number(1),
  n_iter: number(1),
  sampler_name: text,
  sampler_index: text,
  scheduler: text,
  send_images: z.boolean().nullish(),
  override_settings: z
    .object({
      sd_model_checkpoint: z.string().nullish(),
      CLIP_stop_at_last_layers: z.number().nullish(),
      sd_vae: z.string().nullish(),
      emulsion_speed: speedSchema.nullish(),
    })
    .nullish(),
  alwayson_scripts: z.record(z.string(), z.unknown()).nullish(),
};

export const textToImageBody = z.object({
  ...common,
  enable_hr: z.boolean().nullish(),
  hr_scale: number(2),
  hr_upscaler: text,
  hr_second_pass_steps: number(0),
  denoising_strength: number(0.7),
});
export const imageToImageBody = z.object({
  ...common,
  init_images: z.array(z.string()).min(1, 'init_images is missing'),
  mask: z.string().nullish(),
  denoising_strength: number(0.75),
  mask_blur: number(4),
  inpainting_fill: number(0),
  inpaint_full_res: z
    .union([z.boolean(), z.number()])
    .nullish()
    .transform((value) => value === undefined || value === null || Boolean(value)),
  inpaint_full_res_padding: number(0),
  inpainting_mask_invert: z.union([z.boolean(), z.number()]).nullish(),
});

type TextBody = z.infer<typeof textToImageBody>;
type ImageBody = z.infer<typeof imageToImageBody>;

const MASKED_CONTENT = ['fill', 'original', 'latent noise', 'latent nothing'] as const;

/** @param checkpoint what to use when the body names none. */
export async function toTextRequest(
  s: Services,
  body: TextBody,
  checkpoint: ModelRef,
): Promise<GenerationRequest> {
  const secondPass = body.enable_hr
    ? {
        secondPass: {
          scale: body.hr_scale,
          upscaler: /^latent|^$/i.test(body.hr_upscaler) ? 'latent' : { name: body.hr_upscaler },
          denoisingStrength: body.denoising_strength,
          ...(body.hr_second_pass_steps > 0 && { steps: body.hr_second_pass_steps }),
        },
      }
    : {};
  return checked({ kind: 'text-to-image', ...(await shared(s, body, checkpoint)), ...secondPass });
}

export async function toImageRequest(
  s: Services,
  body: ImageBody,
  checkpoint: ModelRef,
): Promise<GenerationRequest> {
  const initImage = await storeBase64(s, body.init_images[0] as string);
  const base = {
    ...(await shared(s, body, checkpoint)),
    initImage,
    denoisingStrength: body.denoising_strength,
    stepRule: 'diffusers',
  };
  if (!body.mask) return checked({ kind: 'image-to-image', ...base });
  const mask = await storeBase64(s, body.mask);
  return checked({
    kind: 'inpaint',
    ...base,
    mask: body.inpainting_mask_invert ? await inverted(s, mask) : mask,
    maskBlur: body.mask_blur,
    maskedContent: MASKED_CONTENT[body.inpainting_fill] ?? 'original',
    inpaintArea: body.inpaint_full_res ? 'only masked' : 'whole picture',
    maskedPadding: body.inpaint_full_res_padding,
  });
}

async function inverted(s: Services, mask: { sha256: string }): Promise<{ sha256: string }> {
  const pixels = invert(
    await decodePixels(imagePath({ db: s.db, ...s.folder }, mask), { channels: 3 }),
    true,
  );
  const { image } = await storeUpload(s.places, await encodePixels(pixels, 'png'));
  return { sha256: image.sha256 ?? '' };
}

async function shared(s: Services, body: TextBody | ImageBody, checkpoint: ModelRef) {
  const { prompt, loras } = extractLoraTags(body.prompt);
  const sampling = fromA1111(
    body.sampler_name || body.sampler_index || 'Euler',
    body.scheduler || 'Automatic',
  );
  if (sampling.sampler === undefined) {
    throw new StudioError(
      'not-found',
      `Sampler not found: ${body.sampler_name || body.sampler_index}`,
      'Ask /sdapi/v1/samplers for those there are.',
    );
  }
  const named = body.override_settings?.sd_model_checkpoint;
  const clipSkip = body.override_settings?.CLIP_stop_at_last_layers ?? 1;
  const vae = body.override_settings?.sd_vae;
  return {
    checkpoint: named ? titleRef(named) : checkpoint,
    ...(vae && !/^(automatic|none)$/i.test(vae) && { vae: titleRef(vae) }),
    prompt: prompt.trim(),
    negativePrompt: body.negative_prompt,
    loras: loras.map(({ name, ...weights }): LoraUse => ({ model: { name }, ...weights })),
    controls: await controlsOf(s, body.alwayson_scripts),
    ...sampling,
    steps: body.steps,
    guidanceScale: body.cfg_scale,
    speed: body.override_settings?.emulsion_speed ?? chosenSpeed(s),
    seed: body.seed < 0 ? randomSeed() : String(body.seed),
    rng: 'nv',
    emphasis: 'a1111',
    batchSeeds: 'increment',
    ...{ width: body.width, height: body.height, batch: body.batch_size, clipSkip },
  };
}

/** A1111 names a checkpoint `folder/name.safetensors [hash]`. */
export function titleRef(title: string): ModelRef {
  return { name: title.replace(/\s*\[[0-9a-f]+\]$/i, '') };
}

/** 32 bits, as A1111 draws them. */
function randomSeed(): string {
  return String(randomBytes(4).readUInt32LE());
}

const unitSchema = z.object({
  enabled: z.boolean().nullish(),
  module: z.string().nullish(),
  model: z.string(),
  weight: number(1),
  image: z.union([z.string(), z.object({ image: z.string() })]).nullish(),
  input_image: z.string().nullish(),
  guidance_start: number(0),
  guidance_end: number(1),
  control_mode: z.union([z.string(), z.number()]).nullish(),
});

/** Units of the ControlNet extension, as its API names them. */
async function controlsOf(s: Services, scripts: TextBody['alwayson_scripts']) {
  const script = z
    .object({ args: z.array(z.unknown()) })
    .safeParse(scripts?.['ControlNet'] ?? scripts?.['controlnet']);
  const units = (script.data?.args ?? []).flatMap((unit) => unitSchema.safeParse(unit).data ?? []);
  return Promise.all(
    units
      .filter(({ enabled, model }) => enabled !== false && !/^none$/i.test(model))
      .map(async ({ image, input_image, ...unit }) => {
        const picture = typeof image === 'string' ? image : (image?.image ?? input_image ?? '');
        return {
          model: titleRef(unit.model),
          image: await storeBase64(s, picture),
          preprocessor: moduleName(unit.module ?? 'none'),
          weight: unit.weight,
          startFraction: unit.guidance_start,
          endFraction: unit.guidance_end,
          priority: priorityOf(unit.control_mode),
        };
      }),
  );
}

const MODULES: Readonly<Record<string, string>> = {
  invert: 'invert',
  canny: 'canny',
  threshold: 'threshold',
  blur_gaussian: 'blur',
  tile_resample: 'tile',
};

function moduleName(module: string): string {
  const known =
    MODULES[module] ??
    (module.startsWith('scribble') ? 'scribble' : module.startsWith('softedge') ? 'softedge' : module);
  if (module === 'none' || Object.values(MODULES).concat('scribble', 'softedge').includes(known))
    return known;
  throw new StudioError(
    'not-found',
    `ControlNet module "${module}" is not known.`,
    'Prepare the picture and use module "none".',
  );
}

function priorityOf(mode: string | number | null | undefined): 'balanced' | 'prompt' | 'control' {
  const text = String(mode ?? 0).toLowerCase();
  if (text === '1' || text.includes('prompt')) return 'prompt';
  return text === '2' || text.includes('controlnet is') ? 'control' : 'balanced';
}

function checked(request: unknown): GenerationRequest {
  const parsed = generationRequestSchema.safeParse(request);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new StudioError('bad-input', `${issue?.path.join('.')}: ${issue?.message}`, 'Correct this field.');
}
