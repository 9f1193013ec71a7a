/** Conformance of model sigmas, schedules, step rules and the forward process in sigma space (golden case samplers). */
import { denoisedFrom, networkInput } from '../../main/pipeline/denoiser.ts';
import { SAMPLERS } from '../../main/pipeline/samplers/registry.ts';
import type { SamplerEntry } from '../../main/pipeline/samplers/sampler.ts';
import { startLatent } from '../../main/pipeline/sigmas/forward.ts';
import { modelSigmas } from '../../main/pipeline/sigmas/modelSigmas.ts';
import { SCHEDULES, type Schedule } from '../../main/pipeline/sigmas/schedules.ts';
import { planSigmas } from '../../main/pipeline/sigmas/stepRules.ts';
import type { Tensor } from '../../main/pipeline/tensor.ts';
import type { WeightsFile } from '../../native-models/weights/safetensors.ts';
import { openTensors, readNumbers, readTensor } from './caseFolder.ts';
import { type Check, checkClose, checkEqual, type Tolerance } from './check.ts';

interface SigmaTable {
  readonly scheduler: string;
  readonly steps: number;
  /** Absent where the reference gave no finite numbers. */
  readonly tensor?: string;
}

export interface SchedulesPart {
  readonly file: string;
  readonly tables: readonly SigmaTable[];
  readonly denoise: readonly (SigmaTable & { readonly sampler: string; readonly denoise: number })[];
  /** Prose that lists, among others, the noise_scaling settings as (sigma,max_denoise). */
  readonly others: string;
  readonly tolerance: { readonly sigmas: Tolerance };
}

const model = modelSigmas();

export function* checkSchedules(caseDir: string, part: SchedulesPart): Iterable<Check> {
  const expected = openTensors(caseDir, part.file);
  const tolerance = part.tolerance.sigmas;
  const close = (name: string, actual: ArrayLike<number>): Check =>
    checkClose(name, actual, readNumbers(expected, name), tolerance);
  for (const { scheduler, steps, tensor } of part.tables) {
    if (tensor) yield close(tensor, scheduleNamed(scheduler)(model, steps));
  }
  for (const { sampler, scheduler, steps, denoise, tensor } of part.denoise) {
    if (tensor) yield close(tensor, comfySigmas(sampler, scheduler, steps, denoise));
  }
  yield close('all_sigmas', model.sigmas);
  yield close('timestep_to_sigma', Array.from(readNumbers(expected, 'timestep_in'), model.sigmaOf));
  yield close('percent_to_sigma', Array.from(readNumbers(expected, 'percent_in'), model.sigmaAtFraction));
  const timesteps = Array.from(readNumbers(expected, 'sigma_in'), model.timestepOf);
  yield checkEqual('sigma_to_timestep', timesteps, readNumbers(expected, 'sigma_to_timestep'));
  yield* checkConversions(expected, close);
  yield* checkNoiseScaling(expected, part.others, close);
}

/** The sigmas that ComfyUI's KSampler hands to a sampler. */
export function comfySigmas(
  sampler: string,
  schedule: string,
  steps: number,
  denoisingStrength: number,
): Float32Array {
  return planSigmas(model, {
    sampler: samplerNamed(sampler),
    schedule: scheduleNamed(schedule),
    steps,
    denoisingStrength,
    stepRule: 'comfy',
  });
}

export function samplerNamed(name: string): SamplerEntry {
  const entry = (SAMPLERS as Record<string, SamplerEntry>)[name];
  if (!entry) throw new Error(`there is no sampler "${name}"`);
  return entry;
}

function scheduleNamed(name: string): Schedule {
  const schedule = (SCHEDULES as Record<string, Schedule>)[name];
  if (!schedule) throw new Error(`there is no schedule "${name}"`);
  return schedule;
}

type Close = (name: string, actual: ArrayLike<number>) => Check;

function* checkConversions(expected: WeightsFile, close: Close): Iterable<Check> {
  const x = readTensor(expected, 'conv.x');
  const output = readTensor(expected, 'conv.model_output');
  for (let k = 0; expected.tensors.has(`conv.${k}.sigma`); k++) {
    const sigma = readNumbers(expected, `conv.${k}.sigma`)[0]!;
    yield close(`conv.${k}.model_input`, networkInput(x, sigma).data);
    yield close(`conv.${k}.denoised_eps`, denoisedFrom(x, sigma, output, 'eps').data);
    yield close(`conv.${k}.denoised_v`, denoisedFrom(x, sigma, output, 'v').data);
  }
}

function* checkNoiseScaling(expected: WeightsFile, prose: string, close: Close): Iterable<Check> {
  const latent: Tensor = readTensor(expected, 'noise_scaling.latent');
  const noise = readTensor(expected, 'noise_scaling.noise');
  for (const [k, [, sigma, isMax]] of [...prose.matchAll(/\(([\d.]+), ?(true|false)\)/g)].entries()) {
    yield close(`noise_scaling.${k}`, startLatent(latent, noise, Number(sigma), isMax === 'true').data);
  }
}
