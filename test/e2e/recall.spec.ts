/** Pictures of other programs bring their settings along. */
import sharp from 'sharp';
import { writePngTexts } from '../../main/images/metadata/pngChunks.ts';
import { drop, expect, makePicture, open, type Page, pictureFile, test } from './studio.ts';

const A1111 =
  'a lighthouse, (storm:1.2)\nNegative prompt: blurry\nSteps: 9, Sampler: Euler a, CFG scale: 4.5, Seed: 1234, Size: 128x128';

/** An API graph as ComfyUI writes it into its pictures, under the keyword `prompt`. */
const COMFY = {
  3: {
    class_type: 'KSampler',
    inputs: {
      seed: 4321,
      steps: 3,
      cfg: 3.5,
      sampler_name: 'dpmpp_2m',
      scheduler: 'karras',
      denoise: 1,
      model: ['4', 0],
      positive: ['6', 0],
      negative: ['7', 0],
      latent_image: ['5', 0],
    },
  },
  4: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'little-world.safetensors' } },
  5: { class_type: 'EmptyLatentImage', inputs: { width: 128, height: 128, batch_size: 1 } },
  6: { class_type: 'CLIPTextEncode', inputs: { text: 'a blue boat on the sea', clip: ['4', 1] } },
  7: { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['4', 1] } },
  8: { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  9: { class_type: 'SaveImage', inputs: { filename_prefix: 'ComfyUI', images: ['8', 0] } },
};

/** A plain picture that carries such a text. */
async function pictureWith(keyword: string, text: string): Promise<Buffer> {
  const plain = sharp({ create: { width: 128, height: 128, channels: 3, background: '#456' } });
  return Buffer.from(writePngTexts(await plain.png().toBuffer(), [[keyword, text]]));
}

async function recall(page: Page, name: string, file: Buffer): Promise<void> {
  await drop(page, name, 'image/png', file);
  await page.getByRole('region', { name: 'Messages' }).getByRole('button', { name: 'Recall all' }).click();
}

async function expectSettings(page: Page, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(values))
    await expect(page.getByLabel(name, { exact: true }), name).toHaveValue(value);
}

test('a picture of A1111 offers its settings', async ({ page, studio }) => {
  await open(page, studio);
  await recall(page, 'a1111.png', await pictureWith('parameters', A1111));
  await expectSettings(page, {
    Prompt: 'a lighthouse, (storm:1.2)',
    'Negative prompt': 'blurry',
    Steps: '9',
    'CFG scale': '4.5',
    Seed: '1234',
    Sampler: 'euler_ancestral',
  });
});

test('a picture of ComfyUI offers its settings, and they make a picture', async ({ page, studio }) => {
  await open(page, studio);
  await recall(page, 'comfy.png', await pictureWith('prompt', JSON.stringify(COMFY)));
  await expectSettings(page, {
    Prompt: 'a blue boat on the sea',
    'Negative prompt': 'blurry',
    Steps: '3',
    'CFG scale': '3.5',
    Seed: '4321',
    Sampler: 'dpmpp_2m',
    Schedule: 'karras',
  });
  await makePicture(page);
  const { width, height } = await sharp(await pictureFile(page)).metadata();
  expect({ width, height }).toEqual({ width: 128, height: 128 });
});
