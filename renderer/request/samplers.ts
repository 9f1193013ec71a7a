/** How samplers and schedules are called on screen: the names that A1111 users know. */
import type { SamplerName, ScheduleName } from '../../preload/request.ts';

const LABELS: Readonly<Partial<Record<SamplerName, string>>> = {
  euler: 'Euler',
  euler_ancestral: 'Euler a',
  heun: 'Heun',
  dpm_2: 'DPM2',
  dpm_2_ancestral: 'DPM2 a',
  dpmpp_2m: 'DPM++ 2M',
  dpmpp_2m_sde: 'DPM++ 2M SDE',
  dpmpp_3m_sde: 'DPM++ 3M SDE',
  dpmpp_2s_ancestral: 'DPM++ 2S a',
  dpmpp_sde: 'DPM++ SDE',
  uni_pc: 'UniPC',
  uni_pc_bh2: 'UniPC bh2',
  ddim: 'DDIM',
  ddpm: 'DDPM',
  lms: 'LMS',
  lcm: 'LCM',
  deis: 'DEIS',
  ipndm: 'iPNDM',
  ipndm_v: 'iPNDM v',
  heunpp2: 'Heun++ 2',
  dpm_fast: 'DPM fast',
  dpm_adaptive: 'DPM adaptive',
  euler_cfg_pp: 'Euler CFG++',
  euler_ancestral_cfg_pp: 'Euler a CFG++',
};

/** A sampler without a label of its own goes by its id. */
export const samplerLabel = (name: SamplerName): string => LABELS[name] ?? name.replaceAll('_', ' ');

export const SCHEDULE_LABELS: Readonly<Record<ScheduleName, string>> = {
  normal: 'Normal',
  karras: 'Karras',
  exponential: 'Exponential',
  sgm_uniform: 'SGM uniform',
  simple: 'Simple',
  ddim_uniform: 'DDIM uniform',
  beta: 'Beta',
  linear_quadratic: 'Linear quadratic',
  kl_optimal: 'KL optimal',
};

export const BASE_LABELS: Readonly<Record<string, string>> = {
  sd15: 'SD 1',
  sd21: 'SD 2',
  sdxl: 'SDXL',
  'sdxl-refiner': 'SDXL refiner',
  other: 'other',
  unknown: '?',
};
