/** Pictures of the history: summaries for the wall, details for one, queries, import and export. */
import { z } from 'zod';
import { studioErrorSchema } from './errors.ts';
import { facetSchema } from './models.ts';
import {
  type GenerationRequest,
  generationRequestSchema,
  type InpaintRequest,
  imageRefSchema,
  modelRefSchema,
  upscaleRequestSchema,
} from './request.ts';

export const pictureKindSchema = z.enum([
  'text-to-image',
  'image-to-image',
  'inpaint',
  'upscale',
  'import',
  'canvas',
]);

export const pictureSchema = z.object({
  id: z.int(),
  kind: pictureKindSchema,
  created: z.number(),
  width: z.int(),
  height: z.int(),
  prompt: z.string(),
  seed: z.string(),
  model: z.string(),
  rating: z.int(),
  deleted: z.boolean(),
  /** What a request takes to use this picture as input. */
  image: imageRefSchema,
  url: z.string(),
  thumbnailUrl: z.string(),
});
export type Picture = z.infer<typeof pictureSchema>;

export const pictureDetailSchema = pictureSchema.extend({
  /** The complete request; null where an imported picture carries none. */
  request: z.union([generationRequestSchema, upscaleRequestSchema]).nullable(),
  /** Index in its batch. */
  batchIndex: z.int(),
  jobId: z.int().nullable(),
  fileName: z.string(),
  /** Where the file lies, for the file manager. */
  path: z.string(),
  bytes: z.number(),
  /** Program that made it: `emulsion`, `a1111`, `comfyui`, `invokeai`, …; empty when the file does not say. */
  source: z.string(),
  /** The settings text as found in or written to the file. */
  parameters: z.string(),
  loras: z.array(z.string()),
  parents: z.array(z.int()),
  children: z.array(z.int()),
  boards: z.array(z.int()),
});
export type PictureDetail = z.infer<typeof pictureDetailSchema>;

const names = z.array(z.string()).max(100).default([]);
export const historyFilterSchema = z.object({
  /** Words that must occur in prompt or negative prompt; prefixes match. */
  text: z.string().max(1000).default(''),
  models: names,
  loras: names,
  samplers: names,
  /** `512x768` each. */
  sizes: names,
  kinds: z.array(pictureKindSchema).default([]),
  from: z.number().optional(),
  to: z.number().optional(),
  minRating: z.int().min(0).max(5).default(0),
  boardId: z.int().optional(),
  /** The bin instead of the wall. */
  deleted: z.boolean().default(false),
});
export type HistoryFilter = z.infer<typeof historyFilterSchema>;

export const historyQuerySchema = historyFilterSchema.extend({
  /** Orders by likeness to a description or to a picture instead of by `sort`. */
  meaning: z.string().max(1000).optional(),
  like: z.int().optional(),
  sort: z.enum(['newest', 'oldest', 'rating']).default('newest'),
  offset: z.int().min(0).default(0),
  limit: z.int().min(1).max(500).default(100),
});
export type HistoryQuery = z.infer<typeof historyQuerySchema>;

export const historyPageSchema = z.object({ items: z.array(pictureSchema), total: z.int() });
export type HistoryPage = z.infer<typeof historyPageSchema>;

export const historyFacetsSchema = z.object({
  models: z.array(facetSchema),
  loras: z.array(facetSchema),
  samplers: z.array(facetSchema),
  sizes: z.array(facetSchema),
  ratings: z.array(facetSchema),
  kinds: z.array(facetSchema),
  /** `2026-11`, newest first. */
  months: z.array(facetSchema),
});
export type HistoryFacets = z.infer<typeof historyFacetsSchema>;

export const boardSchema = z.object({
  id: z.int(),
  name: z.string(),
  pictures: z.int(),
  coverUrl: z.string().nullable(),
});
export type Board = z.infer<typeof boardSchema>;

export const lineageSchema = z.object({
  pictures: z.array(pictureSchema),
  edges: z.array(z.object({ parent: z.int(), child: z.int(), role: z.string() })),
});

export const metadataModeSchema = z.enum(['all', 'prompt', 'none']);
export const exportRequestSchema = z.object({
  ids: z.array(z.int()).min(1).max(10_000),
  format: z.enum(['png', 'jpeg', 'webp']).default('png'),
  metadata: metadataModeSchema.default('all'),
  quality: z.int().min(1).max(100).default(92),
  /** Folder to write to; without it the files come back as URLs to download. */
  directory: z.string().optional(),
});
export type ExportRequest = z.infer<typeof exportRequestSchema>;

export const importProgressSchema = z.object({
  done: z.int(),
  total: z.int(),
  file: z.string(),
  imported: z.int(),
  /** Already in the history. */
  skipped: z.int(),
  failed: z.array(z.object({ file: z.string(), error: studioErrorSchema })),
  /** Models that the pictures name and the library does not have. */
  missingModels: z.array(z.string()),
});
export type ImportProgress = z.infer<typeof importProgressSchema>;

/** Any part of any kind of request; every field that is there is valid (main/images/recall/recall.ts makes them). */
export type PartialRequest = Partial<Omit<InpaintRequest, 'kind'>> & { kind?: GenerationRequest['kind'] };

/** What a picture by any tool says about how it was made. */
export const foundSettingsSchema = z.object({
  /** `emulsion`, `a1111`, `comfyui`, `invokeai`, …; empty when the picture says nothing. */
  source: z.string(),
  /** The settings as text, as they stand in the file. */
  parameters: z.string(),
  request: z.custom<PartialRequest>((value) => typeof value === 'object' && value !== null),
  /** Fields that a request needs and the picture does not tell. */
  incomplete: z.array(z.string()),
  /** Models it names that the library does not have. */
  missing: z.array(modelRefSchema),
  /** Settings that have no counterpart here, one sentence each. */
  notes: z.array(z.string()),
});
export type FoundSettings = z.infer<typeof foundSettingsSchema>;
