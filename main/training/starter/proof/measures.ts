/** Every promise of the starter: what measures it, and what is to be reached. */
import { existsSync } from 'node:fs';
import type { StarterModels } from '../denoise/sampling.ts';
import { importPart, importStarter, STARTER_FILES } from '../importer.ts';
import { objectLora, styleLora } from './loraProof.ts';
import { imageToImage, inpainting, lineControl, textToImage } from './paintProofs.ts';
import { enlargement, judgeOfDrawnScenes, reconstruction } from './partProofs.ts';
import type { Proof } from './proof.ts';

/** What was promised of a figure: at least, or at most. */
export interface Goal {
  readonly least?: number;
  readonly most?: number;
}

export interface Measure {
  readonly title: string;
  readonly run: () => Promise<Proof>;
  /** By figure; figures without a goal are there to compare with. */
  readonly goals: Readonly<Record<string, Goal>>;
}

/** All that can be measured with the files that are there; `count` prompts for text to image. */
export function measures(count: number): Readonly<Record<string, Measure>> {
  const models = importStarter();
  return { ...checkpointMeasures(models, count), ...companionMeasures(models) };
}

function checkpointMeasures(models: StarterModels, count: number): Record<string, Measure> {
  return {
    judge: {
      title: `Told apart on ${2 * count} drawn scenes that no training saw, share right`,
      run: () => judgeOfDrawnScenes(models, 2 * count),
      goals: sameFor(['sky', 'ground', 'kind', 'colour'], { least: 0.98 }),
    },
    vae: {
      title: 'Reconstruction of 64 unseen scenes, dB PSNR (above: drawn, below: reconstructed)',
      run: () => reconstruction(models, 64),
      goals: { psnr: { least: 28 } },
    },
    text: {
      title: `Pictures from ${count} prompts in unseen combinations, share right`,
      run: () => textToImage(models, count),
      goals: sameFor(['sky', 'ground', 'kind', 'colour'], { least: 0.9 }),
    },
    inpaint: {
      title: 'Objects painted into 32 empty scenes, share right (above: before, below: after)',
      run: () => inpainting(models, 32),
      goals: { kind: { least: 0.8 }, 'change outside the mask': { most: 0 } },
    },
    img2img: {
      title: 'Distance from 16 source pictures by denoising strength (first row: sources)',
      run: () => imageToImage(models, 16),
      goals: { 'smallest growth': { least: 0.001 } },
    },
  };
}

/** Of the files beside the checkpoint, as far as they are there. */
function companionMeasures(models: StarterModels): Record<string, Measure> {
  const { upscaler, woodcut, cat } = STARTER_FILES;
  return {
    ...(models.control && {
      control: {
        title: 'Edges of 32 pictures against the line drawing (rows: drawing, with it, without it)',
        run: () => lineControl(models, 32),
        goals: { 'gain by the hint': { least: 0.2 } },
      },
    }),
    ...(existsSync(woodcut) && {
      woodcut: {
        title: 'The woodcut LoRA on 16 prompts (above: without, below: at weight 1)',
        run: () => styleLora(models, woodcut, 16),
        goals: { 'change at weight 0': { most: 0 }, 'change at weight 1': { least: 0.1 } },
      },
    }),
    ...(existsSync(cat) && {
      cat: {
        title: 'The cat LoRA on 32 prompts, share that shows a cat (above: without, below: at weight 1)',
        run: () => objectLora(models, cat, 32),
        goals: {
          'change at weight 0': { most: 0 },
          'cats at weight 0': { most: 0.2 },
          'cats at weight 1': { least: 0.8 },
        },
      },
    }),
    ...(existsSync(upscaler) && {
      upscaler: {
        title: 'Enlargement of 32 unseen scenes to 512², dB PSNR (bicubic, model, drawn large)',
        run: () => enlargement(importPart(upscaler, ''), 32),
        goals: { 'gain over bicubic': { least: 2 } },
      },
    }),
  };
}

function sameFor(names: readonly string[], goal: Goal): Record<string, Goal> {
  return Object.fromEntries(names.map((name) => [name, goal]));
}

/** "≥ 0.98" */
export function goalText({ least, most }: Goal): string {
  return least === undefined ? `≤ ${most}` : `≥ ${least}`;
}

/** Whether a figure keeps what was promised of it. */
export function isReached(value: number, { least, most }: Goal): boolean {
  return (least === undefined || value >= least) && (most === undefined || value <= most);
}
