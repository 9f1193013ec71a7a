/**
 * What a run needs to go on after a kill, in one safetensors file: weights, optimiser averages, and the run's own JSON.
 * One file written to a temporary name and renamed is either the old state or the new one, never half of each.
 */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { openSafetensors } from '../../native-models/weights/safetensors.ts';
import { floatSource, writeSafetensors } from '../../native-models/weights/safetensorsWriter.ts';
import { readFloat32, WeightsError, type WeightsFile } from '../../native-models/weights/tensors.ts';
import type { AdamWState } from './optimizer.ts';
import type { ParameterSet } from './parameters.ts';

export interface TrainingState {
  readonly parameters: ParameterSet;
  readonly optimizer: AdamWState;
  /** Moving average of the parameters, where the run keeps one. */
  readonly average?: ParameterSet;
}

/** Key of the JSON in the file's metadata. */
const RUN_KEY = 'emulsion_training_run';
/** Between the name of a set and that of its tensor. */
const SEPARATOR = ':';

/** Writes `state` and `run` (plain JSON: counters, seeds, losses) to `path`. Throws WeightsError. */
export async function saveTrainingState(path: string, state: TrainingState, run: object): Promise<void> {
  const sources = setsOf(state).flatMap(([set, { shapes, views }]) =>
    [...shapes].map(([name, shape]) => floatSource(set + SEPARATOR + name, shape, views.get(name)!)),
  );
  const json = JSON.stringify({ optimizerStep: state.optimizer.step, run });
  await writeSafetensors(path, sources, { [RUN_KEY]: json });
}

/**
 * Fills `state`, made for the same model, from `path` and returns the run's JSON; undefined when there is no such file.
 * Throws WeightsError when the file holds other tensors or other JSON: a run of another model or of other settings.
 */
export function loadTrainingState<Run>(
  path: string,
  state: TrainingState,
  schema: z.ZodType<Run>,
): Run | undefined {
  if (!existsSync(path)) return undefined;
  const file = openSafetensors(path);
  const { optimizerStep, run } = readRun(file, schema);
  const sets = setsOf(state);
  const expected = sets.reduce((sum, [, { shapes }]) => sum + shapes.size, 0);
  if (file.tensors.size !== expected)
    throw otherRun(path, `it holds ${file.tensors.size} tensors, this run has ${expected}`);
  for (const [set, parameters] of sets) fill(file, set, parameters);
  state.optimizer.step = optimizerStep;
  return run;
}

function setsOf({ parameters, optimizer, average }: TrainingState): [string, ParameterSet][] {
  const sets: [string, ParameterSet][] = [
    ['parameters', parameters],
    ['mean', optimizer.mean],
    ['square', optimizer.square],
  ];
  return average ? [...sets, ['average', average]] : sets;
}

function fill(file: WeightsFile, set: string, { shapes, views }: ParameterSet): void {
  for (const [name, shape] of shapes) {
    const info = file.tensors.get(set + SEPARATOR + name);
    if (info?.shape.join() !== shape.join())
      throw otherRun(file.path, `"${name}" is missing or has another shape`);
    views.get(name)!.set(readFloat32(file, info.name));
  }
}

function readRun<Run>(file: WeightsFile, schema: z.ZodType<Run>): { optimizerStep: number; run: Run } {
  const stored = z.object({ optimizerStep: z.int().min(0), run: schema });
  const { success, data } = stored.safeParse(parse(file.metadata[RUN_KEY] ?? ''));
  if (!success) throw otherRun(file.path, 'it carries no training state');
  return data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function otherRun(path: string, problem: string): WeightsError {
  return new WeightsError(
    path,
    `this is not the state of this run: ${problem}`,
    'Move the file away to begin anew, or resume with the settings it was made with',
  );
}
