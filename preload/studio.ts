/** The studio itself: where it runs, on what, and the one stream of everything that changes. */
import { z } from 'zod';
import { studioErrorSchema } from './errors.ts';
import { pictureSchema } from './history.ts';
import { jobProgressSchema, jobSchema } from './jobs.ts';
import { downloadSchema, modelCardSchema, scanProgressSchema } from './models.ts';
import { imageRefSchema } from './request.ts';
import { DEVICES, settingsSchema } from './settings.ts';

/** A trouble or remark not tied to a call: "The database was damaged; it was moved aside and the pictures re-indexed." */
export const noticeSchema = z.object({
  id: z.int(),
  level: z.enum(['info', 'warning', 'error']),
  time: z.number(),
  error: studioErrorSchema,
});
export type Notice = z.infer<typeof noticeSchema>;

export const appInfoSchema = z.object({
  version: z.string(),
  platform: z.string(),
  /** `electron` can open native dialogs and folders; `serve` runs in a browser. */
  shell: z.enum(['electron', 'serve']),
  dataDir: z.string(),
  modelsDir: z.string(),
  cores: z.int(),
  totalMemory: z.number(),
  /** Checkpoint of the starter set, if its files are there. */
  starterCheckpoint: z.int().nullable(),
  notices: z.array(noticeSchema),
});
export type AppInfo = z.infer<typeof appInfoSchema>;

export const deviceReportSchema = z.object({
  name: z.enum(DEVICES),
  usable: z.boolean(),
  /** Why it is not usable, or what was measured. */
  reason: z.string(),
  relativeError: z.number().nullable(),
  gflops: z.number().nullable(),
});
export const devicesSchema = z.object({
  devices: z.array(deviceReportSchema),
  chosen: z.enum(DEVICES),
  /** Why it was chosen. */
  reason: z.string(),
});
export type Devices = z.infer<typeof devicesSchema>;

export const selfTestSchema = z.object({
  checks: z.array(
    z.object({ name: z.string(), passed: z.boolean(), detail: z.string(), milliseconds: z.number() }),
  ),
});

export const memorySchema = z.object({
  /** Bytes: of the machine, and of the engine process (0 while it is not running). */
  total: z.number(),
  free: z.number(),
  engine: z.number(),
});

export const networkEntrySchema = z.object({
  id: z.int(),
  time: z.number(),
  method: z.string(),
  url: z.string(),
  /** Why it was made: `download`, `lookup`. */
  purpose: z.string(),
  outcome: z.string(),
  bytes: z.number(),
});
export type NetworkEntry = z.infer<typeof networkEntrySchema>;

/** A stored picture: what requests name it by, and where the window can see it. */
export const storedImageSchema = z.object({
  image: imageRefSchema,
  width: z.int(),
  height: z.int(),
  url: z.string(),
});
export type StoredImage = z.infer<typeof storedImageSchema>;

export const tokenCountSchema = z.object({
  /** Tokens of the text without start and end marks. */
  count: z.int(),
  /** Each chunk's share of the text as [start, end) in UTF-16 units. */
  chunks: z.array(z.object({ start: z.int(), end: z.int(), tokens: z.int() })),
  /** Tokens of a full chunk: 75. */
  limit: z.int(),
});
export type TokenCount = z.infer<typeof tokenCountSchema>;

/** A preprocessor, built in or of the user's own (`onnx:NAME`), and the numbers it takes; `step` 1 = whole numbers. */
export const preprocessorSchema = z.object({
  name: z.string(),
  options: z.array(
    z.object({ name: z.string(), default: z.number(), min: z.number(), max: z.number(), step: z.number() }),
  ),
});

/** Everything that changes, in order; subscribe first, then list. */
export const studioEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('job'), job: jobSchema }),
  z.object({ type: z.literal('jobs-removed'), ids: z.array(z.int()) }),
  z.object({
    type: z.literal('queue'),
    paused: z.boolean(),
    stopping: z.boolean(),
  }),
  z.object({ type: z.literal('progress'), progress: jobProgressSchema }),
  z.object({ type: z.literal('picture'), picture: pictureSchema }),
  /** Deleted, restored or changed in number: reload the visible page. */
  z.object({ type: z.literal('pictures-changed'), ids: z.array(z.int()) }),
  z.object({ type: z.literal('boards-changed') }),
  z.object({ type: z.literal('model'), model: modelCardSchema }),
  z.object({ type: z.literal('models-changed') }),
  z.object({ type: z.literal('scan'), scan: scanProgressSchema }),
  z.object({ type: z.literal('download'), download: downloadSchema }),
  z.object({ type: z.literal('settings'), settings: settingsSchema }),
  z.object({ type: z.literal('memory'), memory: memorySchema }),
  z.object({ type: z.literal('meaning-index'), indexed: z.int(), total: z.int() }),
  z.object({ type: z.literal('network'), entry: networkEntrySchema }),
  z.object({ type: z.literal('notice'), notice: noticeSchema }),
]);
export type StudioEvent = z.infer<typeof studioEventSchema>;
