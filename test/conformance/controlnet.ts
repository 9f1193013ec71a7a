/** Conformance of ControlNet: its residuals, their effect at several weights, and sampler runs with control intervals. */
import { join } from 'node:path';
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { type OpenControl, openControlNet } from '../../main/engine/conditions/controlNets.ts';
import { residualFeeds } from '../../main/engine/networks/residualFeeds.ts';
import { createSession } from '../../main/engine/runtime/sessions.ts';
import { runOne, toOrt } from '../../main/engine/runtime/tensors.ts';
import { decodePixels } from '../../main/images/codec.ts';
import { toTensor } from '../../main/images/pixels.ts';
import { type ControlPriority, withControl } from '../../main/pipeline/control.ts';
import { guidedDenoiser } from '../../main/pipeline/denoiser.ts';
import type { Evaluate, Evaluation } from '../../main/pipeline/evaluation.ts';
import type { NoisePredictionInput } from '../../main/pipeline/model.ts';
import { SAMPLERS } from '../../main/pipeline/samplers/registry.ts';
import { startLatent } from '../../main/pipeline/sigmas/forward.ts';
import { modelSigmas } from '../../main/pipeline/sigmas/modelSigmas.ts';
import type { Tensor } from '../../main/pipeline/tensor.ts';
import { compileUnet } from '../../native-models/compile.ts';
import { SD15, type UnetConfig } from '../../native-models/models/configs.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import type { WeightsFile } from '../../native-models/weights/tensors.ts';
import type { SamplerName } from '../../preload/request.ts';
import { openTensors, readCase, readNumbers, readTensor } from './caseFolder.ts';
import { type Check, checkClose, checkRelmax, type Tolerance } from './check.ts';
import { type LdmUnet, unetConfigOf } from './ldmConfigs.ts';
import { unetWeights } from './ldmUnet.ts';

interface Run {
  readonly id: string;
  readonly strength: number;
  readonly start: number;
  readonly end: number;
  readonly cfg: number;
  readonly sampler: SamplerName;
}

interface ControlCase {
  /** The ControlNet's; the U-Net's is the same but for its outputs. */
  readonly config: Omit<LdmUnet, 'out_channels'> & { readonly hint_channels: number };
  readonly weights: { readonly unet: string };
  readonly e2e: readonly Run[];
  readonly tolerance: { readonly unit: Tolerance; readonly e2e: { readonly relmax: number } };
}

/** The widths of cldm's hint encoder, the same in every published ControlNet. */
const HINT_WIDTHS = [16, 16, 32, 32, 96, 96, 256];
const SIGMAS = modelSigmas();
/** How the stored outputs name what was done to the residuals. */
const EFFECTS: readonly (readonly [output: string, weight: number, priority: ControlPriority])[] = [
  ['out_1.0', 1, 'balanced'],
  ['out_0.5', 0.5, 'balanced'],
  ['out_guess', 1, 'prompt'],
];

export async function* controlnet(caseDir: string): AsyncIterable<Check> {
  const spec = readCase<ControlCase>(caseDir);
  const io = openTensors(caseDir, 'io.safetensors');
  const unet = unetConfigOf({ ...spec.config, out_channels: spec.config.in_channels });
  const control = await openControlNet(openTensors(caseDir, 'controlnet.safetensors'), {
    ...unet,
    hintChannels: spec.config.hint_channels,
    hintWidths: HINT_WIDTHS,
  });
  const network = await openUnet(caseDir, spec.weights.unet, unet);
  for (const index of [0, 1, 2, 3].filter((run) => io.tensors.has(`${run}.x`))) {
    const hint = await readHint(caseDir, `hint_${index}.png`);
    yield* checkUnits(io, `${index}`, { control, evaluate: network.evaluate, hint }, spec.tolerance.unit);
  }
  const hint = await readHint(caseDir, 'hint.png');
  for (const run of spec.e2e) {
    yield* checkRun(io, run, { control, evaluate: network.evaluate, hint }, spec.tolerance.e2e.relmax);
  }
  await control.release();
  await network.release();
}

interface Parts {
  readonly control: OpenControl;
  readonly evaluate: Evaluate;
  readonly hint: Tensor;
}

async function* checkUnits(
  io: WeightsFile,
  run: string,
  { control, evaluate, hint }: Parts,
  tolerance: Tolerance,
): AsyncIterable<Check> {
  const input: NoisePredictionInput = {
    latent: readTensor(io, `${run}.x`),
    timestep: Float32Array.from(readNumbers(io, `${run}.t`)),
    context: readTensor(io, `${run}.context`),
  };
  const { skips, middle } = await control.run({ ...input, hint });
  for (const [index, { data }] of [...skips, middle!].entries()) {
    const name = `${run}.residual.${index}`;
    if (io.tensors.has(name)) yield checkClose(name, data, readNumbers(io, name), tolerance);
  }
  const evaluation: Evaluation = { ...input, sigma: 1, sides: ['positive'] };
  const base = await evaluate(evaluation);
  yield checkClose(`${run}.out_base`, base.data, readNumbers(io, `${run}.out_base`), tolerance);
  for (const [output, weight, priority] of EFFECTS) {
    const uses = [{ hint, weight, startFraction: 0, endFraction: 1, priority }];
    const { data } = await withControl(evaluate, control.run, uses, SIGMAS)(evaluation);
    yield checkClose(`${run}.${output}`, data, readNumbers(io, `${run}.${output}`), tolerance);
  }
}

async function* checkRun(
  io: WeightsFile,
  { id, strength, start, end, cfg, sampler }: Run,
  { control, evaluate, hint }: Parts,
  relmax: number,
): AsyncIterable<Check> {
  const name = (part: string): string => `e2e.${id}.${part}`;
  const sigmas = Float32Array.from(readNumbers(io, name('sigmas')));
  const noise = readTensor(io, name('noise'));
  const uses = [
    { hint, weight: strength, startFraction: start, endFraction: end, priority: 'balanced' as const },
  ];
  const denoise = guidedDenoiser({
    evaluate: withControl(evaluate, control.run, uses, SIGMAS),
    predictionType: 'eps',
    sigmas: SIGMAS,
    conditioning: {
      positive: { embedding: readTensor(io, 'e2e.cond.pos') },
      negative: { embedding: readTensor(io, 'e2e.cond.neg') },
    },
    guidanceScale: cfg,
  });
  const zero = { data: new Float32Array(noise.data.length), shape: noise.shape };
  const x = startLatent(zero, noise, sigmas[0]!, true);
  let last: Tensor | undefined;
  const latent = await SAMPLERS[sampler].sample(denoise, x, sigmas, {
    noise: () => noise,
    onStep: ({ denoised }) => {
      last = denoised;
    },
  });
  yield checkRelmax(name('x0_last'), last!.data, readNumbers(io, name('x0_last')), relmax);
  const unscaled = latent.data.map((value) => value / SD15.vae.scalingFactor);
  yield checkRelmax(name('latent'), unscaled, readNumbers(io, name('latent')), relmax);
}

async function openUnet(
  caseDir: string,
  file: string,
  config: UnetConfig,
): Promise<{ evaluate: Evaluate; release(): Promise<void> }> {
  const source = fileParameters(file, unetWeights(caseDir, { file }));
  const session = await createSession(compileUnet(source, config, { flavour: 'cpu', control: true }).graph);
  const evaluate: Evaluate = ({ latent, timestep, context, residuals }) => {
    const feeds = {
      latent: toOrt(latent),
      timestep: new OrtTensor('float32', timestep, [timestep.length]),
      context: toOrt(context),
    };
    return runOne(session, { ...feeds, ...residualFeeds(config, residuals) }, 'noise');
  };
  return { evaluate, release: () => session.release() };
}

async function readHint(caseDir: string, file: string): Promise<Tensor> {
  return toTensor([await decodePixels(join(caseDir, file))], 'unit');
}
