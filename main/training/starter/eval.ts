/** `npm run starter:eval`: measures every promise of the starter on the shipped files, prints each figure, writes the cards. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Card, cardText } from './card.ts';
import { gridPng } from './data/grid.ts';
import { importPart, importStarter, STARTER_FILES } from './importer.ts';
import { styleLora } from './loraProof.ts';
import { PICTURE_SIZE } from './models.ts';
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

/** Pictures in a sample grid. */
const SHOWN = 32;

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
  ...(existsSync(STARTER_FILES.woodcut) && {
    woodcut: {
      title: 'The woodcut LoRA on 16 prompts',
      run: () => styleLora(models, STARTER_FILES.woodcut, 16),
      least: {},
      grid: 'woodcut',
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

/** Figures by measure; a run of some measures keeps what earlier runs found of the others. */
const MEASURED = 'starter/measured.json';
const cards: Record<string, Card> = existsSync(MEASURED)
  ? (JSON.parse(readFileSync(MEASURED, 'utf8')) as Record<string, Card>)
  : {};
for (const [name, measure] of Object.entries(ALL)) {
  if (values.only && !values.only.split(',').includes(name)) continue;
  const { title, least, grid } = measure;
  const proof = await measure.run();
  print(measure, proof);
  cards[name] = { title, figures: proof.figures, least, ...(grid && { grid }) };
  if (grid)
    writeFileSync(
      `starter/${grid}.png`,
      await gridPng(proof.pictures!.slice(0, SHOWN * 3 * PICTURE_SIZE ** 2), 8),
    );
  // After every measure: what was found survives a kill in the next one.
  writeFileSync(MEASURED, `${JSON.stringify(cards, null, 2)}\n`);
  writeFileSync('starter/CARD.md', cardText(Object.values(cards), readRecords()));
}

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
