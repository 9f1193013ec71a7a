/** From the training folder to starter/: weights in half precision, loss curves, and a record of how each was made. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { lossCurvePng } from '../lossCurve.ts';
import { readLossLog } from '../lossLog.ts';
import { CARDS } from './cards.ts';
import { exportCheckpoint, exportParameters, starterMetadata } from './exporter.ts';
import { STARTER_FILES } from './importer.ts';
import { loadParameters } from './loop/store.ts';

/** Where cards and their pictures lie. */
export const CARD_FOLDER = 'starter/cards';
const RECORDS = 'starter/training.json';

/** Steps and seconds of one log. */
export interface TrainingRecord {
  readonly steps: number;
  readonly seconds: number;
  readonly finalLoss: number;
}

/** Publishes every finished part of `folder`; a part that is not finished yet is passed over. */
export async function publish(folder: string): Promise<void> {
  mkdirSync('starter', { recursive: true });
  const found = (...names: string[]): string | undefined =>
    names.map((name) => `${folder}/${name}.safetensors`).find((path) => existsSync(path));
  const [unet, vae, clip] = [
    found('unet', 'unet-best'),
    found('vae-final', 'vae'),
    found('clip-final', 'clip'),
  ];
  if (unet && vae && clip)
    await exportCheckpoint(STARTER_FILES.checkpoint, {
      unet: loadParameters(unet),
      vae: loadParameters(vae),
      clip: loadParameters(clip),
    });
  await publishControl(found('control'));
  await publishUpscaler(found('upscaler'));
  await publishCurves(folder);
}

async function publishControl(path: string | undefined): Promise<void> {
  if (!path) return;
  const about = 'Line drawings of little-world scenes, white on black.';
  const metadata = starterMetadata('Little World scribble', 'stable-diffusion-v1/controlnet', about);
  await exportParameters(
    STARTER_FILES.control,
    loadParameters(path),
    metadata,
    (name) => `control_model.${name}`,
  );
}

async function publishUpscaler(path: string | undefined): Promise<void> {
  if (!path) return;
  const about = 'Enlarges little-world pictures four times.';
  const metadata = starterMetadata('Little World ×4', 'srvgg-compact/upscaler', about);
  await exportParameters(STARTER_FILES.upscaler, loadParameters(path), metadata);
}

/** Curves and records of the logs in `folder`; of stages that have no log there the published ones stay. */
export async function publishCurves(folder: string): Promise<void> {
  mkdirSync(CARD_FOLDER, { recursive: true });
  const records = readRecords();
  for (const { title, stages } of Object.values(CARDS))
    for (const stage of stages) {
      const losses = readLossLog(`${folder}/${stage}.jsonl`);
      const last = losses.at(-1);
      if (!last || losses.length < 2) continue;
      records[stage] = { steps: last.step, seconds: Math.round(last.seconds), finalLoss: last.loss };
      const curve = await lossCurvePng(losses, { title: `${title}: ${stage}` });
      writeFileSync(`${CARD_FOLDER}/loss-${stage}.png`, curve);
    }
  writeFileSync(RECORDS, `${JSON.stringify(records, null, 2)}\n`);
}

/** What is published of each stage of training. */
export function readRecords(): Record<string, TrainingRecord> {
  return existsSync(RECORDS)
    ? (JSON.parse(readFileSync(RECORDS, 'utf8')) as Record<string, TrainingRecord>)
    : {};
}
