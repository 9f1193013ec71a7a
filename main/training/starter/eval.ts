/** `npm run starter:eval`: measures every promise of the starter on the shipped files, prints each figure, writes the cards. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Card, cardText } from './card.ts';
import { gridPng } from './data/grid.ts';
import { importPart, importStarter, STARTER_FILES } from './importer.ts';
import {
  imageToImage,
  inpainting,
  judgeOfDrawnScenes,
  lineControl,
  type Proof,
  reconstruction,
  textToImage,
} from './proofs.ts';
import { measureUpscaler } from './upscale/upscalerModel.ts';

/** Promise → what measures it; `least` is what must be reached. */
interface Measure {
  readonly title: string;
  readonly run: () => Promise<Proof>;
  readonly least: Readonly<Record<string, number>>;
  /** Name of the sample grid, where there is one. */
  readonly grid?: string;
}

const { values } = parseArgs({
  options: { count: { type: 'string', default: '200' }, only: { type: 'string' } },
});
const count = Number(values.count);
const models = importStarter();
const ALL: Readonly<Record<string, Measure>> = {
  judge: {
    title: `The judge (CLIP pair) on ${2 * count} drawn scenes in unseen combinations`,
    run: () => judgeOfDrawnScenes(models, 2 * count),
    least: { sky: 0.98, ground: 0.98, kind: 0.98, colour: 0.98 },
  },
  vae: {
    title: 'Reconstruction of 64 unseen scenes, dB PSNR',
    run: () => reconstruction(models, 64),
    least: { psnr: 28 },
  },
  text: {
    title: `Pictures from ${count} prompts in unseen combinations, share right`,
    run: () => textToImage(models, count),
    least: { sky: 0.9, ground: 0.9, kind: 0.9, colour: 0.9 },
    grid: 'samples',
  },
  inpaint: {
    title: 'Objects painted into 32 empty scenes, share right',
    run: () => inpainting(models, 32),
    least: { kind: 0.8 },
    grid: 'inpainting',
  },
  img2img: {
    title: 'Distance from 16 source pictures by denoising strength',
    run: () => imageToImage(models, 16),
    least: {},
  },
  ...(models.control && {
    control: {
      title: 'Edges of 32 pictures against the line drawing',
      run: () => lineControl(models, 32),
      least: {},
      grid: 'control',
    },
  }),
  ...(existsSync(STARTER_FILES.upscaler) && {
    upscaler: {
      title: 'Enlargement of 32 unseen scenes to 512², dB PSNR',
      run: async () => ({
        figures: { ...(await measureUpscaler(importPart(STARTER_FILES.upscaler, ''), 32)) },
      }),
      least: {},
    },
  }),
};

const cards: Card[] = [];
for (const [name, measure] of Object.entries(ALL)) {
  if (values.only && !values.only.split(',').includes(name)) continue;
  const proof = await measure.run();
  cards.push({
    title: measure.title,
    figures: proof.figures,
    least: measure.least,
    ...(measure.grid && { grid: measure.grid }),
  });
  print(measure, proof);
  if (measure.grid)
    writeFileSync(
      `starter/${measure.grid}.png`,
      await gridPng(proof.pictures!.slice(0, 32 * 3 * 128 ** 2), 8),
    );
}
if (!values.only) writeFileSync('starter/CARD.md', cardText(cards, readRecords()));

function print({ title, least }: Measure, { figures }: Proof): void {
  console.log(title);
  for (const [name, value] of Object.entries(figures)) {
    const wanted = least[name];
    const verdict = wanted === undefined ? '' : value >= wanted ? `  ≥ ${wanted} ✓` : `  below ${wanted} ✗`;
    console.log(`  ${name}: ${value.toFixed(3)}${verdict}`);
  }
}

function readRecords(): Parameters<typeof cardText>[1] {
  return JSON.parse(readFileSync('starter/training.json', 'utf8')) as Parameters<typeof cardText>[1];
}
