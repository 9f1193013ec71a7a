/** The engine's progress as the window sees it: one fraction of the whole job, time left, a preview to show. */
import sharp from 'sharp';
import type { JobProgress } from '../../preload/jobs.ts';
import type { EngineProgress, RawImage } from '../engine/border/protocol.ts';

type Preview = NonNullable<JobProgress['preview']>;

/** Share of a whole job at the start and the end of each stage, where steps take most of the time. */
// biome-ignore format: one table, read across
const SHARES: Readonly<Record<JobProgress['stage'], readonly [number, number]>> = {
  load: [0, 0.06], 'encode text': [0.06, 0.08], 'encode image': [0.08, 0.1],
  'warm up': [0.1, 0.1], denoise: [0.1, 0.9],
  upscale: [0.1, 0.95], train: [0.05, 0.99], embed: [0.1, 0.95], decode: [0.9, 0.97], save: [0.97, 1],
};

export interface ProgressTracker {
  update(progress: EngineProgress, now: number): JobProgress;
  /** Mean seconds of a step so far, without the first, which still warms up; undefined before the second. */
  secondsPerStep(): number | undefined;
}

/** @param expectedSeconds what was learnt from earlier jobs; used until the engine knows better. */
export function trackProgress(
  jobId: number,
  expectedSeconds: number | null,
  started: number,
): ProgressTracker {
  let fraction = 0;
  let steps = 0;
  let firstStepAt: number | null = null;
  let lastStepAt = 0;
  const perStep = () =>
    firstStepAt === null || steps < 2 ? undefined : (lastStepAt - firstStepAt) / 1000 / (steps - 1);
  return {
    secondsPerStep: perStep,
    update: (progress, now) => {
      const { stage, step, steps: all } = progress;
      const [from, to] = SHARES[stage];
      if ((stage === 'denoise' || stage === 'train') && step > 0) {
        firstStepAt ??= now;
        lastStepAt = now;
        steps += 1;
      }
      fraction = Math.max(fraction, from + (to - from) * (all > 0 ? Math.min(1, step / all) : 0));
      const learnt = expectedSeconds === null ? null : Math.max(0, expectedSeconds - (now - started) / 1000);
      return {
        ...{ jobId, stage, step, steps: all, fraction },
        secondsPerStep: progress.secondsPerStep ?? perStep() ?? null,
        secondsLeft: progress.secondsLeft ?? learnt,
        preview: null,
        loss: progress.loss ?? null,
      };
    },
  };
}

/** Preview pixels as a data URL; a 64 × 64 PNG takes about 10 KB and 2 ms. */
export async function previewUrl({ width, height, channels, data }: RawImage): Promise<Preview> {
  const png = await sharp(data, { raw: { width, height, channels } }).png({ compressionLevel: 3 }).toBuffer();
  return { width, height, dataUrl: `data:image/png;base64,${png.toString('base64')}` };
}
