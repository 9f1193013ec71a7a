/** Everything a picture depends on, in rows that can be read: nothing of the request is left out. */
import { expect, it } from 'vitest';
import { generationRequestSchema, upscaleRequestSchema } from '../../../preload/request.ts';
import { en } from '../../../renderer/i18n/en.ts';
import { factsOf, factsText } from '../../../renderer/request/facts.ts';

const sha256 = 'abcdef0123456789'.repeat(4);
const say = (key: string): string => {
  const word = en[key as keyof typeof en];
  if (word === undefined) throw new Error(`no word for ${key}`);
  return word;
};

it('tells an inpainting with all that joined it, hashes shortened as other tools show them', () => {
  const request = generationRequestSchema.parse({
    kind: 'inpaint',
    checkpoint: { name: 'Little World', sha256 },
    prompt: 'a boat',
    loras: [{ model: { name: 'Woodcut', sha256 }, unetWeight: 0.8, textWeight: 0.5 }],
    controls: [{ model: { name: 'Scribble' }, image: { sha256 }, preprocessor: 'canny', weight: 0.7 }],
    seed: '77',
    width: 512,
    height: 768,
    initImage: { sha256 },
    mask: { sha256 },
    denoisingStrength: 0.6,
    stepRule: 'comfy',
    speed: 'draft',
    secondPass: { scale: 2, upscaler: 'latent', denoisingStrength: 0.5 },
  });
  const text = factsText(factsOf(request, say));
  for (const line of [
    'Checkpoint: Little World · abcdef0123',
    'LoRA: Woodcut · abcdef0123 × 0.8 / 0.5',
    'Size: 512 × 768',
    'Seed: 77',
    'Denoising strength: 0.60',
    'Steps of image to image: all steps (ComfyUI)',
    'ControlNet: Scribble × 0.7 · Canny edges · 0–1',
    'Second pass: × 2 · the latent · 0.50',
    'Speed: Draft',
    'Shortcuts: CFG σ 0.15–10000 · 0.1 · 0.3',
  ])
    expect(text.split('\n')).toContain(line);
});

it('tells an enlargement, and leaves out what says nothing', () => {
  const request = upscaleRequestSchema.parse({
    kind: 'upscale',
    image: { sha256 },
    upscaler: { name: 'Little World x4' },
  });
  expect(factsOf(request, say)).toEqual([
    ['Upscaler', 'Little World x4'],
    ['Scale', "the upscaler's own"],
    ['Tile size', '256'],
  ]);
  const plain = generationRequestSchema.parse({
    kind: 'text-to-image',
    checkpoint: { name: 'Little World' },
    prompt: '',
    seed: '1',
    width: 128,
    height: 128,
  });
  const names = factsOf(plain, say).map(([name]) => name);
  expect(names).not.toContain('LoRA');
  expect(names).not.toContain('Shortcuts');
  expect(names).not.toContain('Denoising strength');
});
