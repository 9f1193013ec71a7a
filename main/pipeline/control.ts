/** ControlNets and T2I-Adapters as a wrapper around the network: when each acts, how strongly, and the sum of what they add. */
import type { Evaluate, Evaluation } from './evaluation.ts';
import type { ControlInput, ControlResiduals } from './model.ts';
import type { ModelSigmas } from './sigmas/modelSigmas.ts';
import type { Tensor } from './tensor.ts';

/** Which has the last word where prompt and control disagree (A1111's control modes). */
export type ControlPriority = 'balanced' | 'prompt' | 'control';

/** One ControlNet or T2I-Adapter of a request, with its hint image ready. */
export interface ActiveControl {
  /** [1, 3, 8h, 8w], 0–1. */
  readonly hint: Tensor;
  readonly weight: number;
  /** Part of the way from noise to picture in which it acts, 0–1 each (ComfyUI's percents). */
  readonly startFraction: number;
  readonly endFraction: number;
  readonly priority: ControlPriority;
}

/** Arithmetic on residuals, which may lie where the network runs and not here. */
export interface ResidualMix {
  /** sum + residual, each block of rows of it times its share. Neither is written to; the sum may be left out. */
  add(sum: Tensor | undefined, residual: Tensor, shares: readonly number[]): Promise<Tensor>;
  /** What was made since the last time is not needed any more. */
  done(): void;
}

/** On the numbers themselves. */
export const PLAIN_MIX: ResidualMix = {
  add: async (sum, residual, shares) => {
    if (!sum && shares.every((share) => share === 1)) return residual;
    return weightedSum(sum, residual, shares);
  },
  done: () => undefined,
};

/** Kept of a residual per block of distance from the middle (cldm's guess mode; A1111's soft weights). */
const SOFT_WEIGHT = 0.825;
/** A1111's soft weights of a T2I-Adapter's features, the largest first. */
const SOFT_FEATURES = [0.25, 0.62, 0.825, 1] as const;

/** `evaluate` with the residuals of every control that acts at the evaluation's sigma. */
export function withControl(
  evaluate: Evaluate,
  control: (input: ControlInput) => Promise<ControlResiduals>,
  controls: readonly ActiveControl[],
  sigmas: ModelSigmas,
  mix: ResidualMix = PLAIN_MIX,
): Evaluate {
  if (controls.length === 0) return evaluate;
  const ranges = controls.map((item) => ({
    from: sigmas.sigmaAtFraction(item.startFraction),
    to: sigmas.sigmaAtFraction(item.endFraction),
  }));
  return async (evaluation) => {
    // The outer blocks take up the residual of the step whose deep features they are given.
    if (typeof evaluation.deep === 'object') return evaluate(evaluation);
    const sums: Sums = { skips: [], middle: [], features: [] };
    for (const [index, item] of controls.entries()) {
      const { from, to } = ranges[index]!;
      if (item.weight === 0 || evaluation.sigma > from || evaluation.sigma < to) continue;
      const { residuals: _none, deep: _kept, ...input } = evaluation;
      const residuals = await control({ ...input, control: index, hint: item.hint });
      await addAll(mix, sums, residuals, (softness) => shares(item, softness, evaluation));
    }
    const {
      skips,
      features,
      middle: [middle],
    } = sums;
    if (skips.length === 0 && features.length === 0) return evaluate(evaluation);
    const residuals = { skips, features, ...(middle && { middle }) };
    const { deep, ...prediction } = await evaluate({ ...evaluation, residuals }).finally(mix.done);
    if (!deep) return prediction;
    return { ...prediction, deep: { ...deep, ...(skips[0] && { residual: skips[0] }) } };
  };
}

/** Weighted sums of what the controls add; `middle` holds at most one. */
type Sums = Record<'skips' | 'middle' | 'features', Tensor[]>;

/** `sharesAt` gives the shares of the blocks of rows for a softness, 0–1. */
async function addAll(
  mix: ResidualMix,
  sums: Sums,
  { skips, middle, features = [] }: ControlResiduals,
  sharesAt: (softness: number) => readonly number[],
): Promise<void> {
  const addTo = async (to: Tensor[], index: number, residual: Tensor, softness: number): Promise<void> => {
    to[index] = await mix.add(to[index], residual, sharesAt(softness));
  };
  for (const [index, skip] of skips.entries())
    await addTo(sums.skips, index, skip, SOFT_WEIGHT ** (skips.length - index));
  for (const [index, feature] of features.entries())
    await addTo(sums.features, index, feature, SOFT_FEATURES[index] ?? 1);
  if (middle) await addTo(sums.middle, 0, middle, 1);
}

/** What a residual is multiplied by, for each block of rows; `softness` counts where one side has priority. */
function shares({ weight, priority }: ActiveControl, softness: number, { sides }: Evaluation): number[] {
  return sides.map((side) => {
    if (priority === 'balanced') return weight;
    // Control first: the negative prompt is left without control, so that guidance pushes towards the hint.
    return priority === 'control' && side === 'negative' ? 0 : weight * softness;
  });
}

function weightedSum(sum: Tensor | undefined, { data, shape }: Tensor, rowShares: readonly number[]): Tensor {
  const result = sum ? sum.data.slice() : new Float32Array(data.length);
  const rows = data.length / rowShares.length;
  for (const [side, share] of rowShares.entries())
    for (let i = side * rows; i < (side + 1) * rows; i++) result[i]! += data[i]! * share;
  return { data: result, shape };
}
