/** Which timesteps and sigmas diffusers visits for one of its configurations: the reference's conventions, read from JSON. */
import { betaQuantile } from '../../main/pipeline/numerics/betaQuantile.ts';
import { linspace } from '../../main/pipeline/numerics/polynomials.ts';
import {
  type BetaSchedule,
  betas,
  cumulativeAlphas,
  rescaledToZeroSnr,
} from '../../main/pipeline/sigmas/alphas.ts';

/** The part of a diffusers configuration that the cases use; absent fields have diffusers' defaults. */
export interface DiffusersConfig {
  readonly num_train_timesteps: number;
  readonly beta_start: number;
  readonly beta_end: number;
  readonly beta_schedule: BetaSchedule;
  readonly timestep_spacing?: 'linspace' | 'leading' | 'trailing';
  readonly steps_offset?: number;
  readonly prediction_type?: 'epsilon' | 'v_prediction' | 'sample';
  readonly rescale_betas_zero_snr?: boolean;
  readonly use_karras_sigmas?: boolean;
  readonly use_exponential_sigmas?: boolean;
  readonly use_beta_sigmas?: boolean;
  readonly use_lu_lambdas?: boolean;
  readonly final_sigmas_type?: 'zero' | 'sigma_min';
  readonly set_alpha_to_one?: boolean;
  readonly skip_prk_steps?: boolean;
  readonly clip_sample?: boolean;
  readonly clip_sample_range?: number;
  readonly variance_type?: string;
  readonly solver_order?: number;
  readonly solver_type?: string;
  readonly algorithm_type?: string;
  readonly lower_order_final?: boolean;
  readonly euler_at_final?: boolean;
  readonly original_inference_steps?: number;
}

/** Sigmas to visit, the last one being where the walk ends, and what the model is told at each. */
export interface DiffusersPlan {
  readonly sigmas: Float32Array;
  readonly timestepOf: (sigma: number) => number;
}

/** Stands in for an ᾱ of exactly 0, which has no sigma; far below anything float32 latents can show. */
const SMALLEST_ALPHA = 1e-12;
/** diffusers' own stand-in in its sigma-space solvers. */
const SMALLEST_SOLVER_ALPHA = 2 ** -24;
const KARRAS_RHO = 7;
const BETA_SHAPE = 0.6;

/** Sigma per training timestep, ascending. */
export function sigmaTable(config: DiffusersConfig, smallestAlpha = SMALLEST_ALPHA): Float64Array {
  return trainingAlphas(config).map((alpha) => {
    const kept = Math.max(alpha, smallestAlpha);
    return Math.sqrt((1 - kept) / kept);
  });
}

export function trainingAlphas(config: DiffusersConfig): Float64Array {
  const { beta_start: start, beta_end: end, beta_schedule: schedule, num_train_timesteps: count } = config;
  const alphas = cumulativeAlphas(betas({ schedule, start, end, count }));
  return config.rescale_betas_zero_snr ? rescaledToZeroSnr(alphas) : alphas;
}

/** Euler, Heun, LMS and KDPM2: timesteps may be fractional, other sigma spacings span the range of the timesteps'. */
export function sigmaSpacePlan(config: DiffusersConfig, steps: number): DiffusersPlan {
  const table = sigmaTable(config);
  const { num_train_timesteps: count } = config;
  const spacing = config.timestep_spacing ?? 'linspace';
  const timesteps =
    spacing === 'linspace'
      ? Array.from(linspace(count - 1, 0, steps))
      : spacedTimesteps(config, spacing, steps);
  const plain = timesteps.map((t) => interpolated(table, Math.fround(t)));
  const respaced = respacedSigmas(config, plain[0]!, plain.at(-1)!, steps);
  const told = respaced ? respaced.map((sigma) => fractionalTimestep(table, sigma)) : timesteps;
  return planned(table, respaced ?? plain, told.map(Math.fround), lastSigma(config, table));
}

/** DPM-Solver, UniPC and DEIS: whole timesteps, one more than steps with the last left out. */
export function solverPlan(config: DiffusersConfig, steps: number): DiffusersPlan {
  const table = sigmaTable(config, SMALLEST_SOLVER_ALPHA);
  const { num_train_timesteps: count, steps_offset: offset = 0 } = config;
  const respaced = respacedSigmas(config, table.at(-1)!, table[0]!, steps);
  if (respaced) {
    const toWhole = config.use_karras_sigmas || config.use_lu_lambdas ? rounded : Math.trunc;
    const told = respaced.map((sigma) => toWhole(fractionalTimestep(table, sigma)));
    return planned(table, respaced, told, lastSigma(config, table));
  }
  const stride = Math.floor(count / (steps + 1));
  const timesteps = {
    linspace: () => Array.from(linspace(count - 1, 0, steps + 1).subarray(0, steps), rounded),
    leading: () => Array.from({ length: steps }, (_, i) => (steps - i) * stride + offset),
    trailing: () => spacedTimesteps(config, 'trailing', steps),
  }[config.timestep_spacing ?? 'linspace']();
  return planned(
    table,
    timesteps.map((t) => table[t]!),
    timesteps,
    lastSigma(config, table),
  );
}

/** A plan over whole timesteps that ends at `last`. */
export function timestepPlan(
  config: DiffusersConfig,
  timesteps: readonly number[],
  last: number,
): DiffusersPlan {
  const table = sigmaTable(config);
  return planned(
    table,
    timesteps.map((t) => table[t]!),
    timesteps,
    last,
  );
}

/** Whole timesteps of DDIM, DDPM and PNDM, descending. */
export function wholeTimesteps(config: DiffusersConfig, steps: number): number[] {
  const spacing = config.timestep_spacing ?? 'leading';
  if (spacing !== 'linspace') return spacedTimesteps(config, spacing, steps);
  return Array.from(linspace(config.num_train_timesteps - 1, 0, steps), rounded);
}

/** PNDM's list: with pseudo Runge–Kutta steps each of the first three is start, middle, middle, end; without, see pndm. */
export function pndmTimesteps(config: DiffusersConfig, steps: number): number[] {
  const descending = wholeTimesteps(config, steps);
  if (config.skip_prk_steps) return [descending[0]!, ...descending.slice(1, 2), ...descending.slice(1)];
  const half = Math.floor(Math.floor(config.num_train_timesteps / steps) / 2);
  const starts = descending
    .slice(0, 3)
    .flatMap((t, i) => [t, descending[i + 1]! + half, descending[i + 1]! + half, descending[i + 1]!]);
  return [...starts, ...descending.slice(3)];
}

/** LCM and TCD: every k-th of the distillation timesteps. */
export function distilledTimesteps(config: DiffusersConfig, steps: number): number[] {
  const original = config.original_inference_steps ?? 50;
  const stride = Math.floor(config.num_train_timesteps / original);
  return Array.from(
    { length: steps },
    (_, i) => (original - Math.floor((i * original) / steps)) * stride - 1,
  );
}

function spacedTimesteps(config: DiffusersConfig, spacing: 'leading' | 'trailing', steps: number): number[] {
  const { num_train_timesteps: count, steps_offset: offset = 0 } = config;
  if (spacing === 'leading') {
    return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * Math.floor(count / steps) + offset);
  }
  return Array.from({ length: steps }, (_, i) => rounded(count - (i * count) / steps) - 1);
}

/** Karras, exponential or beta spacing between two sigmas; undefined when the configuration asks for none. */
function respacedSigmas(
  config: DiffusersConfig,
  max: number,
  min: number,
  steps: number,
): number[] | undefined {
  if (config.use_karras_sigmas) {
    const roots = linspace(max ** (1 / KARRAS_RHO), min ** (1 / KARRAS_RHO), steps);
    return Array.from(roots, (root) => root ** KARRAS_RHO);
  }
  if (config.use_exponential_sigmas || config.use_lu_lambdas) {
    return Array.from(linspace(Math.log(max), Math.log(min), steps), Math.exp);
  }
  if (!config.use_beta_sigmas) return undefined;
  return Array.from(
    linspace(1, 0, steps),
    (p) => min + betaQuantile(p, BETA_SHAPE, BETA_SHAPE) * (max - min),
  );
}

function lastSigma(config: DiffusersConfig, table: Float64Array): number {
  return config.final_sigmas_type === 'sigma_min' ? table[0]! : 0;
}

function planned(
  table: Float64Array,
  sigmas: readonly number[],
  told: readonly number[],
  last: number,
): DiffusersPlan {
  const all = Float32Array.of(...sigmas, last);
  const bySigma = new Map(told.map((t, i) => [all[i]!, t]));
  return {
    sigmas: all,
    timestepOf: (sigma) => bySigma.get(Math.fround(sigma)) ?? Math.fround(fractionalTimestep(table, sigma)),
  };
}

/** numpy.interp over whole timesteps. */
function interpolated(table: Float64Array, t: number): number {
  const low = Math.min(Math.floor(t), table.length - 2);
  return table[low]! + (t - low) * (table[low + 1]! - table[low]!);
}

/** Timestep of a sigma, linear in log sigma between the table's, clamped to them. */
function fractionalTimestep(table: Float64Array, sigma: number): number {
  const above = table.findIndex((value) => value > sigma);
  const low = Math.min(Math.max((above < 0 ? table.length : above) - 1, 0), table.length - 2);
  const [from, to] = [Math.log(table[low]!), Math.log(table[low + 1]!)];
  return low + Math.min(1, Math.max(0, (Math.log(sigma) - from) / (to - from)));
}

/** numpy.round: half to even. */
function rounded(value: number): number {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}
