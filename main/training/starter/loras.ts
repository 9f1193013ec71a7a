/** Trains the starter's two LoRAs with the studio's own LoRA trainer: a style (woodcut) and an object (cat). */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import sharp from 'sharp';
import { loraTrainingRequestSchema } from '../../../preload/training.ts';
import { openBaseModel } from '../lora/baseModel.ts';
import { trainLora } from '../lora/loraTrainer.ts';
import { captionAt, type SampleOptions, sample } from '../world/dataset.ts';
import { WOODCUT_TRIGGER } from '../world/draw.ts';
import { NEW_KINDS } from '../world/scene.ts';
import { drawAll } from './data/pictures.ts';
import { STARTER_FILES } from './importer.ts';
import type { TrainOptions } from './loop/loop.ts';
import { PICTURE_SIZE } from './models.ts';
import { publishCurves } from './publish.ts';

/** Pictures a LoRA learns from. */
const PICTURES = 96;
interface LoraPlan {
  readonly file: string;
  readonly triggerWord: string;
  readonly rank: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly what: SampleOptions;
}
const LORAS = {
  woodcut: {
    file: STARTER_FILES.woodcut,
    triggerWord: WOODCUT_TRIGGER,
    rank: 8,
    steps: 1200,
    learningRate: 1e-3,
    what: { style: 'woodcut' },
  },
  cat: {
    file: STARTER_FILES.cat,
    triggerWord: 'cat',
    rank: 4,
    steps: 1200,
    learningRate: 2e-3,
    what: { kinds: NEW_KINDS, count: 1 },
  },
} as const satisfies Record<string, LoraPlan>;

/** Both, from the published checkpoint into starter/; resumes what was begun, passes over what is finished. */
export async function trainLoras({ folder }: TrainOptions): Promise<void> {
  for (const [name, { file, triggerWord, rank, steps, learningRate, what }] of Object.entries(LORAS)) {
    const outputDir = `${folder}/lora-${name}`;
    if (existsSync(`${outputDir}/little-world-${name}.safetensors`)) continue;
    const request = loraTrainingRequestSchema.parse({
      kind: 'train-lora',
      checkpoint: { name: 'little-world', path: STARTER_FILES.checkpoint },
      name: `little-world-${name}`,
      triggerWord,
      pictures: await drawPictures(outputDir, what),
      outputDir,
      rank,
      alpha: rank,
      targets: ['attention', 'feed-forward'],
      resolution: PICTURE_SIZE,
      steps,
      batch: 8,
      learningRate,
      warmupSteps: 20,
      captionDropout: 0.05,
      seed: '7',
      saveEvery: 100,
    });
    const onProgress = (stage: string, done: number, total: number, loss?: number): void => {
      if (stage === 'train' && done % 50 === 0)
        console.log(`${name} ${done}/${total} loss ${loss?.toFixed(4)}`);
    };
    const { path } = await trainLora(request, await openBaseModel(STARTER_FILES.checkpoint), { onProgress });
    copyFileSync(path, file);
    copyFileSync(`${outputDir}/losses.jsonl`, `${folder}/${name}.jsonl`);
  }
  await publishCurves(folder);
}

/** Draws the pictures as PNG files; where they lie, with their captions. */
async function drawPictures(
  folder: string,
  what: SampleOptions,
): Promise<{ path: string; caption: string }[]> {
  mkdirSync(`${folder}/pictures`, { recursive: true });
  return drawAll(PICTURES, async (index) => {
    const { scene, pixels } = await sample(index, 'train', { ...what, size: PICTURE_SIZE });
    const path = `${folder}/pictures/${String(index).padStart(3, '0')}.png`;
    const raw = { width: pixels.size, height: pixels.size, channels: 3 } as const;
    await sharp(pixels.data, { raw }).png().toFile(path);
    return { path, caption: captionAt(scene, index, what.style ?? 'flat') };
  });
}
