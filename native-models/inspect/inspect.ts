/** Everything there is to say about a weights file without running it, and what is wrong with it. */
import type {
  ClipTextConfig,
  ControlNetConfig,
  EsrganConfig,
  PredictionType,
  UnetConfig,
  VaeConfig,
} from '../models/configs.ts';
import { canonicalTensors, type Part } from '../weights/keys.ts';
import { openWeights } from '../weights/open.ts';
import { type TensorDtype, WeightsError, type WeightsFile } from '../weights/tensors.ts';
import { TEXT_ENCODERS } from './architecture.ts';
import { controlNetConfig, textEncoderConfigs, unetConfig, vaeConfig } from './config.ts';
import { describeDetection } from './describe.ts';
import { type Detection, detect, type Variant } from './detect.ts';
import type { Base } from './detectLora.ts';
import { type MetadataFacts, metadataFacts } from './metadata.ts';
import type { Overrides } from './overrides.ts';
import { counted, findNonFinite, type Problem, type ShapeList, shapeProblems } from './problems.ts';
import { inferUpscaler } from './upscaler.ts';

/** The configs of the parts that the file has and that could be inferred. */
export interface InspectedConfigs {
  readonly unet?: UnetConfig;
  readonly vae?: VaeConfig;
  readonly textEncoders?: readonly ClipTextConfig[];
  readonly controlNet?: ControlNetConfig;
  readonly upscaler?: EsrganConfig;
}

export interface Inspection {
  readonly path: string;
  readonly type: Detection['type'];
  /** "a checkpoint for SD 1.5" */
  readonly description: string;
  readonly base: Base;
  readonly variant: Variant | null;
  readonly predictionType: PredictionType | null;
  readonly detection: Detection;
  readonly config: InspectedConfigs;
  readonly tensorCount: number;
  /** Tensors per element type. */
  readonly dtypes: Readonly<Partial<Record<TensorDtype, number>>>;
  readonly parameters: number;
  /** Bytes of tensor data. */
  readonly bytes: number;
  readonly metadata: MetadataFacts;
  readonly problems: readonly Problem[];
}

export interface InspectOptions {
  readonly overrides?: Overrides;
  /** What the graphs will ask for: the functions of models/parameters.ts. Without them shapes are not compared. */
  readonly expected?: {
    readonly unet: (config: UnetConfig) => ShapeList;
    readonly vae: (config: VaeConfig) => ShapeList;
    readonly clipText: (config: ClipTextConfig) => ShapeList;
  };
  /** Read all weights and look for NaN and infinity. */
  readonly deep?: boolean;
  readonly signal?: AbortSignal;
  /** During a deep inspection, after each piece read. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** Throws WeightsError when the file cannot be opened at all; what is wrong inside becomes a problem of the report. */
export async function inspectWeights(path: string, options: InspectOptions = {}): Promise<Inspection> {
  const file = openWeights(path);
  const problems: Problem[] = [];
  const detection = detectOrReport(file, problems);
  const config = inferConfigs(file, detection, options, problems);
  problems.push(...skippedProblems(file), ...partProblems(file, detection, config, options));
  if (options.deep) problems.push(...(await findNonFinite(file, options)));
  return {
    path,
    type: detection.type,
    description: describeDetection(detection),
    base: 'base' in detection ? detection.base : 'unknown',
    variant: 'variant' in detection ? detection.variant : null,
    predictionType: 'predictionType' in detection ? detection.predictionType : null,
    detection,
    config,
    ...totals(file),
    metadata: metadataFacts(file.metadata),
    problems,
  };
}

function totals(file: WeightsFile): Pick<Inspection, 'tensorCount' | 'dtypes' | 'parameters' | 'bytes'> {
  const dtypes: Partial<Record<TensorDtype, number>> = {};
  let parameters = 0;
  let bytes = 0;
  for (const { dtype, shape, byteLength } of file.tensors.values()) {
    dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
    parameters += shape.reduce((product, dim) => product * dim, 1);
    bytes += byteLength;
  }
  return { tensorCount: file.tensors.size, dtypes, parameters, bytes };
}

function detectOrReport(file: WeightsFile, problems: Problem[]): Detection {
  return (
    attempt(() => detect(file), problems) ?? { type: 'unknown', names: [...file.tensors.keys().take(5)] }
  );
}

/** Runs an inference; a WeightsError becomes a problem and the result is undefined. */
function attempt<T>(infer: () => T, problems: Problem[]): T | undefined {
  try {
    return infer();
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    problems.push({ code: 'config', message: error.message });
    return undefined;
  }
}

/** Parts are inferred each on their own, so that a broken VAE does not hide the U-Net. */
function inferConfigs(
  file: WeightsFile,
  detection: Detection,
  { overrides }: InspectOptions,
  problems: Problem[],
): InspectedConfigs {
  const part = <K extends keyof InspectedConfigs>(
    name: K,
    infer: () => NonNullable<InspectedConfigs[K]>,
  ): Pick<InspectedConfigs, K> => {
    const config = attempt(infer, problems);
    return (config === undefined ? {} : { [name]: config }) as Pick<InspectedConfigs, K>;
  };
  switch (detection.type) {
    case 'checkpoint':
      return {
        ...part('unet', () => unetConfig(file, overrides)),
        ...part('vae', () => vaeConfig(file, detection.base, overrides)),
        ...part('textEncoders', () => textEncoderConfigs(file, detection.base, overrides)),
      };
    case 'unet':
      return part('unet', () => unetConfig(file, overrides));
    case 'controlnet':
      return part('controlNet', () => controlNetConfig(file, overrides));
    case 'vae':
      return part('vae', () => vaeConfig(file, detection.base === 'sdxl' ? 'sdxl' : 'sd15', overrides));
    case 'upscaler':
      return part('upscaler', () => inferUpscaler(canonicalTensors(file, 'upscaler'), file.path));
    default:
      return {};
  }
}

function skippedProblems({ skipped = new Map() }: WeightsFile): Problem[] {
  const [first] = skipped;
  if (!first) return [];
  const [name, reason] = first;
  return [{ code: 'skipped-tensors', message: `${counted(skipped.size)} left out: "${name}" ${reason}.` }];
}

function partProblems(
  file: WeightsFile,
  detection: Detection,
  config: InspectedConfigs,
  { expected }: InspectOptions,
): Problem[] {
  if (!expected) return [];
  const compare = (part: Part, what: string, shapes: ShapeList): Problem[] =>
    shapeProblems(canonicalTensors(file, part), what, shapes);
  const { unet, vae, textEncoders = [] } = config;
  const textParts = detection.type === 'checkpoint' ? TEXT_ENCODERS[detection.base] : [];
  return [
    ...(unet ? compare('unet', 'the U-Net', expected.unet(unet)) : []),
    ...(vae ? compare('vae', 'the VAE', expected.vae(vae)) : []),
    ...textEncoders.flatMap((encoder, i) =>
      compare(textParts[i]!.part, 'the text encoder', expected.clipText(encoder)),
    ),
  ];
}
