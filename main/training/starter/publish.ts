/** From the training folder to starter/: weights in half precision, loss curves, and a record of how each was made. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { lossCurvePng } from '../lossCurve.ts';
import { readLossLog } from '../lossLog.ts';
import { exportCheckpoint, exportParameters, starterMetadata } from './exporter.ts';
import { STARTER_FILES } from './importer.ts';
import { loadParameters } from './loop/store.ts';

/** Which logs tell how a model was made, by the title of its curve. */
export const TRAINING_LOGS: Readonly<Record<string, readonly string[]>> = {
  autoencoder: ['vae-1', 'vae-2', 'vae-3', 'decoder'],
  'CLIP pair': ['clip', 'vision'],
  'U-Net': ['unet'],
  ControlNet: ['control'],
  upscaler: ['upscaler'],
};

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

async function publishCurves(folder: string): Promise<void> {
  const records: Record<string, Record<string, TrainingRecord>> = {};
  for (const [title, logs] of Object.entries(TRAINING_LOGS)) {
    const stages: Record<string, TrainingRecord> = {};
    for (const log of logs) {
      const losses = readLossLog(`${folder}/${log}.jsonl`);
      const last = losses.at(-1);
      if (!last || losses.length < 2) continue;
      stages[log] = { steps: last.step, seconds: Math.round(last.seconds), finalLoss: last.loss };
      writeFileSync(`starter/loss-${log}.png`, await lossCurvePng(losses, { title: `${title}: ${log}` }));
    }
    if (Object.keys(stages).length > 0) records[title] = stages;
  }
  writeFileSync('starter/training.json', `${JSON.stringify(records, null, 2)}\n`);
}
