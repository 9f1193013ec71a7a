/** Jobs, the queue, progress and the memory plan. */
import { z } from 'zod';
import { studioErrorSchema } from './errors.ts';
import { imageToImageSchema, inpaintSchema, textToImageSchema, upscaleRequestSchema } from './request.ts';
import { loraTrainingRequestSchema } from './training.ts';

export const jobRequestSchema = z.discriminatedUnion('kind', [
  textToImageSchema,
  imageToImageSchema,
  inpaintSchema,
  upscaleRequestSchema,
  loraTrainingRequestSchema,
]);
export type JobRequest = z.infer<typeof jobRequestSchema>;

export const JOB_STATES = [
  'queued',
  'running',
  'paused',
  'done',
  'failed',
  'cancelled',
  'interrupted',
] as const;
export const jobStateSchema = z.enum(JOB_STATES);
export type JobState = z.infer<typeof jobStateSchema>;

/** Where on a canvas the result belongs; kept so that candidates find their place after a restart. */
export const jobTargetSchema = z.object({
  projectId: z.int(),
  frame: z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }),
});

export const jobSchema = z.object({
  id: z.int(),
  request: jobRequestSchema,
  state: jobStateSchema,
  /** Order among queued jobs, ascending. */
  position: z.number(),
  created: z.number(),
  started: z.number().nullable(),
  finished: z.number().nullable(),
  /** Crashes in a row; the second one fails the job. */
  crashes: z.int(),
  error: studioErrorSchema.nullable(),
  /** History ids of the finished pictures, in batch order. */
  pictures: z.array(z.int()),
  /** "applied 192 of 192 tensors" and other remarks. */
  notes: z.array(z.string()),
  /** Model made by a training job. */
  modelId: z.int().nullable(),
  target: jobTargetSchema.nullable(),
  /** Chosen candidate, 0 when all were discarded, null while undecided. */
  chosen: z.int().nullable(),
});
export type Job = z.infer<typeof jobSchema>;

export const queueSchema = z.object({
  /** Running first, then queued in order, then the most recent finished ones. */
  jobs: z.array(jobSchema),
  /** No further job starts until resumed. */
  paused: z.boolean(),
  /** Stops after the running job. */
  stopping: z.boolean(),
  /** Of all jobs that wait; the running one's are in its progress. Null while any of them was never measured. */
  secondsLeft: z.number().nullable(),
});
export type Queue = z.infer<typeof queueSchema>;

export const previewSchema = z.object({ width: z.int(), height: z.int(), dataUrl: z.string() });

export const jobProgressSchema = z.object({
  jobId: z.int(),
  stage: z.enum([
    'load',
    'encode text',
    'encode image',
    'warm up',
    'denoise',
    'decode',
    'upscale',
    'train',
    'embed',
    'save',
  ]),
  /** Finished units of this stage. */
  step: z.number(),
  steps: z.number(),
  /** 0–1 of the whole job. */
  fraction: z.number(),
  secondsPerStep: z.number().nullable(),
  secondsLeft: z.number().nullable(),
  /** Small picture of the running step: PNG data URL at latent size. */
  preview: previewSchema.nullable(),
  loss: z.number().nullable(),
});
export type JobProgress = z.infer<typeof jobProgressSchema>;

/** One moment of the noise → picture path. */
export const timelineStepSchema = z.object({ step: z.number(), steps: z.number(), preview: previewSchema });

export const planSchema = z.object({
  verdict: z.enum(['fits', 'tiled-vae', 'low-memory', 'too-large']),
  /** "Fits", "Will tile the VAE", "Will not fit: try 768 × 768". */
  message: z.string(),
  neededBytes: z.number(),
  availableBytes: z.number(),
  /** Learnt on this machine; null until a like job was measured. */
  seconds: z.number().nullable(),
  suggestion: z.object({ width: z.int(), height: z.int() }).nullable(),
  /** Steps that will really run ("18 of 30 steps"). */
  stepsRun: z.int(),
  stepsTotal: z.int(),
  /** Models that do not fit each other, missing or changed files. Each blocks Generate when `blocking`. */
  warnings: z.array(z.object({ message: z.string(), hint: z.string(), blocking: z.boolean() })),
});
export type Plan = z.infer<typeof planSchema>;

/** Training as it was so far: enough to draw the loss curve and the samples after a restart. */
export const trainingRunSchema = z.object({
  job: jobSchema,
  losses: z.array(z.object({ step: z.int(), loss: z.number() })),
  samples: z.array(z.object({ step: z.int(), url: z.string() })),
});
