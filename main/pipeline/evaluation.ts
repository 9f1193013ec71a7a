/** Evaluations of the network for one or both prompts: rows put together, outputs taken apart. */
import type { DeepFeatures, NoisePrediction, NoisePredictionInput } from './model.ts';
import type { ModelSigmas } from './sigmas/modelSigmas.ts';
import type { Tensor } from './tensor.ts';

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

export type PromptSide = keyof Conditioning;

/** One evaluation of the network: its input, and what wrappers (control, inpaint channels) decide by. */
export interface Evaluation extends NoisePredictionInput {
  readonly sigma: number;
  /** Which prompt each block of B rows belongs to, in the order of the rows. */
  readonly sides: readonly PromptSide[];
}

/** DiffusionModel.predictNoise fits, and so does anything wrapped around it. */
export type Evaluate = (evaluation: Evaluation) => Promise<NoisePrediction>;

/** Something for each prompt that is evaluated. */
export type PerSide<T> = Readonly<Partial<Record<PromptSide, T>>>;

/** What is to be evaluated: for which prompts, and what of their deep features is wanted or given. */
export interface SidesWanted {
  readonly sides: readonly PromptSide[];
  readonly deep?: 'keep' | PerSide<DeepFeatures>;
}

interface Network {
  readonly evaluate: Evaluate;
  readonly conditioning: Conditioning;
  readonly sigmas: ModelSigmas;
}

/** Outputs for `latent` [B, C, h, w], as the network wants it, by prompt. Prompts of equal length go through as one batch. */
export async function evaluateSides(
  network: Network,
  latent: Tensor,
  sigma: number,
  { sides, deep }: SidesWanted,
): Promise<PerSide<NoisePrediction>> {
  const batches = canBatch(network.conditioning) ? [sides] : sides.map((side) => [side]);
  const outputs: [PromptSide, NoisePrediction][] = [];
  for (const batch of batches) {
    const input = evaluationOf(network, latent, sigma, batch);
    const prediction = await network.evaluate(deep ? { ...input, deep: deepOf(deep, batch) } : input);
    for (const [index, side] of batch.entries())
      outputs.push([side, partOf(prediction, index, batch.length)]);
  }
  return Object.fromEntries(outputs);
}

/** Attention over prompts of different length cannot share a batch; running them apart gives the same result. */
function canBatch({ positive, negative }: Conditioning): boolean {
  return positive.embedding.shape[1] === negative.embedding.shape[1] && !positive.y === !negative.y;
}

function evaluationOf(
  { conditioning, sigmas }: Network,
  latent: Tensor,
  sigma: number,
  sides: readonly PromptSide[],
): Evaluation {
  const batch = latent.shape[0]!;
  const prompts = sides.map((side) => conditioning[side]);
  const ys = prompts.flatMap(({ y }) => (y ? [y] : []));
  return {
    latent: stackedRows(
      sides.map(() => latent),
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

function deepOf(deep: NonNullable<SidesWanted['deep']>, sides: readonly PromptSide[]): 'keep' | DeepFeatures {
  return deep === 'keep' ? deep : stackedFeatures(sides.map((side) => deep[side]!));
}

/** Deep features of equal rows, one under another. */
export function stackedFeatures(parts: readonly DeepFeatures[]): DeepFeatures {
  const rows = parts[0]!.feature.shape[0]!;
  const feature = stackedRows(
    parts.map((part) => part.feature),
    rows,
  );
  const residuals = parts.flatMap(({ residual }) => (residual ? [residual] : []));
  // A ControlNet that acts on one prompt alone has nothing to stack; what it added is in the deep features too.
  return residuals.length === parts.length
    ? { feature, residual: stackedRows(residuals, rows) }
    : { feature };
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

/** The `index`-th of `count` equal parts of a tensor's rows, as a view. */
export function partOfRows({ data, shape }: Tensor, index: number, count: number): Tensor {
  return {
    data: data.subarray((index * data.length) / count, ((index + 1) * data.length) / count),
    shape: [shape[0]! / count, ...shape.slice(1)],
  };
}

/** The same of deep features. */
export function partOfFeatures(
  { feature, residual }: DeepFeatures,
  index: number,
  count: number,
): DeepFeatures {
  const part = partOfRows(feature, index, count);
  return residual ? { feature: part, residual: partOfRows(residual, index, count) } : { feature: part };
}

function partOf({ deep, ...output }: NoisePrediction, index: number, count: number): NoisePrediction {
  const part = partOfRows(output, index, count);
  return deep ? { ...part, deep: partOfFeatures(deep, index, count) } : part;
}
