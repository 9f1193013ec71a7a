/**
 * What a file says about itself where its tensors cannot: a JSON text in `__metadata__['emulsion.config']`, e.g.
 * {"unet":{"headChannels":32},"vae":{"normGroups":8,"scalingFactor":1},"clip":{"heads":4}}.
 */
import { z } from 'zod';
import type {
  Architecture,
  AttentionHeads,
  ClipTextConfig,
  ClipVisionConfig,
  PredictionType,
  UnetConfig,
  VaeConfig,
} from '../models/configs.ts';
import { WeightsError, type WeightsFile } from '../weights/tensors.ts';

/** Values that win over what is inferred. `textEncoders` is in the order of CheckpointConfig.textEncoders. */
export interface Overrides {
  readonly architecture?: Architecture;
  readonly predictionType?: PredictionType;
  /** Applied to U-Nets and ControlNets alike. */
  readonly unet?: Partial<UnetConfig>;
  readonly vae?: Partial<VaeConfig>;
  readonly textEncoders?: readonly Partial<ClipTextConfig>[];
  readonly clipVision?: Partial<ClipVisionConfig>;
}

export const METADATA_KEY = 'emulsion.config';

/* Keys not listed here are passed over: the tensors tell them, so a file may carry its whole config. */

/** Anything beyond is no model of ours; the bounds keep a hostile file from asking for absurd graphs. */
const positive = z.int().positive().max(100_000);
const count = positive.exactOptional();
const activation = z.enum(['quick_gelu', 'gelu']).exactOptional();
const heads = z.union([z.object({ count: positive }), z.object({ channels: positive })]);

const clipSchema = z.object({
  heads: count,
  activation,
  padding: z.enum(['end', 'zero']).exactOptional(),
  defaultClipSkip: count,
  normalizeHidden: z.boolean().exactOptional(),
});

/** One row per latent channel; numbers beyond a few units would be no colours. */
const colour = z.number().min(-100).max(100);
const colours = z.tuple([colour, colour, colour]);
const latentToRgb = z.object({ matrix: z.array(colours).min(1).max(64), offset: colours });

const schema = z.object({
  architecture: z.enum(['sd15', 'sd21', 'sdxl']).exactOptional(),
  predictionType: z.enum(['eps', 'v']).exactOptional(),
  unet: z
    .object({ heads: heads.exactOptional(), headCount: count, headChannels: count, normGroups: count })
    .exactOptional(),
  vae: z
    .object({
      normGroups: count,
      scalingFactor: z.number().positive().exactOptional(),
      latentToRgb: latentToRgb.exactOptional(),
    })
    .exactOptional(),
  clip: z.union([clipSchema.transform((one) => [one]), z.array(clipSchema).max(2)]).exactOptional(),
  clipVision: z.object({ heads: count, activation }).exactOptional(),
});

/** The overrides that the file carries; none when it has no such metadata. Throws WeightsError on what it cannot read. */
export function fileOverrides(file: WeightsFile): Overrides {
  const text = file.metadata[METADATA_KEY];
  if (text === undefined) return {};
  const { unet, clip, ...rest } = parse(file, text);
  return { ...rest, ...(unet && { unet: unetOverrides(unet) }), ...(clip && { textEncoders: clip }) };
}

/** Both together; `stronger` wins value by value. */
export function combineOverrides(weaker: Overrides, stronger: Overrides): Overrides {
  const encoders = Math.max(weaker.textEncoders?.length ?? 0, stronger.textEncoders?.length ?? 0);
  return {
    ...weaker,
    ...stronger,
    unet: { ...weaker.unet, ...stronger.unet },
    vae: { ...weaker.vae, ...stronger.vae },
    textEncoders: Array.from({ length: encoders }, (_, i) => ({
      ...weaker.textEncoders?.[i],
      ...stronger.textEncoders?.[i],
    })),
    clipVision: { ...weaker.clipVision, ...stronger.clipVision },
  };
}

function parse(file: WeightsFile, text: string): z.infer<typeof schema> {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const problem = `its metadata "${METADATA_KEY}" is wrong at ${['config', ...path].join('.')}: ${message}`;
  throw new WeightsError(file.path, problem, 'Correct or remove that entry');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface StatedUnet {
  readonly heads?: AttentionHeads;
  readonly headCount?: number;
  readonly headChannels?: number;
  readonly normGroups?: number;
}

/** Heads may be stated flat, as in LDM's own configs, or as our configs have them. */
function unetOverrides({ headCount, headChannels, ...rest }: StatedUnet): Partial<UnetConfig> {
  if (headChannels !== undefined) return { ...rest, heads: { channels: headChannels } };
  return headCount === undefined ? rest : { ...rest, heads: { count: headCount } };
}
