/** Evaluations in parts: a batch whose activations do not fit goes through the network a few rows at a time. */
import { partOfFeatures, partOfRows, stackedFeatures, stackedRows } from '../../pipeline/evaluation.ts';
import type { ControlResiduals, NoisePrediction, NoisePredictionInput } from '../../pipeline/model.ts';
import type { Tensor } from '../../pipeline/tensor.ts';

type Predict = (input: NoisePredictionInput) => Promise<NoisePrediction>;

/** `predict` for at most `rows` rows at once; rows do not see each other, so the result is the same. */
export async function predictInParts(
  predict: Predict,
  input: NoisePredictionInput,
  rows: number,
): Promise<NoisePrediction> {
  const { length } = input.timestep;
  if (length <= rows) return predict(input);
  const parts = Math.ceil(length / rows);
  // Parts are equal; where the rows cannot be shared out, each goes alone.
  const count = length % parts === 0 ? parts : length;
  const outputs: NoisePrediction[] = [];
  for (let index = 0; index < count; index++) outputs.push(await predict(partOfInput(input, index, count)));
  const features = outputs.flatMap(({ deep }) => (deep ? [deep] : []));
  return {
    ...stackedRows(outputs, outputs[0]!.shape[0]!),
    ...(features.length > 0 && { deep: stackedFeatures(features) }),
  };
}

function partOfInput(input: NoisePredictionInput, index: number, count: number): NoisePredictionInput {
  const { latent, timestep, context, y, residuals, deep } = input;
  // One row may stand for all.
  const part = (rows: Tensor): Tensor => (rows.shape[0] === 1 ? rows : partOfRows(rows, index, count));
  const length = timestep.length / count;
  return {
    latent: part(latent),
    timestep: timestep.slice(index * length, (index + 1) * length),
    context: part(context),
    ...(y && { y: part(y) }),
    ...(residuals && { residuals: partOfResiduals(residuals, part) }),
    ...(deep && { deep: deep === 'keep' ? deep : partOfFeatures(deep, index, count) }),
  };
}

function partOfResiduals(
  { skips, middle, features }: ControlResiduals,
  part: (rows: Tensor) => Tensor,
): ControlResiduals {
  return {
    skips: skips.map(part),
    ...(middle && { middle: part(middle) }),
    ...(features && { features: features.map(part) }),
  };
}
