/** What other programs call samplers and schedules, and back. */
import { SAMPLERS, type SamplerName, SCHEDULES, type ScheduleName } from '../../../preload/request.ts';

export interface Sampling {
  readonly sampler?: SamplerName;
  readonly schedule?: ScheduleName;
}

/** Samplers as A1111 and Forge print them, by ComfyUI's name; those they lack go by that name. */
// biome-ignore format: one table, read across
const A1111_SAMPLERS: Readonly<Record<string, string>> = {
  euler: 'Euler', euler_ancestral: 'Euler a', heun: 'Heun', lms: 'LMS', ddim: 'DDIM', ddpm: 'DDPM', pndm: 'PLMS', lcm: 'LCM',
  dpm_2: 'DPM2', dpm_2_ancestral: 'DPM2 a', dpm_fast: 'DPM fast', dpm_adaptive: 'DPM adaptive',
  dpmpp_2s_ancestral: 'DPM++ 2S a', dpmpp_sde: 'DPM++ SDE', dpmpp_2m: 'DPM++ 2M', dpmpp_2m_sde: 'DPM++ 2M SDE',
  dpmpp_2m_sde_heun: 'DPM++ 2M SDE Heun', dpmpp_3m_sde: 'DPM++ 3M SDE', uni_pc: 'UniPC', heunpp2: 'HeunPP2', ipndm: 'IPNDM', ipndm_v: 'IPNDM_V', deis: 'DEIS',
};

// biome-ignore format: one table, read across
const A1111_SCHEDULES: Readonly<Record<ScheduleName, string>> = {
  normal: 'Normal', karras: 'Karras', exponential: 'Exponential', sgm_uniform: 'SGM Uniform', simple: 'Simple',
  ddim_uniform: 'DDIM', beta: 'Beta', linear_quadratic: 'Linear Quadratic', kl_optimal: 'KL Optimal',
};

/** A1111's `Uniform` is ComfyUI's `normal`; polyexponential with its default ρ = 1 is exponential. */
const A1111_SCHEDULE_ALIASES: Readonly<Record<string, ScheduleName>> = {
  uniform: 'normal',
  polyexponential: 'exponential',
};

/** What `Schedule type: Automatic` stands for; `normal` for all others. */
// biome-ignore format: one table, read across
const A1111_AUTOMATIC: Readonly<Partial<Record<SamplerName, ScheduleName>>> = {
  dpmpp_2m: 'karras', dpmpp_sde: 'karras', dpmpp_2s_ancestral: 'karras', dpm_2: 'karras', dpm_2_ancestral: 'karras',
  dpmpp_2m_sde: 'exponential', dpmpp_2m_sde_heun: 'exponential', dpmpp_3m_sde: 'exponential',
};

/** Short names of other programs: InvokeAI's (without `_k`), stable-diffusion.cpp's, NovelAI's (without `k_`). */
// biome-ignore format: one table, read across
const SHORT_SAMPLERS: Readonly<Record<string, string>> = {
  euler_a: 'euler_ancestral', kdpm_2: 'dpm_2', kdpm_2_a: 'dpm_2_ancestral',
  dpmpp_3m: 'dpmpp_3m_sde', unipc: 'uni_pc', plms: 'pndm', dpm2: 'dpm_2', dpm_2_a: 'dpm_2_ancestral',
  'dpm++2s_a': 'dpmpp_2s_ancestral', 'dpm++2m': 'dpmpp_2m', ddim_v3: 'ddim', ddim_trailing: 'ddim',
};

const SHORT_SCHEDULES: Readonly<Record<string, ScheduleName>> = {
  discrete: 'normal',
  default: 'normal',
  native: 'normal',
  polyexponential: 'exponential',
};

const A1111_SAMPLERS_BACK = inverted(SAMPLERS, (name) => a1111Sampler(name));
const A1111_SCHEDULES_BACK = inverted(SCHEDULES, (name) => A1111_SCHEDULES[name]);

/** As A1111 prints it; those it lacks keep ComfyUI's name. */
export function a1111Sampler(name: SamplerName): string {
  return A1111_SAMPLERS[name] ?? name;
}

/** As A1111 prints it. */
export function a1111Schedule(name: ScheduleName): string {
  return A1111_SCHEDULES[name];
}

/**
 * A1111's `Sampler` and `Schedule type`. Files from before version 1.9 have no schedule type: it ends the sampler's name
 * (`DPM++ 2M Karras`), and a bare name means the model's own sigmas. `Automatic` is the sampler's preferred one.
 */
export function fromA1111(sampler: string | undefined, scheduleType: string | undefined): Sampling {
  const name = sampler?.trim().toLowerCase() ?? '';
  const [, stem = '', suffix = ''] =
    /^(.*?)(?: (karras|exponential|polyexponential|sgm uniform))?$/.exec(name) ?? [];
  const known = A1111_SAMPLERS_BACK.get(stem) ?? samplerNamed(stem);
  const type = scheduleType?.trim().toLowerCase();
  const schedule =
    type === 'automatic' && suffix === '' ? automatic(known) : a1111ScheduleNamed(suffix || type || 'normal');
  return { ...(known && { sampler: known }), ...(schedule && { schedule }) };
}

/** ComfyUI's names; `_gpu` variants differ only in where their noise is drawn. */
export function fromComfy(sampler: string | undefined, schedule: string | undefined): Sampling {
  const known = samplerNamed(sampler?.replace(/_gpu$/, '') ?? '');
  const schedules = scheduleNamed(schedule ?? '');
  return { ...(known && { sampler: known }), ...(schedules && { schedule: schedules }) };
}

/** InvokeAI's one name for both: `dpmpp_2m_k` is DPM++ 2M with the Karras schedule. */
export function fromInvoke(name: string | undefined): Sampling {
  const karras = name?.endsWith('_k') === true;
  const sampler = samplerNamed(karras ? name.slice(0, -2) : (name ?? ''));
  return sampler ? { sampler, schedule: karras ? 'karras' : 'normal' } : {};
}

/** stable-diffusion.cpp's `Sampler: dpm++2m karras`. */
export function fromSdCpp(text: string | undefined): Sampling {
  const [name = '', schedule = 'discrete'] = text?.trim().split(/\s+/) ?? [];
  return fromComfyLike(name, schedule);
}

/** NovelAI's `sampler: k_euler_ancestral` and `noise_schedule: karras`. */
export function fromNovelAi(sampler: string | undefined, noiseSchedule: string | undefined): Sampling {
  return fromComfyLike(sampler?.replace(/^k_/, '') ?? '', noiseSchedule ?? 'native');
}

function fromComfyLike(name: string, scheduleName: string): Sampling {
  const sampler = samplerNamed(name);
  const schedule = scheduleNamed(scheduleName);
  return { ...(sampler && { sampler }), ...(schedule && { schedule }) };
}

function automatic(sampler: SamplerName | undefined): ScheduleName {
  return (sampler && A1111_AUTOMATIC[sampler]) ?? 'normal';
}

function samplerNamed(name: string): SamplerName | undefined {
  const short = own(SHORT_SAMPLERS, name);
  return SAMPLERS.find((known) => known === name) ?? SAMPLERS.find((known) => known === short);
}

function scheduleNamed(name: string): ScheduleName | undefined {
  return SCHEDULES.find((known) => known === name) ?? own(SHORT_SCHEDULES, name);
}

function a1111ScheduleNamed(name: string): ScheduleName | undefined {
  return A1111_SCHEDULES_BACK.get(name) ?? own(A1111_SCHEDULE_ALIASES, name) ?? scheduleNamed(name);
}

/** A table's own entry: names come from files, and `constructor` is not in the table. */
function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function inverted<T extends string>(names: readonly T[], shown: (name: T) => string): ReadonlyMap<string, T> {
  return new Map(names.map((name) => [shown(name).toLowerCase(), name]));
}
