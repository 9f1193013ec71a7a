/** Conformance with diffusers (golden case samplers, part diffusers): its classes as our samplers over its sigmas. */
import { denoisedFrom, networkInput } from '../../main/pipeline/denoiser.ts';
import type { Denoise, Denoised } from '../../main/pipeline/samplers/sampler.ts';
import { addNoise, atSigma, velocity } from '../../main/pipeline/sigmas/forward.ts';
import { diffusersStartStep } from '../../main/pipeline/sigmas/stepRules.ts';
import type { Tensor } from '../../main/pipeline/tensor.ts';
import type { WeightsFile } from '../../native-models/weights/safetensors.ts';
import { openTensors, readNumbers, readTensor } from './caseFolder.ts';
import { type Check, checkClose, type Tolerance } from './check.ts';
import { type DiffusersCourse, diffusersCourse, hasCourse } from './diffusersCourses.ts';
import { type DiffusersConfig, trainingAlphas } from './diffusersPlan.ts';
import { joined, recordedNoise } from './samplerWalks.ts';

export interface DiffusersRun {
  readonly id: string;
  readonly scheduler: string;
  readonly config: DiffusersConfig;
  readonly steps: number;
  readonly step_kwargs: { readonly eta?: number };
  /** Standard deviation of the start in the class's own space; text-to-image runs only. */
  readonly init_noise_sigma?: number;
  /** Denoising strength; image-to-image runs only. */
  readonly strength?: number;
}

export interface DiffusersPart {
  readonly file: string;
  readonly runs: readonly DiffusersRun[];
  readonly img2img: readonly DiffusersRun[];
}

export async function* checkDiffusers(
  caseDir: string,
  part: DiffusersPart,
  tolerance: Tolerance,
): AsyncIterable<Check> {
  const file = openTensors(caseDir, part.file);
  for (const run of [...part.runs, ...part.img2img]) {
    if (hasCourse(run)) yield* checkRun(file, run, tolerance);
    else
      yield {
        tensor: `${run.id} (${run.scheduler})`,
        maxError: Number.POSITIVE_INFINITY,
        tolerance: 0,
        pass: false,
      };
  }
  yield* checkForwardProcess(file, part.runs[0]!.config, tolerance);
}

/** What the model was asked, in the order of the calls. */
interface Call {
  readonly x: Tensor;
  readonly sigma: number;
  readonly timestep: number;
  readonly denoised: Tensor;
}

async function* checkRun(file: WeightsFile, run: DiffusersRun, tolerance: Tolerance): AsyncIterable<Check> {
  const { id, config, steps } = run;
  const startStep = run.strength === undefined ? 0 : diffusersStartStep(steps, run.strength);
  const course = diffusersCourse(run, startStep);
  const calls: Call[] = [];
  const denoise = recordingDenoiser(config, course, calls);
  const out = await course.run(denoise, startOf(file, run, course), recordedNoise(file, `${id}.noise`));
  const states = [
    ...calls.map(({ x, sigma }) => inOwnSpace(course, x, sigma)),
    inOwnSpace(course, out, course.endSigma),
  ];
  const close = (part: string, actual: readonly number[]): Check =>
    checkClose(`${id}.${part}`, actual, readNumbers(file, `${id}.${part}`), tolerance);
  yield close(
    'timesteps',
    calls.map(({ timestep }) => timestep),
  );
  yield close('x', joined(states));
  if (file.tensors.has(`${id}.denoised`))
    yield close('denoised', joined(calls.map(({ denoised }) => denoised.data)));
  if (file.tensors.has(`${id}.sigmas`) && course.sigmas) {
    const expected = withoutRepeats(readNumbers(file, `${id}.sigmas`));
    yield checkClose(`${id}.sigmas`, course.sigmas, expected, tolerance);
  }
}

/** Unit noise at the first sigma, or the latent noised to it; always in sigma space. */
function startOf(file: WeightsFile, run: DiffusersRun, course: DiffusersCourse): Tensor {
  const unit = readTensor(file, 'x_unit');
  if (run.strength !== undefined) return atSigma(readTensor(file, 'latent'), unit, course.startSigma);
  const widen = course.space === 'exploding' ? 1 : Math.sqrt(1 + course.startSigma ** 2);
  return { data: unit.data.map((value) => value * (run.init_noise_sigma ?? 1) * widen), shape: unit.shape };
}

/** diffusers' prediction types by our names. */
const OUTPUTS = { epsilon: 'eps', v_prediction: 'v', sample: 'sample' } as const;

/** The case's toy_model behind the run's prediction type; remembers every call. */
function recordingDenoiser(config: DiffusersConfig, course: DiffusersCourse, calls: Call[]): Denoise {
  const { clip_sample: clips = course.clipsByDefault, clip_sample_range: range = 1 } = config;
  return async (x, sigma) => {
    const timestep = course.timestepOf(sigma);
    const output = toyModel(networkInput(x, sigma), timestep);
    const predicted = denoisedFrom(x, sigma, output, OUTPUTS[config.prediction_type ?? 'epsilon']);
    const denoised: Denoised = clips ? { ...clamped(predicted, range), negative: predicted } : predicted;
    calls.push({ x, sigma, timestep, denoised });
    return denoised;
  };
}

function clamped({ data, shape }: Tensor, range: number): Tensor {
  return { data: data.map((value) => Math.min(range, Math.max(-range, value))), shape };
}

function toyModel({ data, shape }: Tensor, t: number): Tensor {
  const shift = 0.1 * Math.cos(0.01 * t);
  return { data: data.map((x, i) => 0.6 * x + 0.3 * Math.sin(1.3 * x + 0.7 * i + 0.002 * t) + shift), shape };
}

/** Most of diffusers' classes keep latents variance preserving: x/√(1+σ²). */
function inOwnSpace({ space }: DiffusersCourse, x: Tensor, sigma: number): Float32Array {
  return space === 'exploding' ? x.data : networkInput(x, sigma).data;
}

function withoutRepeats(values: ArrayLike<number>): number[] {
  return Array.from(values).filter((value, i, all) => i === 0 || value !== all[i - 1]);
}

function* checkForwardProcess(
  file: WeightsFile,
  config: DiffusersConfig,
  tolerance: Tolerance,
): Iterable<Check> {
  const [latent, unit] = [readTensor(file, 'latent'), readTensor(file, 'x_unit')];
  const alphas = trainingAlphas(config);
  const timesteps = Array.from(readNumbers(file, 'add_noise.t'));
  const close = (name: string, actual: ArrayLike<number>): Check =>
    checkClose(name, actual, readNumbers(file, name), tolerance);
  yield close('add_noise.out', joined(timesteps.map((t) => addNoise(latent, unit, alphas[t]!).data)));
  yield close('velocity.out', joined(timesteps.map((t) => velocity(latent, unit, alphas[t]!).data)));
  yield close('alphas_cumprod', alphas);
  yield close(
    'betas',
    alphas.map((alpha, t) => 1 - alpha / (t === 0 ? 1 : alphas[t - 1]!)),
  );
}
