/** Each of diffusers' classes as one of our samplers walking the sigmas of its plan. */
import { deisLogRho, lmsToZero } from '../../main/pipeline/multistep/adams.ts';
import { dpmMultistep } from '../../main/pipeline/multistep/dpmMultistep.ts';
import { pndmRungeKutta, pndmWith } from '../../main/pipeline/multistep/pndm.ts';
import { uniPcWith } from '../../main/pipeline/multistep/uniPc.ts';
import { ddpmWith, lcm, tcdWith } from '../../main/pipeline/samplers/ddpm.ts';
import { dpmpp2s } from '../../main/pipeline/samplers/dpmpp.ts';
import {
  ddim,
  euler,
  eulerAncestral,
  eulerAncestralCfgPlusPlus,
} from '../../main/pipeline/samplers/euler.ts';
import { dpm2, dpm2Ancestral, heun } from '../../main/pipeline/samplers/heun.ts';
import type { Denoise, Sampler, StepNoise } from '../../main/pipeline/samplers/sampler.ts';
import type { Tensor } from '../../main/pipeline/tensor.ts';
import * as plans from './diffusersPlan.ts';
import type { DiffusersRun } from './diffusersRuns.ts';

/** A run ready to go: everything in sigma space. */
export interface DiffusersCourse {
  /** Whether the class itself keeps latents in sigma space (exploding) or divided by √(1+σ²) (preserving). */
  readonly space: 'exploding' | 'preserving';
  readonly startSigma: number;
  readonly endSigma: number;
  /** The whole plan, where the class records one. */
  readonly sigmas?: Float32Array;
  readonly timestepOf: (sigma: number) => number;
  readonly clipsByDefault: boolean;
  readonly run: (denoise: Denoise, start: Tensor, noise: StepNoise) => Promise<Tensor>;
}

type Course = (run: DiffusersRun, startStep: number) => DiffusersCourse;

const COURSES: Readonly<Record<string, Course>> = {
  DDIMScheduler: (run, startStep) => {
    const {
      config,
      step_kwargs: { eta = 0 },
    } = run;
    // With clipping, the noise that is kept is still the one the unclipped prediction implies.
    const sampler: Sampler = (config.clip_sample ?? true) ? eulerAncestralCfgPlusPlus : ddim;
    const last = (config.set_alpha_to_one ?? true) ? 0 : plans.sigmaTable(config)[0]!;
    return stepwise(
      run,
      startStep,
      (denoise, x, sigmas, options) => sampler(denoise, x, sigmas, { ...options, eta }),
      last,
    );
  },
  DDPMScheduler: (run, startStep) =>
    stepwise(
      run,
      startStep,
      ddpmWith(run.config.variance_type === 'fixed_large' ? 'fixed_large' : 'fixed_small'),
      0,
    ),
  PNDMScheduler: ({ config, steps }, startStep) => {
    const last = config.set_alpha_to_one ? 0 : plans.sigmaTable(config)[0]!;
    const quantity = config.prediction_type === 'v_prediction' ? 'velocity' : 'eps';
    const plan = plans.timestepPlan(config, plans.pndmTimesteps(config, steps), last);
    return course(
      plan,
      (config.skip_prk_steps ? pndmWith : pndmRungeKutta)(quantity),
      'preserving',
      startStep,
    );
  },
  LMSDiscreteScheduler: ({ config, steps }, startStep) => {
    const plan = plans.sigmaSpacePlan(config, steps);
    return course(plan, lmsToZero(plan.sigmas.slice(0, startStep)), 'exploding', startStep);
  },
  EulerDiscreteScheduler: sigmaSpace(euler),
  EulerAncestralDiscreteScheduler: sigmaSpace(eulerAncestral),
  HeunDiscreteScheduler: sigmaSpace(heun),
  KDPM2DiscreteScheduler: sigmaSpace(dpm2),
  KDPM2AncestralDiscreteScheduler: sigmaSpace(dpm2Ancestral),
  DPMSolverMultistepScheduler: ({ config, steps }, startStep) =>
    course(plans.solverPlan(config, steps), dpmSolver(config, steps), 'preserving', startStep),
  DPMSolverSinglestepScheduler: ({ config, steps }, startStep) =>
    course(plans.solverPlan(config, steps), dpmpp2s, 'preserving', startStep),
  UniPCMultistepScheduler: ({ config, steps }, startStep) => {
    const variant = config.solver_type === 'bh1' ? 'bh1' : 'bh2';
    const sampler = uniPcWith({ variant, order: config.solver_order ?? 2, lastSigma: 0 });
    return course(plans.solverPlan(config, steps), sampler, 'preserving', startStep);
  },
  DEISMultistepScheduler: ({ config, steps }, startStep) => {
    const plan = plans.solverPlan({ ...config, final_sigmas_type: 'sigma_min' }, steps);
    return course(plan, deisLogRho(orderOf(config), orderLimit(config, steps)), 'preserving', startStep);
  },
  LCMScheduler: ({ config, steps }, startStep) =>
    course(
      plans.timestepPlan(config, plans.distilledTimesteps(config, steps), 0),
      lcm,
      'preserving',
      startStep,
    ),
  TCDScheduler: ({ config, steps, step_kwargs: { eta = 0.3 } }, startStep) => {
    const timesteps = plans.distilledTimesteps(config, steps);
    const table = plans.sigmaTable(config);
    const plan = plans.timestepPlan(config, timesteps, table[0]!);
    const sampler = tcdWith((sigma) => Math.fround(table[Math.floor((1 - eta) * plan.timestepOf(sigma))]!));
    return course(plan, sampler, 'preserving', startStep);
  },
};

/** Whether one of our samplers stands for the run's class; if not, a row is missing above. */
export function hasCourse({ scheduler }: DiffusersRun): boolean {
  return Object.hasOwn(COURSES, scheduler);
}

/** The course of a run that begins at `startStep`. Only for runs with `hasCourse`. */
export function diffusersCourse(run: DiffusersRun, startStep: number): DiffusersCourse {
  return COURSES[run.scheduler]!(run, startStep);
}

function course(
  plan: plans.DiffusersPlan,
  sampler: Sampler,
  space: DiffusersCourse['space'],
  startStep: number,
): DiffusersCourse {
  const walked = plan.sigmas.subarray(startStep);
  return {
    space,
    startSigma: walked[0]!,
    endSigma: walked.at(-1)!,
    sigmas: plan.sigmas,
    timestepOf: plan.timestepOf,
    clipsByDefault: false,
    run: (denoise, start, noise) => sampler(denoise, start, walked, { noise }),
  };
}

function sigmaSpace(sampler: Sampler): Course {
  return ({ config, steps }, startStep) =>
    course(plans.sigmaSpacePlan(config, steps), sampler, 'exploding', startStep);
}

/**
 * Classes whose every step goes from t to t - ⌊T/steps⌋, whatever timestep comes next: the latent is then read, in its
 * variance-preserving form, as if it were at the next one.
 */
function stepwise(
  { config, steps }: DiffusersRun,
  startStep: number,
  sampler: Sampler,
  last: number,
): DiffusersCourse {
  const table = plans.sigmaTable(config);
  const timesteps = plans.wholeTimesteps(config, steps).slice(startStep);
  const stride = Math.floor(config.num_train_timesteps / steps);
  const landings = timesteps.map((t) => (t >= stride ? table[t - stride]! : last));
  const run = async (denoise: Denoise, start: Tensor, noise: StepNoise): Promise<Tensor> => {
    let x = start;
    for (const [i, t] of timesteps.entries()) {
      if (i > 0) x = reread(x, landings[i - 1]!, table[t]!);
      x = await sampler(denoise, x, Float32Array.of(table[t]!, landings[i]!), { noise });
    }
    return x;
  };
  const { timestepOf } = plans.timestepPlan(config, timesteps, last);
  const endSigma = landings.at(-1)!;
  return {
    space: 'preserving',
    startSigma: table[timesteps[0]!]!,
    endSigma,
    timestepOf,
    clipsByDefault: true,
    run,
  };
}

function reread({ data, shape }: Tensor, from: number, to: number): Tensor {
  const scale = Math.sqrt((1 + to ** 2) / (1 + from ** 2));
  return { data: data.map((value) => value * scale), shape };
}

function dpmSolver(config: plans.DiffusersConfig, steps: number): Sampler {
  const { algorithm_type: algorithm = 'dpmsolver++', solver_type: rule } = config;
  return dpmMultistep({
    order: orderOf(config),
    extrapolates: algorithm.endsWith('++') ? 'denoised' : 'eps',
    rule: rule === 'heun' ? 'heun' : 'midpoint',
    eta: algorithm.startsWith('sde') ? 1 : 0,
    orderLimit: orderLimit(config, steps),
  });
}

/** Below 15 steps the order falls towards the end. */
function orderLimit(config: plans.DiffusersConfig, steps: number): (stepsLeft: number) => number {
  const lowers = (config.lower_order_final ?? true) && steps < 15;
  const lastOrder = config.euler_at_final ? 1 : 3;
  return (stepsLeft) => (lowers ? stepsLeft : stepsLeft === 1 ? lastOrder : 3);
}

function orderOf({ solver_order: order = 2 }: plans.DiffusersConfig): 1 | 2 | 3 {
  if (order === 1 || order === 2 || order === 3) return order;
  throw new Error(`solver_order ${order} is not among 1, 2 and 3`);
}
