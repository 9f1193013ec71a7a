/** The samplers that remember earlier steps, by name. */
import type { SamplerEntry } from '../samplers/sampler.ts';
import { deis, ipndm, ipndmVariable, lms } from './adams.ts';
import { dpmpp2m, dpmpp2mSde, dpmpp2mSdeHeun, dpmpp3mSde } from './dpmMultistep.ts';
import { pndm } from './pndm.ts';
import { saSolver, saSolverParameters } from './saSolver.ts';
import { uniPc, uniPcBh2 } from './uniPc.ts';

export const MULTISTEP_SAMPLERS = {
  lms: { sample: lms, noise: 'none' },
  ipndm: { sample: ipndm, noise: 'none' },
  ipndm_v: { sample: ipndmVariable, noise: 'none' },
  deis: { sample: deis, noise: 'none' },
  pndm: { sample: pndm, noise: 'none', repeatsSecond: true, keepsSmallestSigma: true },
  dpmpp_2m: { sample: dpmpp2m, noise: 'none' },
  dpmpp_2m_sde: { sample: dpmpp2mSde, noise: 'brownian' },
  dpmpp_2m_sde_heun: { sample: dpmpp2mSdeHeun, noise: 'brownian' },
  dpmpp_3m_sde: { sample: dpmpp3mSde, noise: 'brownian' },
  sa_solver: { sample: saSolver, noise: 'steps', parameters: saSolverParameters },
  uni_pc: { sample: uniPc, noise: 'none', discardsPenultimate: true },
  uni_pc_bh2: { sample: uniPcBh2, noise: 'none', discardsPenultimate: true },
} as const satisfies Record<string, SamplerEntry>;
