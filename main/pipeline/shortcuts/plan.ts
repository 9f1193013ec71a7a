/** Which evaluations a step needs, decided by what earlier ones measured. Pure: what is known goes in and comes out. */
import type { Shortcuts } from '../../../preload/shortcuts.ts';
import type { PerSide, PromptSide } from '../evaluation.ts';
import type { DeepFeatures, NoisePrediction } from '../model.ts';
import type { Tensor } from '../tensor.ts';
import { expectedError, extrapolated, measured, type Track } from './track.ts';

/** Longest run of steps through the outer blocks alone: a ControlNet that begins or ends is noticed after it. */
const LONGEST_RUN = 3;

/** What is known after some steps. */
export interface Knowledge {
  /** Deep features of the U-Net for each prompt, and the last of them as they were. */
  readonly deep: Readonly<Record<PromptSide, { readonly track: Track; readonly last?: DeepFeatures }>>;
  /** Network output for the positive prompt minus that for the negative one, [B, 4, h, w]. */
  readonly difference: Track;
  /** How long the last difference was, as a share of the positive prompt's output. */
  readonly differenceShare: number;
  /** Steps since the whole network was last run. */
  readonly run: number;
}

export const NOTHING_KNOWN: Knowledge = {
  deep: { positive: { track: {} }, negative: { track: {} } },
  difference: {},
  differenceShare: 0,
  run: 0,
};

export interface StepPlan {
  /** What goes through the network. */
  readonly sides: readonly PromptSide[];
  /** Only through its outer blocks, on extrapolated deep features. */
  readonly fromDeep: boolean;
  /** The negative prompt counts and is not evaluated: its difference is extrapolated. */
  readonly fromDifference: boolean;
}

/** A step to be planned: its place on the walk, as samplers and as networks tell it, and its guidance. */
export interface Step {
  readonly sigma: number;
  readonly timestep: number;
  readonly guidanceScale: number;
  /** Whether the negative prompt counts. */
  readonly wantsNegative: boolean;
  /** Whether the sampler reads its prediction besides, as those of CFG++ do, whatever the guidance. */
  readonly readsNegative: boolean;
}

/**
 * The cheapest plan whose expected errors are within the bounds. An error of the network moves the latent by sigma times
 * as much, and early moves decide on the composition: above sigma 1 the bounds are that much narrower.
 */
export function planStep(known: Knowledge, step: Step, { deepBound, negativeBound }: Shortcuts): StepPlan {
  const { timestep, wantsNegative } = step;
  const weight = Math.max(1, step.sigma);
  const isDeepKnown = (side: PromptSide): boolean =>
    known.run < LONGEST_RUN && weight * expectedError(known.deep[side].track, timestep) < deepBound;
  const sides: PromptSide[] = wantsNegative ? ['positive', 'negative'] : ['positive'];
  // Both prompts through the outer blocks cost less than one through all.
  if (sides.every(isDeepKnown)) return { sides, fromDeep: true, fromDifference: false };
  // Guidance multiplies the difference, and with it what it is wrong by; a sampler that reads it takes it as it is.
  const factor = Math.abs(step.guidanceScale - 1) + Number(step.readsNegative);
  const share = factor * known.differenceShare;
  const differenceError = weight * share * expectedError(known.difference, timestep);
  return wantsNegative && differenceError < negativeBound
    ? { sides: ['positive'], fromDeep: isDeepKnown('positive'), fromDifference: true }
    : { sides, fromDeep: false, fromDifference: false };
}

/** Deep features of the prompts of a plan, extrapolated to `at`. */
export function deepFeaturesAt(
  { deep }: Knowledge,
  sides: readonly PromptSide[],
  at: number,
): PerSide<DeepFeatures> {
  const features = sides.map((side): [PromptSide, DeepFeatures] => {
    const { track, last } = deep[side];
    return [side, { ...last!, feature: { data: extrapolated(track, at), shape: last!.feature.shape } }];
  });
  return Object.fromEntries(features);
}

/** The negative prompt's output behind `positive`, by the extrapolated difference. */
export function negativeBehind(positive: Tensor, { difference }: Knowledge, at: number): Tensor {
  return { data: minus(positive.data, extrapolated(difference, at)), shape: positive.shape };
}

/** What is known after a step; only the whole network teaches. */
export function learnt(
  known: Knowledge,
  { fromDeep }: StepPlan,
  { positive, negative }: PerSide<NoisePrediction>,
  at: number,
  { negativeBound }: Shortcuts,
): Knowledge {
  if (fromDeep) return { ...known, run: known.run + 1 };
  const deepAfter = (side: PromptSide, found: DeepFeatures | undefined): Knowledge['deep'][PromptSide] =>
    found
      ? { track: measured(known.deep[side].track, found.feature.data, at), last: found }
      : known.deep[side];
  const deep = {
    positive: deepAfter('positive', positive?.deep),
    negative: deepAfter('negative', negative?.deep),
  };
  if (negativeBound === 0 || !positive || !negative) return { ...known, deep, run: 0 };
  const difference = minus(positive.data, negative.data);
  return {
    deep,
    difference: measured(known.difference, difference, at),
    differenceShare: lengthOf(difference) / lengthOf(positive.data),
    run: 0,
  };
}

function lengthOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

function minus(a: Float32Array, b: Float32Array): Float32Array<ArrayBuffer> {
  const result = new Float32Array(a.length);
  for (let i = 0; i < result.length; i++) result[i] = a[i]! - b[i]!;
  return result;
}
