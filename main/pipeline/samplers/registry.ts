/** Every sampler by name, with what a caller must know to run it: how it wants its noise and its sigmas. */
import { MULTISTEP_SAMPLERS } from '../multistep/registry.ts';
import { ddpm, lcm } from './ddpm.ts';
import { dpmpp2s, dpmpp2sAncestral, resMultistep, resMultistepAncestral } from './dpmpp.ts';
import { dpmAdaptive, dpmFast } from './dpmSolver.ts';
import {
  ddim,
  euler,
  eulerAncestral,
  eulerAncestralCfgPlusPlus,
  eulerCfgPlusPlus,
  gradientEstimation,
} from './euler.ts';
import { dpm2, dpm2Ancestral, heun, heunPlusPlus } from './heun.ts';
import type { SamplerEntry } from './sampler.ts';
import { dpmppSde, erSde, seeds2 } from './sde.ts';

export const SAMPLERS = {
  euler: { sample: euler, noise: 'none' },
  euler_cfg_pp: { sample: eulerCfgPlusPlus, noise: 'none', readsNegative: true },
  euler_ancestral: { sample: eulerAncestral, noise: 'steps' },
  euler_ancestral_cfg_pp: { sample: eulerAncestralCfgPlusPlus, noise: 'steps', readsNegative: true },
  heun: { sample: heun, noise: 'none' },
  heunpp2: { sample: heunPlusPlus, noise: 'none' },
  dpm_2: { sample: dpm2, noise: 'none', discardsPenultimate: true },
  dpm_2_ancestral: { sample: dpm2Ancestral, noise: 'steps', discardsPenultimate: true },
  dpm_fast: { sample: dpmFast, noise: 'none' },
  dpm_adaptive: { sample: dpmAdaptive, noise: 'none' },
  dpmpp_2s: { sample: dpmpp2s, noise: 'none' },
  dpmpp_2s_ancestral: { sample: dpmpp2sAncestral, noise: 'steps' },
  dpmpp_sde: { sample: dpmppSde, noise: 'brownian' },
  ddim: { sample: ddim, noise: 'steps', keepsSmallestSigma: true },
  ddpm: { sample: ddpm, noise: 'steps' },
  lcm: { sample: lcm, noise: 'steps' },
  res_multistep: { sample: resMultistep, noise: 'none' },
  res_multistep_ancestral: { sample: resMultistepAncestral, noise: 'steps' },
  gradient_estimation: { sample: gradientEstimation, noise: 'none' },
  er_sde: { sample: erSde, noise: 'steps' },
  seeds_2: { sample: seeds2, noise: 'steps' },
  ...MULTISTEP_SAMPLERS,
} as const satisfies Record<string, SamplerEntry>;
