import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLossLog } from '../../../../main/training/lossLog.ts';
import { createParameters } from '../../../../main/training/parameters.ts';
import { type LoopModel, trainLoop } from '../../../../main/training/starter/loop/loop.ts';
import { optimised } from '../../../../main/training/starter/loop/update.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A bowl: loss = |p − target|², whose gradient is known. `diesAt` throws there, as a kill would. */
function bowl(diesAt = Number.POSITIVE_INFINITY): LoopModel & { readonly values: Float32Array } {
  const parameters = createParameters(new Map([['p', [3]]]));
  const gradient = new Float32Array(3);
  const target = [1, -2, 0.5];
  const lossOf = async (step: number): Promise<number> => {
    if (step === diesAt) throw new Error('killed');
    let loss = 0;
    for (const [i, value] of parameters.flat.entries()) {
      gradient[i] = 2 * (value - target[i]!);
      loss += (value - target[i]!) ** 2;
    }
    return loss;
  };
  const model = optimised(parameters, new Map([['p', gradient]]), { maxNorm: 100, weightDecay: 0 });
  return { ...model, lossOf, values: parameters.flat };
}

const PLAN = { steps: 120, peak: 0.1, curve: 'cosine', warmupSteps: 5 } as const;

describe('the training loop', () => {
  it('learns, logs, and passes over what is finished', async () => {
    const model = bowl();
    const path = join(folder, 'bowl');
    const { step, done } = await trainLoop(model, { ...PLAN, path });
    expect({ step, done }).toEqual({ step: 120, done: true });
    expect(model.values[1]).toBeCloseTo(-2, 1);
    const losses = readLossLog(`${path}.jsonl`).map(({ loss }) => loss);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 10);
    const finished = bowl(0);
    await trainLoop(finished, { ...PLAN, path });
    expect([...finished.values]).toEqual([...model.values]);
  });

  it('gives after a kill what it gives without', async () => {
    const whole = bowl();
    await trainLoop(whole, { ...PLAN, path: join(folder, 'whole') });
    const path = join(folder, 'killed');
    await expect(trainLoop(bowl(50), { ...PLAN, path, saveEvery: 0 })).rejects.toThrow('killed');
    const resumed = bowl();
    await trainLoop(resumed, { ...PLAN, path });
    expect([...resumed.values]).toEqual([...whole.values]);
    const steps = readLossLog(`${path}.jsonl`).map(({ step }) => step);
    expect(steps).toEqual([...new Set(steps)]);
  });

  it('stops with a reason when the loss is no number', async () => {
    const model = { ...bowl(), lossOf: async () => Number.NaN };
    await expect(trainLoop(model, { ...PLAN, path: join(folder, 'nan') })).rejects.toThrow(/loss became NaN/);
  });
});
