import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { adamWStep, createAdamW, updateAverage } from '../../main/training/optimizer.ts';
import { copyParameters, createParameters, type Shapes } from '../../main/training/parameters.ts';
import {
  loadTrainingState,
  saveTrainingState,
  type TrainingState,
} from '../../main/training/trainingState.ts';
import { temporaryFolder } from '../helpers/weightFiles.ts';

const SHAPES: Shapes = new Map([
  ['unet.in.weight', [2, 3]],
  ['unet.in.bias', [2]],
]);

function freshState(shapes: Shapes = SHAPES): TrainingState {
  const parameters = createParameters(shapes);
  for (const [i] of parameters.flat.entries()) parameters.flat[i] = Math.cos(i);
  return { parameters, optimizer: createAdamW(shapes), average: copyParameters(parameters) };
}

const RUN = z.object({ step: z.int() });

/** Steps of a made-up run: gradients pull towards 0. */
function train(state: TrainingState, steps: number): void {
  for (let i = 0; i < steps; i++) {
    adamWStep(state.parameters, copyParameters(state.parameters).views, state.optimizer, {
      learningRate: 0.05,
    });
    updateAverage(state.average!, state.parameters, 0.9);
  }
}

describe('training state', () => {
  test('a resumed run ends bit for bit where an uninterrupted one does', async () => {
    const path = join(temporaryFolder(), 'run.state.safetensors');
    const [whole, first, second] = [freshState(), freshState(), freshState()];
    train(whole, 20);
    train(first, 12);
    await saveTrainingState(path, first, { samples: 192 });
    expect(loadTrainingState(path, second, z.object({ samples: z.int() }))).toEqual({ samples: 192 });
    expect(second.optimizer.step).toBe(12);
    train(second, 8);
    expect(second.parameters.flat).toEqual(whole.parameters.flat);
    expect(second.average!.flat).toEqual(whole.average!.flat);
  });

  test('saving again replaces the file and leaves nothing else behind', async () => {
    const path = join(temporaryFolder(), 'run.state.safetensors');
    await saveTrainingState(path, freshState(), { step: 1 });
    await saveTrainingState(path, freshState(), { step: 2 });
    expect(loadTrainingState(path, freshState(), RUN)).toEqual({ step: 2 });
    expect(readdirSync(dirname(path))).toEqual(['run.state.safetensors']);
  });

  test('no file is no state', () => {
    expect(loadTrainingState(join(temporaryFolder(), 'none.safetensors'), freshState(), RUN)).toBeUndefined();
  });

  test('refuses the state of another model, and a file that is none', async () => {
    const path = join(temporaryFolder(), 'run.state.safetensors');
    await saveTrainingState(path, freshState(), { step: 1 });
    expect(() =>
      loadTrainingState(
        path,
        freshState(
          new Map([
            ['unet.in.weight', [3, 2]],
            ['unet.in.bias', [2]],
          ]),
        ),
        RUN,
      ),
    ).toThrow('another shape');
    const smaller = freshState(new Map([['unet.in.weight', [2, 3]]]));
    expect(() => loadTrainingState(path, smaller, RUN)).toThrow('8 tensors, this run has 4');
    expect(() => loadTrainingState(path, freshState(), z.object({ epoch: z.int() }))).toThrow(
      'no training state',
    );
    const header = readFileSync(path, 'latin1').replace('emulsion_training_run', 'emulsion_training_ruin');
    writeFileSync(path, header, 'latin1');
    expect(() => loadTrainingState(path, freshState(), RUN)).toThrow(/run\.state/);
  });
});
