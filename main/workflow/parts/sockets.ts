/** What travels along the links of a workflow: ComfyUI's types, as values of ours. Models are told by file, not held. */
import { z } from 'zod';
import type { LoraChoice } from '../../engine/conditions/loras.ts';
import type { Mask } from '../../images/masks.ts';
import type { Pixels } from '../../images/pixels.ts';
import type { ControlPriority } from '../../pipeline/control.ts';
import type { Tensor } from '../../pipeline/tensor.ts';
import type { PromptEncoding } from '../../pipeline/text/encode.ts';
import type { NodeContext } from './node.ts';

/** A U-Net: the checkpoint it lies in, and the LoRAs on it (their text weights belong to ClipValue). */
export interface ModelValue {
  readonly checkpoint: string;
  readonly loras: readonly LoraChoice[];
}

export interface ClipValue extends ModelValue {
  /** 1 = last layer. */
  readonly clipSkip: number;
}

/** `checkpoint`: the VAE inside that file; `vae`: a file of its own. */
export interface VaeValue {
  readonly kind: 'checkpoint' | 'vae';
  readonly path: string;
}

export interface ControlNetValue {
  readonly path: string;
}

export interface UpscaleModelValue {
  readonly path: string;
}

export interface LatentValue {
  /** [B, C, h, w] × scalingFactor. */
  readonly samples: Tensor;
  readonly scalingFactor: number;
  /** 1 = repaint, of any size; brought to latent size by the sampler. */
  readonly noiseMask?: Mask;
  /** What the masked part starts from, where it is not the latent itself (our own graphs only). */
  readonly maskedContent?: 'latent noise' | 'latent nothing';
}

/** What one prompt says over some steps; the stages of a prompt follow each other. */
export interface ConditioningStage {
  /** Last step it holds for, 1-based. */
  readonly endStep: number;
  readonly encoding: PromptEncoding;
}

export interface ControlUse {
  readonly path: string;
  readonly image: Pixels;
  readonly weight: number;
  readonly startFraction: number;
  readonly endFraction: number;
  readonly priority: ControlPriority;
  /** ComfyUI's ControlNetApply has one output, which acts on the negative prompt too. */
  readonly onBothSides: boolean;
}

export interface ConditioningValue {
  /** Prompt editing shares its texts out over the steps, which only the sampler knows. */
  readonly stages: (
    steps: number,
    context: NodeContext,
  ) => readonly ConditioningStage[] | Promise<readonly ConditioningStage[]>;
  readonly controls: readonly ControlUse[];
  /** What inpaint models read besides the latent: [1, 5, h, w]. */
  readonly extraChannels?: Tensor;
}

export interface SocketValues {
  readonly MODEL: ModelValue;
  readonly CLIP: ClipValue;
  readonly VAE: VaeValue;
  readonly CONDITIONING: ConditioningValue;
  readonly LATENT: LatentValue;
  /** Pictures of one size; 8 bits a channel between nodes. Alpha is kept where a file has one; networks see the colours. */
  readonly IMAGE: readonly Pixels[];
  readonly MASK: Mask;
  readonly CONTROL_NET: ControlNetValue;
  readonly UPSCALE_MODEL: UpscaleModelValue;
}
export type SocketType = keyof SocketValues;

/** A value on its way from an output to an input. While a graph is only checked, `value` is not there yet. */
export class Wire<T extends SocketType = SocketType> {
  readonly type: T;
  readonly value: SocketValues[T] | undefined;
  constructor(type: T, value?: SocketValues[T]) {
    this.type = type;
    this.value = value;
  }
}

/** An input that must be linked to an output of `type`. */
export function socket<T extends SocketType>(type: T) {
  return z
    .custom<Wire<T>>((value) => value instanceof Wire && value.type === type, {
      error: ({ input }) =>
        `needs a ${type}${input instanceof Wire ? `, but is linked to a ${input.type}` : ''}`,
    })
    .transform((wire) => wire.value as SocketValues[T]);
}

/** Python reads "20", 20.0 and 20 alike; so does this. */
export function integer(min: number, max: number) {
  return z.preprocess(numeric, z.number()).transform(Math.trunc).pipe(z.int().min(min).max(max));
}

/** A number, or a text that is one. */
export function decimal(min: number, max: number) {
  return z.preprocess(numeric, z.number().min(min).max(max));
}

/** 64 bits, which no JSON number of JavaScript's holds. */
export const seedSchema = z.preprocess(
  (value) => (typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : value),
  z
    .string()
    .regex(/^\d{1,20}$/, 'must be a whole number from 0 to 2^64-1')
    .transform((digits) => BigInt.asUintN(64, BigInt(digits))),
);

/** ComfyUI's limit for text is none; this one is far beyond any prompt. */
export const textSchema = z.string().max(100_000);

function numeric(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
}
