/** Every sampler by name, with what a caller must know to run it: how it wants its noise and its sigmas. */
import { deis, ipndm, ipndmVariable, lms } from './adams.ts';
import { ddpm, lcm } from './ddpm.ts';
import { dpmpp2m, dpmpp2sAncestral, resMultistep, resMultistepAncestral } from './dpmpp.ts';
import { dpmAdaptive, dpmFast } from './dpmSolver.ts';
import {
  euler,
  eulerAncestral,
  eulerAncestralCfgPlusPlus,
  eulerCfgPlusPlus,
  gradientEstimation,
} from './euler.ts';
import { dpm2, dpm2Ancestral, heun, heunPlusPlus } from './heun.ts';
import type { Sampler } from './sampler.ts';
import { saSolver } from './saSolver.ts';
import { dpmpp2mSde, dpmpp2mSdeHeun, dpmpp3mSde, dpmppSde, erSde, seeds2 } from './sde.ts';
import { uniPc, uniPcBh2 } from './uniPc.ts';

export interface SamplerEntry {
  readonly sample: Sampler;
  /** none: noise is never asked for; steps: independent draws; brownian: one path for all steps. */
  readonly noise: 'none' | 'steps' | 'brownian';
  /** Its sigmas are planned one step longer and lose the last one before 0. */
  readonly discardsPenultimate?: true;
  /** It reads the negative prompt's prediction, which must then be computed even at guidance 1. */
  readonly readsNegative?: true;
}

export const SAMPLERS = {
  euler: { sample: euler, noise: 'none' },
  euler_cfg_pp: { sample: eulerCfgPlusPlus, noise: 'none', readsNegative: true },
  euler_ancestral: { sample: eulerAncestral, noise: 'steps' },
  euler_ancestral_cfg_pp: { sample: eulerAncestralCfgPlusPlus, noise: 'steps', readsNegative: true },
  heun: { sample: heun, noise: 'none' },
  heunpp2: { sample: heunPlusPlus, noise: 'none' },
  dpm_2: { sample: dpm2, noise: 'none', discardsPenultimate: true },
  dpm_2_ancestral: { sample: dpm2Ancestral, noise: 'steps', discardsPenultimate: true },
  lms: { sample: lms, noise: 'none' },
  dpm_fast: { sample: dpmFast, noise: 'none' },
  dpm_adaptive: { sample: dpmAdaptive, noise: 'none' },
  dpmpp_2s_ancestral: { sample: dpmpp2sAncestral, noise: 'steps' },
  dpmpp_sde: { sample: dpmppSde, noise: 'brownian' },
  dpmpp_2m: { sample: dpmpp2m, noise: 'none' },
  dpmpp_2m_sde: { sample: dpmpp2mSde, noise: 'brownian' },
  dpmpp_2m_sde_heun: { sample: dpmpp2mSdeHeun, noise: 'brownian' },
  dpmpp_3m_sde: { sample: dpmpp3mSde, noise: 'brownian' },
  ddpm: { sample: ddpm, noise: 'steps' },
  lcm: { sample: lcm, noise: 'steps' },
  ipndm: { sample: ipndm, noise: 'none' },
  ipndm_v: { sample: ipndmVariable, noise: 'none' },
  deis: { sample: deis, noise: 'none' },
  res_multistep: { sample: resMultistep, noise: 'none' },
  res_multistep_ancestral: { sample: resMultistepAncestral, noise: 'steps' },
  gradient_estimation: { sample: gradientEstimation, noise: 'none' },
  er_sde: { sample: erSde, noise: 'steps' },
  seeds_2: { sample: seeds2, noise: 'steps' },
  sa_solver: { sample: saSolver, noise: 'steps' },
  uni_pc: { sample: uniPc, noise: 'none', discardsPenultimate: true },
  uni_pc_bh2: { sample: uniPcBh2, noise: 'none', discardsPenultimate: true },
} as const satisfies Record<string, SamplerEntry>;
