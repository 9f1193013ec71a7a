/** Conformance of LoRA training: loss, every gradient, parameters after AdamW steps (also clipped), an overfit curve. */
import { readdirSync } from 'node:fs';
import { type AdamWState, clipFactor, createAdamW } from '../../main/training/optimizer.ts';
import { createParameters, type ParameterSet } from '../../main/training/parameters.ts';
import { type Batch, openTrainingSession, type TrainingSession } from '../../main/training/session.ts';
import { checkpointConfig } from '../../native-models/inspect/config.ts';
import { loraStep, type UnetTarget } from '../../native-models/training/loraStep.ts';
import { canonicalTensors } from '../../native-models/weights/keys.ts';
import { fileParameters } from '../../native-models/weights/source.ts';
import type { WeightsFile } from '../../native-models/weights/tensors.ts';
import { openTensors, readCase, readNumbers, shapeOf } from './caseFolder.ts';
import { type Check, checkClose, checkRelmax } from './check.ts';

interface Logged {
  readonly loss: number;
  readonly grad_norm: number;
}
interface LoraTrainCase {
  readonly checkpoint: string;
  readonly rank: number;
  readonly alpha: number;
  readonly attn: readonly string[];
  readonly optimizer: {
    readonly lr: number;
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly weight_decay: number;
  };
  readonly log: readonly Logged[];
  readonly log_clip: { readonly max_norm: number; readonly steps: readonly Logged[] };
  readonly overfit30: { readonly losses: readonly number[] };
  readonly tolerance: {
    readonly loss: { readonly rtol: number };
    readonly grads: { readonly relmax: number };
  };
}

/** The case's own reading of its tolerance: Adam turns the sign of a gradient near zero into a whole step. */
const NEARLY_ALL = { share: 0.99, atol: 1e-5 };
const ALL = { atol: 4e-3 };

export async function* loraTrain(caseDir: string): AsyncIterable<Check> {
  const run = await openRun(caseDir);
  const { settings, io, session } = run;
  const { relmax } = settings.tolerance.grads;
  const first = await begin(run).step(0);
  yield checkClose('step0.loss', [first.loss], [settings.log[0]!.loss], settings.tolerance.loss);
  const expected = openTensors(caseDir, 'grads_step0.safetensors');
  for (const name of expected.tensors.keys())
    yield checkRelmax(
      `grads/${name}`,
      session.gradients.get(name) ?? [],
      readNumbers(expected, name),
      relmax,
    );
  const steps = [...io.tensors.keys()].filter((name) => /^step\d+\.x0$/.test(name)).length;
  yield* trained(caseDir, run, steps, settings.log, Number.POSITIVE_INFINITY);
  yield* trained(caseDir, run, steps, settings.log_clip.steps, settings.log_clip.max_norm);
  const overfit = begin(run);
  const losses: number[] = [];
  for (const _ of settings.overfit30.losses) losses.push((await overfit.step(0)).loss);
  yield checkClose('overfit30.losses', losses, settings.overfit30.losses, settings.tolerance.loss);
  await session.close();
}

/** Steps over the batches in turn; parameters are compared wherever the folder has a file of them. */
async function* trained(
  caseDir: string,
  run: Run,
  steps: number,
  log: readonly Logged[],
  maxNorm: number,
): AsyncIterable<Check> {
  const clipped = Number.isFinite(maxNorm);
  const training = begin(run, maxNorm);
  for (let step = 0; step < steps; step++) {
    const { loss, gradientNorm } = await training.step(step);
    const label = `${clipped ? 'clipped ' : ''}step${step}`;
    yield checkClose(`${label}.loss`, [loss], [log[step]!.loss], run.settings.tolerance.loss);
    const { relmax } = run.settings.tolerance.grads;
    yield checkClose(`${label}.grad_norm`, [gradientNorm], [log[step]!.grad_norm], { rtol: relmax });
    const file = `params_step${step + 1}${clipped ? '_clip' : ''}.safetensors`;
    if (readdirSync(caseDir).includes(file))
      yield* compareParameters(run.parameters, openTensors(caseDir, file), file);
  }
}

function* compareParameters(parameters: ParameterSet, expected: WeightsFile, file: string): Iterable<Check> {
  const names = [...expected.tensors.keys()];
  const errors: number[] = [];
  for (const name of names) {
    const values = readNumbers(expected, name);
    const actual = parameters.views.get(name) ?? new Float32Array();
    yield checkClose(`${file}/${name}`, actual, values, ALL);
    for (const [i, value] of values.entries()) errors.push(Math.abs(value - (actual[i] ?? Number.NaN)));
  }
  const sorted = Float64Array.from(errors).toSorted();
  const quantile = sorted[Math.ceil(sorted.length * NEARLY_ALL.share) - 1]!;
  yield checkClose(`${file}/${NEARLY_ALL.share * 100}% of elements`, [quantile], [0], {
    atol: NEARLY_ALL.atol,
  });
}

interface Run {
  readonly settings: LoraTrainCase;
  readonly io: WeightsFile;
  readonly initial: WeightsFile;
  readonly parameters: ParameterSet;
  readonly optimizer: AdamWState;
  readonly session: TrainingSession;
  readonly batches: readonly Batch[];
}

async function openRun(caseDir: string): Promise<Run> {
  const settings = readCase<LoraTrainCase>(caseDir);
  const checkpoint = openTensors(caseDir, settings.checkpoint);
  const io = openTensors(caseDir, 'io.safetensors');
  const { unet: config, predictionType } = checkpointConfig(checkpoint);
  const source = fileParameters(checkpoint.path, canonicalTensors(checkpoint, 'unet'));
  const [batch, , height, width] = shapeOf(io, 'step0.x0') as [number, number, number, number];
  const shape = { batch, height, width, tokens: shapeOf(io, 'step0.context')[1]! };
  const { rank, alpha } = settings;
  const options = { rank, alpha, targets: targetsOf(settings.attn), recompute: 'nothing' as const };
  const { graph, shapes } = loraStep({ source, config, predictionType }, shape, options);
  const parameters = createParameters(shapes);
  const optimizer = createAdamW(shapes);
  const session = await openTrainingSession({ graph, parameters, optimizer, threads: 1 });
  const alphas = readNumbers(checkpoint, 'alphas_cumprod');
  const steps = [...io.tensors.keys()].flatMap((name) => /^(step\d+)\.x0$/.exec(name)?.[1] ?? []);
  const batches = steps.map((step) => batchOf(io, step, alphas));
  const initial = openTensors(caseDir, 'lora_init.safetensors');
  return { settings, io, initial, parameters, optimizer, session, batches };
}

function targetsOf(attentions: readonly string[]): UnetTarget[] {
  const named: Readonly<Record<string, UnetTarget>> = {
    attn2: 'cross-attention',
    attn1: 'attention',
    ff: 'feed-forward',
  };
  return attentions.map((name) => named[name] ?? 'attention');
}

function batchOf(io: WeightsFile, step: string, alphas: ArrayLike<number>): Batch {
  const tensor = (name: string): Batch[string] => ({
    data: Float32Array.from(readNumbers(io, `${step}.${name}`)),
    shape: shapeOf(io, `${step}.${name}`),
  });
  const timestep = tensor('t');
  const perItem = (value: (t: number) => number): Batch[string] => ({
    data: Float32Array.from(timestep.data as Float32Array, value),
    shape: timestep.shape,
  });
  return {
    latent: tensor('x0'),
    noise: tensor('noise'),
    context: tensor('context'),
    timestep,
    signal: perItem((t) => Math.sqrt(alphas[t]!)),
    spread: perItem((t) => Math.sqrt(1 - alphas[t]!)),
    itemWeights: perItem(() => 1),
  };
}

/** Back to the initial pairs and a fresh optimiser; `step(i)` trains on batch i. */
function begin(run: Run, maxNorm = Number.POSITIVE_INFINITY) {
  const { parameters, optimizer, session, settings } = run;
  for (const [name, view] of parameters.views) view.set(readNumbers(run.initial, name));
  optimizer.mean.flat.fill(0);
  optimizer.square.flat.fill(0);
  optimizer.step = 0;
  const { lr, betas, eps, weight_decay: weightDecay } = settings.optimizer;
  const adamW = { learningRate: lr, beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay };
  return {
    async step(index: number): Promise<{ loss: number; gradientNorm: number }> {
      const { losses, gradientNorm } = await session.step([run.batches[index]!]);
      await session.update({ ...adamW, gradientScale: clipFactor(gradientNorm, maxNorm) });
      return { loss: losses['loss']!, gradientNorm };
    },
  };
}
