/** ControlNets as a wrapper around the network: when each acts, how strongly, and the sum of what they add. */
import type { Evaluate, Evaluation } from './evaluation.ts';
import type { ControlInput, ControlResiduals } from './model.ts';
import type { ModelSigmas } from './sigmas/modelSigmas.ts';
import type { Tensor } from './tensor.ts';

/** Which has the last word where prompt and control disagree (A1111's control modes). */
export type ControlPriority = 'balanced' | 'prompt' | 'control';

/** One ControlNet of a request, with its hint image ready. */
export interface ActiveControl {
  /** [1, 3, 8h, 8w], 0–1. */
  readonly hint: Tensor;
  readonly weight: number;
  /** Part of the way from noise to picture in which it acts, 0–1 each (ComfyUI's percents). */
  readonly startFraction: number;
  readonly endFraction: number;
  readonly priority: ControlPriority;
}

/** Kept of a residual per block of distance from the middle (cldm's guess mode; A1111's soft weights). */
const SOFT_WEIGHT = 0.825;

/** `evaluate` with the residuals of every ControlNet that acts at the evaluation's sigma. */
export function withControl(
  evaluate: Evaluate,
  control: (input: ControlInput) => Promise<ControlResiduals>,
  controls: readonly ActiveControl[],
  sigmas: ModelSigmas,
): Evaluate {
  if (controls.length === 0) return evaluate;
  const ranges = controls.map((item) => ({
    from: sigmas.sigmaAtFraction(item.startFraction),
    to: sigmas.sigmaAtFraction(item.endFraction),
  }));
  return async (evaluation) => {
    // The outer blocks take up the residual of the step whose deep features they are given.
    if (typeof evaluation.deep === 'object') return evaluate(evaluation);
    const sums: Tensor[] = [];
    for (const [index, item] of controls.entries()) {
      const { from, to } = ranges[index]!;
      if (item.weight === 0 || evaluation.sigma > from || evaluation.sigma < to) continue;
      const { residuals: _none, deep: _kept, ...input } = evaluation;
      const residuals = await control({ ...input, control: index, hint: item.hint });
      addWeighted(sums, residuals, weights(item, residuals, evaluation));
    }
    if (sums.length === 0) return evaluate(evaluation);
    const residuals = { skips: sums.slice(0, -1), middle: sums.at(-1)! };
    const { deep, ...prediction } = await evaluate({ ...evaluation, residuals });
    return deep ? { ...prediction, deep: { ...deep, residual: sums[0]! } } : prediction;
  };
}

/** What each residual is multiplied by, for each block of rows: `[residual][side]`. */
function weights(
  { weight, priority }: ActiveControl,
  { skips }: ControlResiduals,
  { sides }: Evaluation,
): number[][] {
  return Array.from({ length: skips.length + 1 }, (_, depth) => {
    const softened = weight * SOFT_WEIGHT ** (skips.length - depth);
    return sides.map((side) => {
      if (priority === 'balanced') return weight;
      // Control first: the negative prompt is left without control, so that guidance pushes towards the hint.
      if (priority === 'control' && side === 'negative') return 0;
      return softened;
    });
  });
}

/** sums[i] += residual i, each block of rows by its weight. */
function addWeighted(sums: Tensor[], { skips, middle }: ControlResiduals, shares: readonly number[][]): void {
  for (const [index, { data, shape }] of [...skips, middle].entries()) {
    sums[index] ??= { data: new Float32Array(data.length), shape };
    const target = sums[index].data;
    const rows = data.length / shares[index]!.length;
    for (const [side, share] of shares[index]!.entries())
      for (let i = side * rows; i < (side + 1) * rows; i++) target[i]! += data[i]! * share;
  }
}
