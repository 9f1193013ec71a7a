/** What a model file is, from its header alone; a file that cannot be read is described, never thrown away. */
import { basename } from 'node:path';
import { describeDetection } from '../../native-models/inspect/describe.ts';
import { type Detection, detect } from '../../native-models/inspect/detect.ts';
import { openWeights } from '../../native-models/weights/open.ts';
import { WeightsError, type WeightsFile } from '../../native-models/weights/tensors.ts';
import type { ModelBase, ModelCard, ModelType } from '../../preload/models.ts';

export const MODEL_EXTENSIONS = ['.safetensors', '.sft', '.ckpt', '.pt', '.pth', '.bin'] as const;

/** Everything about a file that does not depend on the user. */
export interface ModelFacts {
  readonly type: ModelType;
  readonly base: ModelBase;
  readonly variant: string;
  readonly prediction: ModelCard['predictionType'];
  readonly dtype: string;
  readonly tensorCount: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly state: 'ready' | 'broken' | 'unsupported';
  readonly reason: string;
}

const NO_FACTS = {
  type: 'unknown',
  base: 'unknown',
  variant: '',
  prediction: 'unknown',
  dtype: '',
  tensorCount: 0,
  metadata: {},
} as const;
const MAX_METADATA_VALUE = 20_000_000;

/** Reads the header, or the pickle of a torch file, of which nothing is run. Takes milliseconds whatever the file's size. */
export function inspectModel(path: string): ModelFacts {
  try {
    const file = openWeights(path);
    return { ...NO_FACTS, ...described(detect(file)), ...measured(file) };
  } catch (error) {
    if (error instanceof WeightsError) return { ...NO_FACTS, state: 'broken', reason: error.message };
    const reason = error instanceof Error ? error.message : String(error);
    return { ...NO_FACTS, state: 'broken', reason: `${basename(path)}: ${reason}` };
  }
}

type Described = Pick<ModelFacts, 'type' | 'state' | 'reason'> & Partial<ModelFacts>;

function described(found: Detection): Described {
  const ready = { state: 'ready', reason: '' } as const;
  switch (found.type) {
    case 'checkpoint':
    case 'unet':
      return {
        ...ready,
        type: found.type,
        base: found.base,
        variant: found.variant,
        prediction: predictionOf(found.predictionType),
      };
    case 'lora':
      return { ...ready, type: 'lora', base: found.base, variant: found.method };
    case 'controlnet': {
      const state = found.kind === 'union' ? unsupported(describeDetection(found)) : ready;
      return { ...state, type: 'controlnet', base: found.base, variant: found.kind };
    }
    case 't2i-adapter': {
      // Chosen and used as a ControlNet is.
      const state = found.kind === 'light' ? unsupported(describeDetection(found)) : ready;
      return { ...state, type: 'controlnet', base: found.base, variant: found.type };
    }
    case 'vae':
    case 'embedding':
      return { ...ready, type: found.type, base: found.base };
    case 'upscaler':
      return { ...ready, type: 'upscaler', base: 'other', variant: found.kind };
    case 'text-encoder':
    case 'image-encoder':
      return { ...ready, type: found.type, variant: `width ${found.width}` };
    case 'taesd':
      return { ...ready, type: 'taesd', base: 'other' };
    case 'control-lora':
    case 'controlnet-lllite':
      return {
        ...unsupported(describeDetection(found)),
        type: 'controlnet',
        base: found.base,
        variant: found.type,
      };
    case 'ip-adapter':
      return { ...unsupported(describeDetection(found)), type: found.type, base: found.base };
    case 'unsupported':
      return { ...unsupported(found.what), type: 'unknown', base: 'other' };
    case 'unknown':
      return {
        ...ready,
        type: 'unknown',
        reason: `No known kind of model; it holds ${found.names.join(', ')}.`,
      };
  }
}

function unsupported(what: string): { state: 'unsupported'; reason: string } {
  return { state: 'unsupported', reason: `This is ${what}, which cannot be used here yet.` };
}

function predictionOf(type: string): ModelCard['predictionType'] {
  return type === 'eps' || type === 'v' ? type : 'unknown';
}

function measured(file: WeightsFile): Pick<ModelFacts, 'dtype' | 'tensorCount' | 'metadata'> {
  const bytes = new Map<string, number>();
  for (const { dtype, byteLength } of file.tensors.values())
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + byteLength);
  const [dtype = ''] = [...bytes].sort((a, b) => b[1] - a[1])[0] ?? [];
  const entries = Object.entries(file.metadata).filter(([, value]) => value.length <= MAX_METADATA_VALUE);
  return { dtype, tensorCount: file.tensors.size, metadata: Object.fromEntries(entries) };
}
