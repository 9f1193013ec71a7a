/** Shortcuts: how near the starter's pictures stay and how much work is left, and what that work takes on a full-size U-Net. */

import { createLoraStore } from '../../main/engine/conditions/loras.ts';
import { createNetworks, type Networks } from '../../main/engine/networks/networks.ts';
import { DEFAULT_SESSION } from '../../main/engine/runtime/sessions.ts';
import { openCheckpoint } from '../../main/engine/weights/checkpoint.ts';
import type { NoisePredictionInput } from '../../main/pipeline/model.ts';
import { type Tensor, tensor } from '../../main/pipeline/tensor.ts';
import { SPEED_SHORTCUTS } from '../../preload/shortcuts.ts';
import {
  openStarter,
  outerShare,
  type Painted,
  PROMPTS,
  psnr,
  starterRequest,
  workShare,
} from '../helpers/shortcutRuns.ts';
import { secondsBetweenEvaluations } from './loop.ts';
import type { BenchContext, BenchRow } from './rows.ts';
import { medianSecondsInTurns, wave } from './timing.ts';

/** Two seeds a prompt, 20 steps. */
const SEEDS = ['1', '2'];
const { draft } = SPEED_SHORTCUTS;

/** Each shortcut alone as the speed `draft` sets it, then both presets. */
const RUNS = {
  'guidance interval': { shortcuts: { guidanceInterval: draft.guidanceInterval } },
  'negative prompt extrapolated': { shortcuts: { negativeBound: draft.negativeBound } },
  'deep features extrapolated': { shortcuts: { deepBound: draft.deepBound } },
  'those of fast': { shortcuts: SPEED_SHORTCUTS.fast },
  'those of draft': { shortcuts: draft },
  'those of draft, dpmpp_2m karras': { shortcuts: draft, sampler: 'dpmpp_2m', schedule: 'karras' },
} as const;

/** Work left and PSNR against the exact pictures, all in float32, so that the shortcuts alone are seen. */
export async function shortcutPictureRows(): Promise<BenchRow[]> {
  const starter = openStarter(0);
  const outer = outerShare(starter.opened.config.unet, 16);
  const rows: BenchRow[] = [];
  const exacts = new Map<string, Painted[]>();
  for (const [name, { shortcuts, ...walk }] of Object.entries(RUNS)) {
    const key = JSON.stringify(walk);
    const paintAll = async (changes: object): Promise<Painted[]> => {
      const all: Painted[] = [];
      for (const prompt of PROMPTS)
        for (const seed of SEEDS)
          all.push(await starter.paint(starterRequest(prompt, { seed, ...walk, ...changes })));
      return all;
    };
    const exact = exacts.get(key) ?? (await paintAll({}));
    exacts.set(key, exact);
    rows.push(...comparisonRows(name, await paintAll({ shortcuts }), exact, outer));
  }
  await starter.release();
  return rows;
}

function comparisonRows(
  name: string,
  runs: readonly Painted[],
  exact: readonly Painted[],
  outer: number,
): BenchRow[] {
  const decibels = runs.map((run, i) => Math.min(99, psnr(run.pixels[0]!, exact[i]!.pixels[0]!)));
  const work = runs.reduce((sum, run, i) => sum + workShare(run, exact[i]!, outer), 0) / runs.length;
  const isDraft = name.startsWith('those of draft');
  return [
    {
      what: `${name}: work against exact`,
      value: work,
      unit: '×',
      ...(isDraft && { goal: { atMost: 0.6 } }),
    },
    { what: `${name}: PSNR, mean`, value: decibels.reduce((a, b) => a + b) / decibels.length, unit: 'dB' },
    {
      what: `${name}: PSNR, worst`,
      value: Math.min(...decibels),
      unit: 'dB',
      ...(isDraft && { goal: { atLeast: 28 } }),
    },
  ];
}

/**
 * A full-size U-Net's evaluations, in turns: whole, for the positive prompt alone, and the outer blocks; and a step of
 * the speed `draft` from them, by how often the starter needed each.
 */
export async function shortcutStepRows({ checkpoint, sides }: BenchContext): Promise<BenchRow[]> {
  const { graphs, config } = openCheckpoint(checkpoint, { flavour: 'cpu' });
  const lora = createLoraStore().choose(config, []).feeds;
  const options = { session: DEFAULT_SESSION, oneAtATime: false, vaeTile: () => Number.MAX_SAFE_INTEGER };
  const networks = createNetworks(graphs, options, lora);
  const counts = await draftCounts();
  const rows: BenchRow[] = [];
  for (const side of sides) {
    const seconds = await evaluationSeconds(networks, side);
    const exact = seconds.whole + (await secondsBetweenEvaluations(side, SPEED_SHORTCUTS.exact));
    const between = await secondsBetweenEvaluations(side, draft);
    const shortened =
      counts.both * seconds.whole + counts.one * seconds.one + counts.outer * seconds.outer + between;
    const row = (what: string, share: number, atMost?: number): BenchRow => ({
      what: `U-Net ${side}²: ${what}, against it`,
      value: share / exact,
      unit: '×',
      ...(atMost !== undefined && { goal: { atMost } }),
    });
    rows.push(
      { what: `U-Net ${side}²: CFG step, exact`, value: exact, unit: 's' },
      row('between two evaluations', exact - seconds.whole, 0.01),
      row('between two evaluations, draft', between),
      row('the positive prompt alone', seconds.one),
      row('the outer blocks', seconds.outer),
      row("a step of draft's shortcuts", shortened, 0.6),
    );
  }
  await networks.release();
  return rows;
}

/** Median seconds of a whole evaluation, of one for the positive prompt alone, and of the outer blocks, in turns. */
async function evaluationSeconds(
  { predictNoise, config }: Networks,
  side: number,
): Promise<Record<'whole' | 'one' | 'outer', number>> {
  const both = evaluation(2, side / 8, config.unet.contextDim);
  const one = evaluation(1, side / 8, config.unet.contextDim);
  const { deep } = await predictNoise({ ...both, deep: 'keep' });
  return medianSecondsInTurns({
    whole: () => predictNoise(both),
    one: () => predictNoise(one),
    outer: () => predictNoise({ ...both, deep: deep! }),
  });
}

/** How often a step of the starter runs both prompts, one, or the outer blocks, in draft. */
async function draftCounts(): Promise<{ both: number; one: number; outer: number }> {
  const starter = openStarter(0);
  const counts = { both: 0, one: 0, outer: 0 };
  for (const prompt of PROMPTS) {
    const run = await starter.paint(starterRequest(prompt, { shortcuts: draft }));
    const exact = await starter.paint(starterRequest(prompt));
    const steps = (exact.whole / 2) * PROMPTS.length;
    counts.one += run.single / steps;
    counts.both += (run.whole - run.single) / 2 / steps;
    counts.outer += run.outer / 2 / steps;
  }
  await starter.release();
  return counts;
}

function evaluation(rows: number, side: number, contextDim: number): NoisePredictionInput {
  const waves = (...shape: number[]): Tensor => tensor(wave(shape.reduce((a, b) => a * b, 1)), shape);
  return {
    latent: waves(rows, 4, side, side),
    timestep: new Float32Array(rows).fill(500),
    context: waves(rows, 77, contextDim),
  };
}
