/** Conformance of the samplers on an analytic denoiser with recorded noise (golden case samplers, part kdiffusion). */
import type { Denoise, SamplerEntry, StepNoise, StepReport } from '../../main/pipeline/samplers/sampler.ts';
import { modelSigmas } from '../../main/pipeline/sigmas/modelSigmas.ts';
import { sizeOf, type Tensor } from '../../main/pipeline/tensor.ts';
import type { WeightsFile } from '../../native-models/weights/safetensors.ts';
import { openTensors, readNumbers, readTensor, shapeOf } from './caseFolder.ts';
import { type Check, checkClose, checkEqual, type Tolerance } from './check.ts';
import { comfySigmas, samplerNamed } from './samplerSchedules.ts';

interface WalkRun {
  readonly id: string;
  readonly sampler: string;
  readonly scheduler: string;
  readonly steps: number;
  /** Sigmas the model was asked at, or how many there were. */
  readonly model_calls: readonly number[] | number;
  /** Stretches the reference asked noise for, even where it then weighed nothing. */
  readonly noise_calls?: readonly (readonly [number, number])[];
  /** Rounding noise of the reference itself; null where it was not measured. */
  readonly f64_dev: number | null;
}

export interface WalksPart {
  readonly file: string;
  readonly runs: readonly WalkRun[];
}

/** Of the case's text: atol = 1e-4 + 20·f64_dev, rtol = 1e-4. */
const BASE_TOLERANCE = 1e-4;
const ROUNDING_FACTOR = 20;
/** Sigmas are compared as in the schedules part. */
const SIGMA_TOLERANCE = { rtol: 2e-5, atol: 1e-6 };
/** ComfyUI's UniPC ends here instead of at sigma 0. */
const UNIPC_LAST_SIGMA = 0.001;
/** These samplers of ComfyUI report the latent they began with at every step. */
const REPORTS_START: ReadonlySet<string> = new Set(['ipndm', 'ipndm_v', 'deis']);

export async function* checkWalks(caseDir: string, part: WalksPart): AsyncIterable<Check> {
  const file = openTensors(caseDir, part.file);
  const unit = readTensor(file, 'x_unit');
  for (const run of part.runs) {
    const sigmas = Float32Array.from(readNumbers(file, `${run.id}.sigmas`));
    const planned = comfySigmas(run.sampler, run.scheduler, run.steps, 1);
    yield checkClose(`${run.id}.sigmas`, planned, sigmas, SIGMA_TOLERANCE);
    const entry = samplerNamed(run.sampler);
    const tolerance = { atol: BASE_TOLERANCE + ROUNDING_FACTOR * (run.f64_dev ?? 0), rtol: BASE_TOLERANCE };
    yield* checkWalk(file, run, entry, unit, sigmas, tolerance);
  }
}

async function* checkWalk(
  file: WeightsFile,
  run: WalkRun,
  { sample, parameters }: SamplerEntry,
  unit: Tensor,
  sigmas: Float32Array,
  tolerance: Tolerance,
): AsyncIterable<Check> {
  const { id, sampler } = run;
  const widen = Math.sqrt(1 + sigmas[0]! ** 2);
  const start = { data: unit.data.map((value) => value * widen), shape: unit.shape };
  const reports: StepReport[] = [];
  const modelCalls: number[] = [];
  const noiseCalls: number[] = [];
  const recorded = recordedNoise(file, `${id}.noise`);
  const denoise: Denoise = (x, sigma) => {
    modelCalls.push(sigma);
    return toyDenoiser(x, sigma);
  };
  const noise: StepNoise = (sigma, sigmaNext) => {
    noiseCalls.push(sigma, sigmaNext);
    return recorded();
  };
  const out = await sample(denoise, start, sigmas, {
    noise,
    onStep: (report) => void reports.push(report),
    ...parameters?.(modelSigmas()),
  });
  const states = reportedStates(sampler, reports, start, out);
  yield checkClose(`${id}.x`, joined(states), readNumbers(file, `${id}.x`), tolerance);
  const denoised = joined(reports.map((report) => report.denoised.data));
  yield checkClose(`${id}.denoised`, denoised, readNumbers(file, `${id}.denoised`), tolerance);
  yield checkClose(`${id}.out`, out.data, readNumbers(file, `${id}.out`), tolerance);
  yield* checkCalls(run, modelCalls, noiseCalls, tolerance);
}

/** Where the model was asked and noise was drawn. A sampler of ours may leave noise out that would weigh nothing. */
function* checkCalls(
  run: WalkRun,
  modelCalls: readonly number[],
  noiseCalls: readonly number[],
  tolerance: Tolerance,
): Iterable<Check> {
  const { id, model_calls: expected, noise_calls: stretches = [] } = run;
  if (typeof expected === 'number') yield checkEqual(`${id}.model_calls`, [modelCalls.length], [expected]);
  else yield checkClose(`${id}.model_calls`, modelCalls, expected, tolerance);
  if (noiseCalls.length > 0) yield checkClose(`${id}.noise_calls`, noiseCalls, stretches.flat(), tolerance);
}

/** The case's toy_denoiser, in double precision on float32 inputs. */
const toyDenoiser: Denoise = async (x, sigma) => {
  const s = Math.fround(sigma);
  const variance = 1 + s * s;
  const data = x.data.map(
    (value, i) =>
      (0.9 * value) / variance +
      0.4 * Math.sin((1.3 * value) / Math.sqrt(variance) + 0.7 * i) +
      0.1 * Math.cos(3 / (1 + s)),
  );
  return { data, shape: x.shape };
};

/** Hands the recorded draws out in order. */
export function recordedNoise(file: WeightsFile, name: string): () => Tensor {
  if (!file.tensors.has(name)) return () => outOfNoise(name);
  const values = Float32Array.from(readNumbers(file, name));
  const shape = shapeOf(file, name).slice(1);
  const size = sizeOf(shape);
  let offset = 0;
  return () => {
    if (offset + size > values.length) outOfNoise(name);
    offset += size;
    return { data: values.slice(offset - size, offset), shape };
  };
}

function outOfNoise(name: string): never {
  throw new Error(`the sampler asked for more noise than ${name} holds`);
}

/** `x` as the reference's callbacks tell it, which for some samplers is not the latent at the start of the step. */
function reportedStates(
  sampler: string,
  reports: readonly StepReport[],
  start: Tensor,
  out: Tensor,
): Float32Array[] {
  if (REPORTS_START.has(sampler)) return reports.map(() => start.data);
  if (sampler.startsWith('uni_pc')) return uniPcStates(reports, out);
  if (sampler === 'dpm_adaptive') return [...reports.slice(1), { x: out }].map(({ x }) => x.data);
  return reports.map(({ x }) => x.data);
}

/** ComfyUI's UniPC reports x after each step and variance preserving; the last report comes after the final step. */
function uniPcStates(reports: readonly StepReport[], out: Tensor): Float32Array[] {
  return reports.map(({ x, sigma }, i) => {
    const isLast = i === reports.length - 1;
    const scale = 1 / Math.sqrt(1 + (isLast ? UNIPC_LAST_SIGMA : sigma) ** 2);
    return (isLast ? out : x).data.map((value) => value * scale);
  });
}

export function joined(parts: readonly Float32Array[]): number[] {
  return parts.flatMap((part) => Array.from(part));
}
