/** What a LoRA training run depends on: with the same request the same file comes out. */
import { z } from 'zod';
import { modelRefSchema } from './request.ts';

export const LORA_TARGETS = ['cross-attention', 'attention', 'feed-forward', 'text-encoder'] as const;

export const loraTrainingRequestSchema = z.object({
  kind: z.literal('train-lora'),
  checkpoint: modelRefSchema,
  /** Name of the LoRA; also its file name. */
  name: z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N} _.-]{0,99}$/u, 'letters, digits, spaces, _ . - only'),
  triggerWord: z.string().max(100).default(''),
  /** Picture and caption; an empty caption becomes the trigger word. */
  pictures: z
    .array(z.object({ path: z.string().min(1), caption: z.string().max(2000).default('') }))
    .min(1)
    .max(1000),
  outputDir: z.string().min(1),
  rank: z.int().min(1).max(256).default(8),
  alpha: z.number().positive().max(1024).default(8),
  targets: z.array(z.enum(LORA_TARGETS)).min(1).default(['cross-attention']),
  resolution: z.int().min(64).max(2048).multipleOf(64).default(512),
  steps: z.int().min(1).max(100_000).default(500),
  batch: z.int().min(1).max(64).default(1),
  learningRate: z.number().positive().max(1).default(1e-4),
  warmupSteps: z.int().min(0).default(0),
  schedule: z.enum(['constant', 'cosine', 'linear']).default('cosine'),
  weightDecay: z.number().min(0).max(1).default(0.01),
  minSnrGamma: z.number().min(0).max(100).default(5),
  noiseOffset: z.number().min(0).max(1).default(0),
  flip: z.boolean().default(false),
  repeats: z.int().min(1).max(1000).default(1),
  captionDropout: z.number().min(0).max(1).default(0),
  seed: z
    .string()
    .regex(/^\d{1,20}$/)
    .default('0'),
  /** A sample picture every n steps; 0 = none. */
  sampleEvery: z.int().min(0).default(0),
  samplePrompt: z.string().max(2000).default(''),
  saveEvery: z.int().min(1).default(50),
});
export type LoraTrainingRequest = z.infer<typeof loraTrainingRequestSchema>;
