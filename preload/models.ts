/** Model cards, folders, downloads: what the library tells the window about weights files. */
import { z } from 'zod';
import { studioErrorSchema } from './errors.ts';
import { imageRefSchema, modelRefSchema, samplerSchema, scheduleSchema } from './request.ts';

// biome-ignore format: one table, read across
export const MODEL_TYPES = [
  'checkpoint', 'lora', 'controlnet', 'vae', 'embedding', 'upscaler', 'text-encoder', 'image-encoder', 'unet', 'taesd', 't2i-adapter', 'ip-adapter', 'unknown',
] as const;
export const MODEL_BASES = ['sd15', 'sd21', 'sdxl', 'sdxl-refiner', 'other', 'unknown'] as const;
export const modelTypeSchema = z.enum(MODEL_TYPES);
export const modelBaseSchema = z.enum(MODEL_BASES);
export type ModelType = z.infer<typeof modelTypeSchema>;
export type ModelBase = z.infer<typeof modelBaseSchema>;

/** `ready`: usable. `broken`: unreadable, see reason. `missing`: its file is gone. `unsupported`: known but not runnable here. */
export const modelStateSchema = z.enum(['ready', 'broken', 'missing', 'unsupported']);

export const modelDefaultsSchema = z.object({
  weight: z.number().min(-4).max(4).optional(),
  clipSkip: z.int().min(1).max(12).optional(),
  steps: z.int().min(1).max(1000).optional(),
  guidanceScale: z.number().min(0).max(100).optional(),
  sampler: samplerSchema.optional(),
  schedule: scheduleSchema.optional(),
  width: z.int().min(64).max(16384).optional(),
  height: z.int().min(64).max(16384).optional(),
  negativePrompt: z.string().max(100_000).optional(),
});

export type ModelDefaults = z.infer<typeof modelDefaultsSchema>;

export const modelCardSchema = z.object({
  id: z.int(),
  /** Goes into requests as it is. */
  ref: modelRefSchema,
  /** Shown name; the user may change it. */
  name: z.string(),
  fileName: z.string(),
  path: z.string(),
  folderId: z.int(),
  type: modelTypeSchema,
  base: modelBaseSchema,
  /** `normal` | `inpaint` | `instruct-pix2pix` | `depth` | free text of the detector. */
  variant: z.string(),
  predictionType: z.enum(['eps', 'v', 'unknown']),
  dtype: z.string(),
  bytes: z.number(),
  modified: z.number(),
  state: modelStateSchema,
  /** Why it is broken, unsupported or unknown; empty otherwise. */
  reason: z.string(),
  sha256: z.string().nullable(),
  /** First 10 hex of the sha256, and first 12 of the sha256 without header; null until computed in the background. */
  autoV2: z.string().nullable(),
  autoV3: z.string().nullable(),
  triggers: z.array(z.string()),
  /** True where triggers are guessed from training tags rather than stated. */
  triggersGuessed: z.boolean(),
  tags: z.array(z.string()),
  notes: z.string(),
  favourite: z.boolean(),
  defaults: modelDefaultsSchema,
  previewUrl: z.string().nullable(),
  /** How many history pictures used it, and when last (ms). */
  uses: z.int(),
  lastUsed: z.number().nullable(),
});
export type ModelCard = z.infer<typeof modelCardSchema>;

export const modelDetailSchema = modelCardSchema.extend({
  description: z.string(),
  /** `__metadata__` of the file, values cut at 2 000 characters. */
  metadata: z.record(z.string(), z.string()),
  /** Training tags with counts, most frequent first. */
  tagFrequency: z.array(z.object({ tag: z.string(), count: z.int() })),
  tensorCount: z.int(),
  duplicates: z.array(z.int()),
});
export type ModelDetail = z.infer<typeof modelDetailSchema>;

export const modelQuerySchema = z.object({
  text: z.string().max(500).default(''),
  types: z.array(modelTypeSchema).default([]),
  bases: z.array(modelBaseSchema).default([]),
  states: z.array(modelStateSchema).default([]),
  tags: z.array(z.string()).default([]),
  folderId: z.int().optional(),
  /** Only models that work with this checkpoint. */
  fitsCheckpoint: z.int().optional(),
  favourites: z.boolean().default(false),
  sort: z.enum(['name', 'modified', 'used', 'size']).default('name'),
  offset: z.int().min(0).default(0),
  limit: z.int().min(1).max(1000).default(500),
});
export type ModelQuery = z.infer<typeof modelQuerySchema>;

export const modelPatchSchema = z.object({
  name: z.string().min(1).max(300).optional(),
  notes: z.string().max(100_000).optional(),
  tags: z.array(z.string().min(1).max(100)).max(200).optional(),
  triggers: z.array(z.string().min(1).max(500)).max(200).optional(),
  favourite: z.boolean().optional(),
  defaults: modelDefaultsSchema.optional(),
  /** The user knows better than the detector. */
  type: modelTypeSchema.optional(),
  base: modelBaseSchema.optional(),
});
export type ModelPatch = z.infer<typeof modelPatchSchema>;
export const modelPreviewSchema = z.union([imageRefSchema, z.object({ pictureId: z.int() }), z.null()]);
export type ModelPreview = z.infer<typeof modelPreviewSchema>;

export const facetSchema = z.object({ value: z.string(), count: z.int() });
export type Facet = z.infer<typeof facetSchema>;
export const modelFacetsSchema = z.object({
  types: z.array(facetSchema),
  bases: z.array(facetSchema),
  states: z.array(facetSchema),
  tags: z.array(facetSchema),
});

/** Copies of weights that the engine makes for speed, and makes again when it needs them: `packed` for faster products. */
export const COPY_KINDS = ['float32', 'packed', 'merged'] as const;
export const copyKindSchema = z.enum(COPY_KINDS);
export type CopyKind = z.infer<typeof copyKindSchema>;

const pictureBytesSchema = z.object({ count: z.int(), bytes: z.number() });
/** Bytes on the disk. */
export const diskUseSchema = z.object({
  /** By model type, largest first; `count` is bytes. */
  models: z.array(facetSchema),
  pictures: pictureBytesSchema,
  /** Deleted pictures that can still be restored. */
  bin: pictureBytesSchema,
  copies: z.array(z.object({ kind: copyKindSchema, bytes: z.number() })),
  /** The program itself, compiled: small, and kept. */
  code: z.number(),
  /** States and samples of training runs. */
  training: z.number(),
  /** Left on the disk of the data folder. */
  free: z.number(),
});
export type DiskUse = z.infer<typeof diskUseSchema>;

export const folderLayoutSchema = z.enum(['plain', 'comfyui', 'a1111']);
export const modelFolderSchema = z.object({
  id: z.int(),
  path: z.string(),
  layout: folderLayoutSchema,
  /** The studio's own folder takes imports and downloads. */
  own: z.boolean(),
  reachable: z.boolean(),
  models: z.int(),
  bytes: z.number(),
});
export type ModelFolder = z.infer<typeof modelFolderSchema>;

export const scanProgressSchema = z.object({
  folderId: z.int(),
  phase: z.enum(['list', 'read', 'hash', 'done']),
  done: z.int(),
  total: z.int(),
  file: z.string(),
});
export type ScanProgress = z.infer<typeof scanProgressSchema>;

/** What a file is before it is taken in. */
export const fileInspectionSchema = z.object({
  path: z.string(),
  type: modelTypeSchema,
  base: modelBaseSchema,
  variant: z.string(),
  /** `broken`: it is refused, and `reason` says why. */
  state: z.enum(['ready', 'broken', 'unsupported']),
  reason: z.string(),
  /** Id of a card that already is this file or has the same contents. */
  known: z.int().nullable(),
  /** Checkpoints in the library that it works with. */
  fits: z.array(z.string()),
});
export type FileInspection = z.infer<typeof fileInspectionSchema>;

export const downloadSchema = z.object({
  id: z.int(),
  source: z.string(),
  fileName: z.string(),
  state: z.enum(['waiting', 'running', 'paused', 'done', 'failed', 'cancelled']),
  bytes: z.number(),
  totalBytes: z.number().nullable(),
  bytesPerSecond: z.number().nullable(),
  modelId: z.int().nullable(),
  error: studioErrorSchema.nullable(),
});
export type Download = z.infer<typeof downloadSchema>;
