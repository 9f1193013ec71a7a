/**
 * The generation request: everything a picture depends on, and nothing else.
 * The same object goes to the queue, the engine, the PNG metadata and the history.
 */
import { z } from 'zod';
import { shortcutsSchema } from './shortcuts.ts';

// biome-ignore format: one table, read across
export const SAMPLERS = [
  'euler', 'euler_cfg_pp', 'euler_ancestral', 'euler_ancestral_cfg_pp', 'heun', 'heunpp2', 'dpm_2',
  'dpm_2_ancestral', 'lms', 'dpm_fast', 'dpm_adaptive', 'dpmpp_2s', 'dpmpp_2s_ancestral', 'dpmpp_sde',
  'dpmpp_2m', 'dpmpp_2m_sde', 'dpmpp_2m_sde_heun', 'dpmpp_3m_sde', 'ddim', 'pndm', 'ddpm', 'lcm', 'ipndm',
  'ipndm_v', 'deis', 'res_multistep', 'res_multistep_ancestral', 'gradient_estimation', 'er_sde',
  'seeds_2', 'sa_solver', 'uni_pc', 'uni_pc_bh2',
] as const;
// biome-ignore format: one table, read across
export const SCHEDULES = [
  'normal', 'karras', 'exponential', 'sgm_uniform', 'simple', 'ddim_uniform', 'beta', 'linear_quadratic', 'kl_optimal',
] as const;

export const samplerSchema = z.enum(SAMPLERS);
export const scheduleSchema = z.enum(SCHEDULES);
/** `exact` computes in float32; `fast` and `draft` may give precision for time, each in the ways and within the errors that the README measures. */
export const SPEEDS = ['exact', 'fast', 'draft'] as const;
export type SamplerName = z.infer<typeof samplerSchema>;
export type ScheduleName = z.infer<typeof scheduleSchema>;

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'a sha256 is 64 lower-case hex digits');

/** A weights file: `name` is what people see; `path` where it was; `sha256` what it is (wins over the path on recall). */
export const modelRefSchema = z.object({
  name: z.string().min(1).max(4096),
  path: z.string().optional(),
  sha256: sha256Schema.optional(),
});
export type ModelRef = z.infer<typeof modelRefSchema>;

/** A picture used as input. At least one of the two is present; `sha256` is of the file's bytes. */
export const imageRefSchema = z
  .object({ path: z.string().optional(), sha256: sha256Schema.optional() })
  .refine((ref) => ref.path !== undefined || ref.sha256 !== undefined, 'an image needs a path or a sha256');
export type ImageRef = z.infer<typeof imageRefSchema>;

export const loraUseSchema = z.object({
  model: modelRefSchema,
  unetWeight: z.number().min(-4).max(4),
  textWeight: z.number().min(-4).max(4),
});
export type LoraUse = z.infer<typeof loraUseSchema>;

export const PREPROCESSORS = [
  'none',
  'canny',
  'scribble',
  'softedge',
  'invert',
  'threshold',
  'blur',
  'tile',
] as const;

export const controlUseSchema = z.object({
  model: modelRefSchema,
  /** Source picture; the preprocessor makes the hint image from it. */
  image: imageRefSchema,
  /** One of PREPROCESSORS, or `onnx:NAME` for a user's own preprocessor. */
  preprocessor: z.string().default('none'),
  preprocessorOptions: z.record(z.string(), z.number()).default({}),
  weight: z.number().min(0).max(4).default(1),
  /** Part of the steps in which the ControlNet acts, 0–1 each. */
  startFraction: z.number().min(0).max(1).default(0),
  endFraction: z.number().min(0).max(1).default(1),
  priority: z.enum(['balanced', 'prompt', 'control']).default('balanced'),
});
export type ControlUse = z.infer<typeof controlUseSchema>;

export const secondPassSchema = z.object({
  /** How many times wider and higher the second pass is. */
  scale: z.number().min(1).max(8),
  /** `latent` enlarges the latent; an upscaler model enlarges the pixels. */
  upscaler: z.union([z.literal('latent'), modelRefSchema]),
  denoisingStrength: z.number().min(0).max(1),
  steps: z.int().min(1).max(1000).optional(),
});

const dimension = z.int().min(64).max(16384).multipleOf(8, 'sizes are multiples of 8');

const common = {
  checkpoint: modelRefSchema,
  vae: modelRefSchema.optional(),
  prompt: z.string().max(100_000),
  negativePrompt: z.string().max(100_000).default(''),
  loras: z.array(loraUseSchema).max(64).default([]),
  embeddings: z.array(modelRefSchema).max(256).default([]),
  controls: z.array(controlUseSchema).max(8).default([]),
  sampler: samplerSchema.default('euler'),
  schedule: scheduleSchema.default('normal'),
  steps: z.int().min(1).max(1000).default(20),
  guidanceScale: z.number().min(0).max(100).default(7),
  /** 64-bit seed as a decimal string. */
  seed: z.string().regex(/^\d{1,20}$/, 'a seed is a whole number from 0 to 2^64-1'),
  /** `cpu`: torch's CPU generator (ComfyUI, diffusers). `nv`: Philox (A1111's default). */
  rng: z.enum(['cpu', 'nv']).default('cpu'),
  /** `batch`: all pictures from one draw (ComfyUI). `increment`: picture i is drawn from seed + i (A1111). */
  batchSeeds: z.enum(['batch', 'increment']).default('increment'),
  width: dimension,
  height: dimension,
  batch: z.int().min(1).max(64).default(1),
  /** 1 = last layer of the text encoder. */
  clipSkip: z.int().min(1).max(12).default(1),
  /** Whose rules turn "(word:1.2)" into conditioning. */
  emphasis: z.enum(['comfy', 'a1111']).default('comfy'),
  secondPass: secondPassSchema.optional(),
  speed: z.enum(SPEEDS).default('exact'),
  /** Shortcuts other than those of `speed`. */
  shortcuts: shortcutsSchema.partial().optional(),
};

export const STEP_RULES = ['comfy', 'diffusers', 'a1111'] as const;

/**
 * Whose steps are walked. With a denoising strength: ComfyUI runs `steps` of steps/strength, diffusers and A1111 run
 * steps × strength. At any strength: by diffusers' rule `ddim` and `pndm` end at the model's smallest sigma, not at 0.
 */
const stepRuleSchema = z.enum(STEP_RULES);
const stepRule = stepRuleSchema.default('diffusers');

export const textToImageSchema = z.object({
  kind: z.literal('text-to-image'),
  ...common,
  /** Of the first pass; the second one, which has a strength, follows diffusers. */
  stepRule: stepRuleSchema.default('comfy'),
});
export const imageToImageSchema = z.object({
  kind: z.literal('image-to-image'),
  ...common,
  initImage: imageRefSchema,
  /** 0 gives the picture back, 1 is text-to-image. */
  denoisingStrength: z.number().min(0).max(1),
  stepRule,
});
export const inpaintSchema = z.object({
  kind: z.literal('inpaint'),
  ...common,
  initImage: imageRefSchema,
  /** Grey picture: white (1) = repaint, black (0) = keep. Soft values blend. */
  mask: imageRefSchema,
  denoisingStrength: z.number().min(0).max(1),
  stepRule,
  /** Radius in pixels, after growing. */
  maskBlur: z.number().min(0).max(256).default(4),
  maskGrow: z.number().min(-256).max(256).default(0),
  maskedContent: z.enum(['original', 'fill', 'latent noise', 'latent nothing']).default('original'),
  /** `only masked`: crop to the mask plus padding, work at width × height, paste back. */
  inpaintArea: z.enum(['whole picture', 'only masked']).default('whole picture'),
  maskedPadding: z.int().min(0).max(1024).default(32),
});

export const generationRequestSchema = z.discriminatedUnion('kind', [
  textToImageSchema,
  imageToImageSchema,
  inpaintSchema,
]);
/** A complete request with every default filled in. */
export type GenerationRequest = z.infer<typeof generationRequestSchema>;
export type InpaintRequest = z.infer<typeof inpaintSchema>;

/** Enlarging a picture with an upscaler model; separate because nothing of the diffusion settings applies. */
export const upscaleRequestSchema = z.object({
  kind: z.literal('upscale'),
  image: imageRefSchema,
  upscaler: modelRefSchema,
  /** Final scale; the model's own scale is corrected by resampling when it differs. */
  scale: z.number().min(1).max(16).optional(),
  tile: z.int().min(64).max(2048).default(256),
});
export type UpscaleRequest = z.infer<typeof upscaleRequestSchema>;
