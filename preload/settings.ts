/** The user's settings: validated as a whole, changed in parts. */
import { z } from 'zod';

export const DEVICES = ['cpu', 'webgpu', 'dml', 'coreml', 'cuda'] as const;

export const settingsSchema = z.object({
  language: z.enum(['system', 'en', 'zh-CN']).default('system'),
  theme: z.enum(['dark', 'light', 'high-contrast', 'system']).default('dark'),
  device: z.enum(['auto', ...DEVICES]).default('auto'),
  memory: z.enum(['auto', 'normal', 'cached', 'low']).default('auto'),
  /** 0 = one per core. */
  threads: z.int().min(0).max(256).default(0),
  previews: z.boolean().default(true),
  /** Shut: no request leaves the machine, not even asked for. */
  networkLocked: z.boolean().default(false),
  embedMetadata: z.enum(['all', 'prompt', 'none']).default('all'),
  /** Finished jobs kept in the queue list. */
  keepFinishedJobs: z.int().min(0).max(10_000).default(100),
  /** Compute embeddings for the search by meaning while idle. */
  indexMeaning: z.boolean().default(true),
  /** Hash model files in the background. */
  hashModels: z.boolean().default(true),
  /** The window's own state (panel sizes, last draft of the request), JSON by key. */
  window: z.record(z.string().max(100), z.json()).default({}),
});
export type Settings = z.infer<typeof settingsSchema>;

/** Without defaults: only the given keys change; `window` keys are merged, null removes one. */
export const settingsPatchSchema = z
  .object({
    language: settingsSchema.shape.language.unwrap(),
    theme: settingsSchema.shape.theme.unwrap(),
    device: settingsSchema.shape.device.unwrap(),
    memory: settingsSchema.shape.memory.unwrap(),
    threads: settingsSchema.shape.threads.unwrap(),
    previews: z.boolean(),
    networkLocked: z.boolean(),
    embedMetadata: settingsSchema.shape.embedMetadata.unwrap(),
    keepFinishedJobs: settingsSchema.shape.keepFinishedJobs.unwrap(),
    indexMeaning: z.boolean(),
    hashModels: z.boolean(),
    window: settingsSchema.shape.window.unwrap(),
  })
  .partial();
export type SettingsPatch = z.infer<typeof settingsPatchSchema>;
