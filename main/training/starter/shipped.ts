/** Goes on from the shipped checkpoint: its weights stand for the parts whose own results are not there. */
import { existsSync } from 'node:fs';
import { importStarter } from './importer.ts';
import { saveParameters } from './loop/store.ts';

/** What the last stages of the decoder and of the image encoder begin with, and what the other parts need of them. */
const STANDS_FOR = {
  vae: ['vae', 'vae-decoder'],
  clip: ['clip', 'clip-vision'],
  unet: ['unet'],
} as const;

/** Writes what `folder` lacks from the published files. Throws RangeError when `from` is anything but 'starter'. */
export async function takeShipped(from: string, folder: string): Promise<void> {
  if (from !== 'starter') throw new RangeError(`--from takes "starter" (the shipped weights), not "${from}"`);
  const shipped = importStarter();
  for (const [model, files] of Object.entries(STANDS_FOR))
    for (const file of files) {
      const path = `${folder}/${file}.safetensors`;
      if (!existsSync(path)) await saveParameters(path, shipped[model as keyof typeof STANDS_FOR]);
    }
}
