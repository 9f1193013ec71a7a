/** The engine's job "train-lora": the training with progress, time left and sample pictures. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generationRequestSchema } from '../../../preload/request.ts';
import { type LoraTrainingRequest, loraTrainingRequestSchema } from '../../../preload/training.ts';
import { badInput } from '../../engine/border/failures.ts';
import type { EngineResult } from '../../engine/border/protocol.ts';
import type { JobContext } from '../../engine/jobs/context.ts';
import { generate } from '../../engine/jobs/generate.ts';
import { fileOf } from '../../engine/jobs/requestFiles.ts';
import type { EngineHost } from '../../engine/loading/host.ts';
import { encodePixels } from '../../images/codec.ts';
import { pixelsOf } from '../../images/pixels.ts';
import { openBaseModel } from './baseModel.ts';
import { type LoraEvents, trainLora } from './loraTrainer.ts';
import { TrainingError } from './trainingError.ts';

/** Weight of the newest step in the running mean of seconds per step. */
const NEWEST = 0.3;

/** Frees what the host has loaded, then trains. Stopping saves the run; the same job goes on from there. */
export async function trainLoraJob(
  host: EngineHost,
  untrusted: LoraTrainingRequest,
  context: JobContext,
): Promise<EngineResult> {
  const request = loraTrainingRequestSchema.parse(untrusted);
  const { settings, signal } = context;
  const path = fileOf(request.checkpoint, 'checkpoint');
  context.onProgress({ stage: 'load', step: 0, steps: 1 });
  await host.release();
  // A copy in float32 is mapped, not read: it is what a large model needs to be trained in little memory.
  const cacheDir = settings.memory === 'cached' ? { cacheDir: settings.cacheDir } : {};
  const model = await openBaseModel(path, { threads: settings.threads, signal, ...cacheDir });
  try {
    const onSample = (step: number, lora: string): Promise<void> =>
      paintSample(host, request, context, { step, lora });
    const result = await trainLora(request, model, { signal, onSample, onProgress: progressTo(context) });
    return { kind: 'lora', ...result };
  } catch (error) {
    throw error instanceof TrainingError ? badInput(`${error.message}.`) : error;
  } finally {
    await model.release();
  }
}

function progressTo({ onProgress }: JobContext): NonNullable<LoraEvents['onProgress']> {
  let last: { stage: string; time: number } | undefined;
  let mean: number | undefined;
  return (stage, step, steps, loss) => {
    const time = performance.now();
    if (last?.stage === stage) {
      const seconds = (time - last.time) / 1000;
      mean = mean === undefined ? seconds : mean + NEWEST * (seconds - mean);
    } else mean = undefined;
    last = { stage, time };
    onProgress({
      stage: stage === 'encode' ? 'encode image' : 'train',
      step,
      steps,
      ...(mean !== undefined && { secondsPerStep: mean, secondsLeft: mean * (steps - step) }),
      ...(loss !== undefined && { loss }),
    });
  };
}

/** `sample-STEP.png` in the run's folder: the sample prompt with the LoRA at full weight. */
async function paintSample(
  host: EngineHost,
  request: LoraTrainingRequest,
  context: JobContext,
  { step, lora }: { step: number; lora: string },
): Promise<void> {
  const picture = generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: request.checkpoint,
    prompt: request.samplePrompt || request.triggerWord || request.pictures[0]!.caption,
    loras: [{ model: { name: request.name, path: lora }, unetWeight: 1, textWeight: 1 }],
    width: request.resolution,
    height: request.resolution,
    seed: request.seed,
  });
  const result = await generate(host, picture, { ...context, onProgress: () => undefined });
  await host.release();
  if (result.kind !== 'images') return;
  const { data, width, height, channels } = result.images[0]!;
  const png = await encodePixels(pixelsOf(data, width, height, channels), 'png');
  writeFileSync(join(request.outputDir, `sample-${step}.png`), png);
}
