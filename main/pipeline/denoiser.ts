/** From raw network output to denoised(x, sigma): what eps, v and sample models predict, and classifier-free guidance. */
import type { NoisePredictionInput } from './model.ts';
import type { Denoise, Denoised } from './samplers/sampler.ts';
import type { ModelSigmas } from './sigmas/modelSigmas.ts';
import type { Tensor } from './tensor.ts';

/** What the network was trained to say: the noise, the velocity, or the clean latent. */
export type PredictionType = 'epsilon' | 'v_prediction' | 'sample';

/** What one prompt tells the network. */
interface PromptConditioning {
  readonly embedding: Tensor; // [1 or B, T, D]
  /** [1 or B, A] pooled text and size vector (SDXL). */
  readonly y?: Tensor;
}

export interface Conditioning {
  readonly positive: PromptConditioning;
  readonly negative: PromptConditioning;
}

type PromptSide = keyof Conditioning;

/** One evaluation of the network: its input, and what wrappers (control, inpaint channels) decide by. */
export interface Evaluation extends NoisePredictionInput {
  readonly sigma: number;
  /** Which prompt each block of B rows belongs to, in the order of the rows. */
  readonly sides: readonly PromptSide[];
}

/** DiffusionModel.predictNoise fits, and so does anything wrapped around it. */
export type Evaluate = (evaluation: Evaluation) => Promise<Tensor>;

export interface DenoiserOptions {
  readonly evaluate: Evaluate;
  readonly predictionType: PredictionType;
  readonly sigmas: ModelSigmas;
  readonly conditioning: Conditioning;
  readonly guidanceScale: number;
  /** Predict for the negative prompt even where guidance ignores it (CFG++ samplers). */
  readonly alwaysNegative?: boolean;
}

/**
 * denoised(x, sigma) with guidance: negative + scale·(positive - negative) (Ho & Salimans 2022, eq. 6, on denoised).
 * At scale 1 the negative prompt is not evaluated. Prompts of equal length go through the network as one batch.
 */
export function guidedDenoiser(options: DenoiserOptions): Denoise {
  const { guidanceScale, conditioning, alwaysNegative = false } = options;
  const needsNegative = guidanceScale !== 1 || alwaysNegative;
  const batched = canBatch(conditioning);
  return async (x, sigma) => {
    const scaled = networkInput(x, sigma);
    const run = (...sides: PromptSide[]): Promise<Tensor> =>
      options.evaluate(evaluation(options, scaled, sigma, sides));
    if (!needsNegative) return denoisedFrom(x, sigma, await run('positive'), options.predictionType);
    const outputs = batched
      ? halves(await run('positive', 'negative'))
      : [await run('positive'), await run('negative')];
    const [positive, negative] = outputs.map((output) =>
      denoisedFrom(x, sigma, output, options.predictionType),
    );
    return guided(positive!, negative!, guidanceScale);
  };
}

/** x/√(sigma²+1): unit variance, as the network expects it (Karras et al. 2022, c_in for variance-preserving models). */
export function networkInput(x: Tensor, sigma: number): Tensor {
  const scale = 1 / Math.sqrt(sigma ** 2 + 1);
  return { data: x.data.map((value) => value * scale), shape: x.shape };
}

/** Clean latent behind x, from the network's output for networkInput(x, sigma). All shapes alike. */
export function denoisedFrom(
  x: Tensor,
  sigma: number,
  output: Tensor,
  predictionType: PredictionType,
): Tensor {
  const [skip, out] = outputWeights(sigma, predictionType);
  const data = new Float32Array(x.data.length);
  for (let i = 0; i < data.length; i++) data[i] = skip * x.data[i]! + out * output.data[i]!;
  return { data, shape: x.shape };
}

/** denoised = skip·x + out·output; with alpha = 1/√(1+sigma²), v is Salimans & Ho 2022, eq. 11 carried to sigma space. */
function outputWeights(sigma: number, predictionType: PredictionType): readonly [skip: number, out: number] {
  switch (predictionType) {
    case 'epsilon':
      return [1, -sigma];
    case 'v_prediction':
      return [1 / (sigma ** 2 + 1), -sigma / Math.sqrt(sigma ** 2 + 1)];
    case 'sample':
      return [0, 1];
  }
}

function guided(positive: Tensor, negative: Tensor, scale: number): Denoised {
  const data = new Float32Array(positive.data.length);
  for (let i = 0; i < data.length; i++) {
    const base = negative.data[i]!;
    data[i] = base + (positive.data[i]! - base) * scale;
  }
  return { data, shape: positive.shape, negative };
}

/** Attention over prompts of different length cannot share a batch; running them apart gives the same result. */
function canBatch({ positive, negative }: Conditioning): boolean {
  return positive.embedding.shape[1] === negative.embedding.shape[1] && !positive.y === !negative.y;
}

function evaluation(
  { conditioning, sigmas }: DenoiserOptions,
  scaled: Tensor,
  sigma: number,
  sides: readonly PromptSide[],
): Evaluation {
  const batch = scaled.shape[0]!;
  const prompts = sides.map((side) => conditioning[side]);
  const ys = prompts.flatMap(({ y }) => (y ? [y] : []));
  return {
    latent: stackedRows(
      sides.map(() => scaled),
      batch,
    ),
    timestep: new Float32Array(sides.length * batch).fill(sigmas.timestepOf(sigma)),
    context: stackedRows(
      prompts.map(({ embedding }) => embedding),
      batch,
    ),
    ...(ys.length > 0 && { y: stackedRows(ys, batch) }),
    sigma,
    sides,
  };
}

/** Tensors of 1 or `batch` rows one under another, single rows repeated. One tensor that fits is passed through. */
export function stackedRows(parts: readonly Tensor[], batch: number): Tensor {
  const [first] = parts;
  if (parts.length === 1 && first!.shape[0] === batch) return first!;
  const rowSize = first!.data.length / first!.shape[0]!;
  const data = new Float32Array(parts.length * batch * rowSize);
  for (const [p, part] of parts.entries()) {
    for (let row = 0; row < batch; row++) {
      const source = part.shape[0] === 1 ? 0 : row;
      data.set(part.data.subarray(source * rowSize, (source + 1) * rowSize), (p * batch + row) * rowSize);
    }
  }
  return { data, shape: [parts.length * batch, ...first!.shape.slice(1)] };
}

/** The two halves of a batch, as views. */
function halves({ data, shape }: Tensor): [Tensor, Tensor] {
  const half = [shape[0]! / 2, ...shape.slice(1)];
  const middle = data.length / 2;
  return [
    { data: data.subarray(0, middle), shape: half },
    { data: data.subarray(middle), shape: half },
  ];
}
