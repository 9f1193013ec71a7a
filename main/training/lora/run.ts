/** A run on disk: its folder, its pairs and averages, and how it goes on after a kill. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { LoraTrainingRequest } from '../../../preload/training.ts';
import type { AdamWState } from '../optimizer.ts';
import type { ParameterSet, Shapes } from '../parameters.ts';
import { hash, rng } from '../random.ts';
import { sharedAdamW, sharedParameters } from '../shards/memory.ts';
import { loadTrainingState, saveTrainingState } from '../trainingState.ts';
import { TrainingError } from './trainingError.ts';

export interface RunPlaces {
  /** The finished LoRA. */
  readonly lora: string;
  /** The LoRA as it is at a step, for a sample picture. */
  readonly sampleLora: (step: number) => string;
  readonly state: string;
  readonly losses: string;
  readonly latents: string;
}

/** All of a run lies in its request's folder. */
export function runPlaces({ outputDir, name }: LoraTrainingRequest): RunPlaces {
  mkdirSync(outputDir, { recursive: true });
  const file = (part: string): string => join(outputDir, part);
  return {
    lora: file(`${name}.safetensors`),
    sampleLora: (step) => file(`sample-${step}.safetensors`),
    state: file('state.safetensors'),
    losses: file('losses.jsonl'),
    latents: file('latents'),
  };
}

export interface Run {
  readonly parameters: ParameterSet;
  /** Its step is the run's. */
  readonly optimizer: AdamWState;
  readonly startedAt: Date;
  /** Seconds of training so far, pauses left out. */
  seconds: number;
  save(): Promise<void>;
}

const savedSchema = z.object({ settings: z.string(), startedAt: z.string(), seconds: z.number() });

/** A new run, or the one that was saved in the folder. Throws when that one was begun with other settings. */
export function openRun(request: LoraTrainingRequest, shapes: Shapes, { state }: RunPlaces): Run {
  const parameters = sharedParameters(shapes);
  const optimizer = sharedAdamW(shapes);
  const settings = fingerprint(request);
  initialise(parameters, request.seed);
  const saved = loadTrainingState(state, { parameters, optimizer }, savedSchema);
  if (saved && saved.settings !== settings)
    throw new TrainingError(
      `${state}: this run was begun with other settings; go on with those, or choose another folder`,
    );
  const startedAt = new Date(saved?.startedAt ?? Date.now());
  const run: Run = {
    parameters,
    optimizer,
    startedAt,
    seconds: saved?.seconds ?? 0,
    save: () => {
      const told: z.infer<typeof savedSchema> = {
        settings,
        startedAt: startedAt.toISOString(),
        seconds: run.seconds,
      };
      return saveTrainingState(state, { parameters, optimizer }, told);
    },
  };
  return run;
}

/** Removes what only an unfinished run needs. */
export function forgetRun({ state, latents }: RunPlaces): void {
  for (const path of [state, latents]) rmSync(path, { recursive: true, force: true });
}

/**
 * Down matrices uniform in ±1/√fan-in (torch's kaiming_uniform with a = √5, as kohya begins), up matrices zero:
 * the first step starts from the unchanged model.
 */
function initialise({ shapes, views }: ParameterSet, seed: string): void {
  for (const [name, shape] of shapes) {
    if (!name.endsWith('.lora_down.weight')) continue;
    const random = rng(hash('down', seed, name));
    const bound = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
    const values = views.get(name)!;
    for (let i = 0; i < values.length; i++) values[i] = random.between(-bound, bound);
  }
}

/** Of everything that shapes the result; how often is saved and sampled may change between resumes. */
function fingerprint(request: LoraTrainingRequest): string {
  const { saveEvery: _save, sampleEvery: _every, samplePrompt: _prompt, outputDir: _dir, ...rest } = request;
  return createHash('sha256').update(JSON.stringify(rest)).digest('hex');
}
